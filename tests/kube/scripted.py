"""A collection of ConfigMaps whose lists and watches answer as scripted by a test."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import orjson

from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.runtime import Request, Response, Runtime, Transport, TransportError

CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
JSON_TYPE = {"content-type": "application/json"}
HANG = object()  # in a watch: stay silent forever


def make_tree(name: str, version: int, *, uid: str = "", **data: str) -> Json:
    """Return a ConfigMap in namespace ``shop``."""
    meta = {
        "name": name,
        "namespace": "shop",
        "uid": uid or f"uid-{name}",
        "resourceVersion": str(version),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def key(name: str) -> ObjectKey:
    return ObjectKey("shop", name)


def listing(version: int, *trees: Json, token: str = "") -> Response:
    """Return a list answer; items lose apiVersion and kind, as on a real server."""
    items = [{k: v for k, v in tree.items() if k not in ("apiVersion", "kind")} for tree in trees]
    meta: Json = {"resourceVersion": str(version)}
    if token:
        meta["continue"] = token
    body = {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": meta, "items": items}
    return Response(200, JSON_TYPE, orjson.dumps(body))


def failure(code: int, reason: str, message: str = "", **details: Any) -> Response:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message or reason,
        "details": details,
    }
    return Response(code, JSON_TYPE, orjson.dumps(status))


def event(kind: str, tree: Json) -> bytes:
    return orjson.dumps({"type": kind, "object": tree}) + b"\n"


def bookmark(version: int) -> bytes:
    meta = {"resourceVersion": str(version)}
    return event("BOOKMARK", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})


def expired() -> bytes:
    return event("ERROR", orjson.loads(failure(410, "Expired").body))


def refused() -> TransportError:
    return TransportError("connection refused", sent=False)


@dataclass
class Stream:
    head: Response
    script: tuple[object, ...]

    async def chunks(self) -> AsyncIterator[bytes]:
        for step in self.script:
            match step:
                case bytes():
                    yield step
                case int() | float():
                    await anyio.sleep(step)
                case Exception():
                    raise step
                case _:
                    await anyio.sleep(86_400)


@dataclass
class ScriptedTransport(Transport):
    """Answers lists and watches in the order written; the last answer of each is repeated."""

    lists: deque[Response | Exception] = field(default_factory=deque)
    watches: deque[Response | tuple[object, ...] | Exception] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def _next(self, request: Request, script: deque[Any]) -> Any:
        self.requests.append(request)
        self.times.append(anyio.current_time())
        answer = script.popleft() if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def request(self, request: Request) -> Response:
        answer = self._next(request, self.lists)
        await anyio.lowlevel.checkpoint()
        assert isinstance(answer, Response)
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        answer = self._next(request, self.watches)
        if isinstance(answer, Response):
            yield Stream(answer, ())
        else:
            yield Stream(Response(200, JSON_TYPE, b""), answer)

    async def aclose(self) -> None:
        return

    def queries(self, *, watch: bool) -> list[dict[str, str]]:
        queries = [dict(request.query) for request in self.requests]
        return [query for query in queries if ("watch" in query) is watch]


async def _no_dial(_name: str) -> Transport:
    raise AssertionError("nothing is dialled in these tests")


def make_runtime(
    *, seed: int = 1, sometimes: Callable[[str], bool] = lambda _name: False
) -> Runtime:
    """Return a runtime on the event loop's own, virtual, time."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    return Runtime(
        now=anyio.current_time,
        wall=anyio.current_time,
        sleep=sleep,
        rng=random.Random(seed),
        dial=_no_dial,
        sometimes=sometimes,
    )
