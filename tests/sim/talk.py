"""A simulated cluster without sockets, objects to create in it, and a simple client."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import anyio
import orjson

from tmcconsole.runtime import Request
from tmcconsole.sim.faces.cluster import SimCluster

Json = dict[str, Any]
EPOCH = 1_800_000_000.0  # Unix seconds at which simulated servers start

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


@dataclass
class Answer:
    """One answer, decoded."""

    status: int
    body: Any  # a tree; the list of lines of a watch
    headers: dict[str, str]


@dataclass
class Api:
    """Requests to one cluster, without a network."""

    cluster: SimCluster

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        agent: str = "test/1",
        **query: str,
    ) -> Answer:
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = Request(
            method,
            path,
            tuple(query.items()),
            data,
            content_type,
            accept,
            headers=(("user-agent", agent),),
        )
        answer = await self.cluster.transport().request(request)
        if answer.content_type == "application/json":
            lines = answer.body.splitlines()
            whole = orjson.loads(lines[0]) if len(lines) == 1 else [orjson.loads(x) for x in lines]
            return Answer(answer.status, whole, answer.headers)
        return Answer(answer.status, {"text": answer.body.decode()}, answer.headers)

    async def get(self, path: str, **query: str) -> Answer:
        return await self.send("GET", path, **query)

    async def post(self, path: str, body: Any, **query: str) -> Answer:
        return await self.send("POST", path, body, **query)

    async def put(self, path: str, body: Any, **query: str) -> Answer:
        return await self.send("PUT", path, body, **query)

    async def patch(self, path: str, body: Any, content_type: str = MERGE, **query: str) -> Answer:
        return await self.send("PATCH", path, body, content_type, **query)

    async def apply(self, path: str, body: Any, manager: str = "ours", **query: str) -> Answer:
        return await self.send("PATCH", path, body, APPLY, fieldManager=manager, **query)

    async def delete(self, path: str, body: Any = None, **query: str) -> Answer:
        return await self.send("DELETE", path, body, **query)


def make_cluster(flavour: str = "workload", name: str = "east", base_path: str = "") -> SimCluster:
    return SimCluster(
        name,
        now=anyio.current_time,
        wall=lambda: EPOCH,
        rng=random.Random(7),
        flavour=flavour,  # type: ignore[arg-type]  # a test may say any
        base_path=base_path,
    )
