"""The two servers that are compared, and how requests are sent to them."""

from __future__ import annotations

import random
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

import aiohttp
import anyio
import orjson

from tests.differential.trace import Json, Step, Watched
from tests.envtest.planes import Plane
from tmcconsole.kube.access.http import ABORT_LINGERING
from tmcconsole.runtime import Request, Response
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.handlers.watch import Watch

USER_AGENT = "differential/1"
PATIENCE_S = 60.0
_WARNING = re.compile(r'299 - ("(?:[^"\\]|\\.)*")')


class Answer(NamedTuple):
    """A status code, the media type, the document or text, and its warnings."""

    code: int
    media_type: str
    body: Any
    warnings: tuple[str, ...] = ()


class Server(Protocol):
    """One of the two servers."""

    async def send(self, step: Step) -> Answer:
        """Return the answer to a step without placeholders."""
        ...

    def watch(self, watched: Watched) -> AsyncGenerator[Json, None]:
        """Yield events, endlessly."""
        ...


@dataclass(frozen=True, slots=True)
class RealServer:
    """A kube-apiserver over HTTPS.

    It tries a change first on what its watch cache has, and also tells of what it warned of there,
    although it does it anew where that was old. So each write waits until the cache has it.
    """

    session: aiohttp.ClientSession

    async def send(self, step: Step) -> Answer:
        answer = await self._send(step)
        written = _written(step, answer)
        if written is not None:
            await self._send(written)
        return answer

    async def _send(self, step: Step) -> Answer:
        headers = {"Content-Type": step.content_type, "Accept": step.accept}
        async with self.session.request(
            step.method, _target(step.path, step.query), data=encoded(step.body), headers=headers
        ) as answer:
            kind = answer.headers.get("Content-Type", "")
            warned = ", ".join(answer.headers.getall("Warning", []))
            return _answer(answer.status, kind, await answer.read(), warned)

    async def watch(self, watched: Watched) -> AsyncGenerator[Json, None]:
        target = _target(watched.path, watched.query | {"watch": "true"})
        async with self.session.get(target, headers={"Accept": watched.accept}) as answer:
            async for line in answer.content:
                yield orjson.loads(line)


@dataclass(frozen=True, slots=True)
class SimulatedServer:
    """The simulated server, in this process and without faults."""

    cluster: SimCluster

    async def send(self, step: Step) -> Answer:
        answer = self._handle(step)
        assert isinstance(answer, Response), "a watch"
        warned = answer.headers.get("warning", "")
        return _answer(answer.status, answer.headers["content-type"], answer.body, warned)

    async def watch(self, watched: Watched) -> AsyncGenerator[Json, None]:
        query = watched.query | {"watch": "true"}
        answer = self._handle(Step("GET", watched.path, query=query, accept=watched.accept))
        if isinstance(answer, Response):
            yield orjson.loads(answer.body)
            return
        async with aclosing(answer.lines()) as lines:
            async for line in lines:
                yield orjson.loads(line)

    def _handle(self, step: Step) -> Response | Watch:
        return self.cluster.handle(
            Request(
                step.method,
                step.path,
                tuple(step.query.items()),
                encoded(step.body),
                step.content_type,
                step.accept,
                (("user-agent", USER_AGENT),),
            )
        )


@asynccontextmanager
async def open_real(plane: Plane) -> AsyncIterator[RealServer]:
    """Open a plane as its administrator."""
    connector = aiohttp.TCPConnector(ssl=plane.ssl_context(), enable_cleanup_closed=ABORT_LINGERING)
    headers = {"Authorization": f"Bearer {plane.token}", "User-Agent": USER_AGENT}
    async with aiohttp.ClientSession(
        plane.url,
        connector=connector,
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
        read_bufsize=2**22,
    ) as session:
        yield RealServer(session)


def open_simulated() -> SimulatedServer:
    """Return a fresh simulated hub. Its controllers do not run, as the plane has none."""
    rng = random.Random(0)
    cluster = SimCluster("hub", now=time.monotonic, wall=time.time, rng=rng, flavour="hub")
    return SimulatedServer(cluster)


async def settle(server: Server, step: Step) -> Answer:
    """Send a step until its answer has what the step waits for. Raises ``TimeoutError``."""
    answer = await server.send(step)
    if not step.until:
        return answer
    with anyio.fail_after(PATIENCE_S):
        while step.until not in str(answer.body):
            await anyio.sleep(0.02)
            answer = await server.send(step)
    return answer


def _written(step: Step, answer: Answer) -> Step | None:
    """Return a request that is answered only once the watch cache has what a step wrote."""
    if step.method not in ("POST", "PUT", "PATCH") or answer.code not in (200, 201):
        return None
    meta = answer.body.get("metadata") or {}
    if "name" not in meta or "resourceVersion" not in meta or step.query.get("dryRun"):
        return None
    path = f"{step.path}/{meta['name']}" if step.method == "POST" else step.path
    return Step("GET", path, query={"resourceVersion": meta["resourceVersion"]})


def encoded(body: Any) -> bytes:
    """Return a body as it is sent."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else orjson.dumps(body)


def _target(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _answer(code: int, kind: str, raw: bytes, warned: str) -> Answer:
    media_type = kind.partition(";")[0]
    body = orjson.loads(raw) if "json" in media_type else raw.decode()
    texts = (orjson.loads(text) for text in _WARNING.findall(warned))
    return Answer(code, media_type, body, tuple(sorted(texts)))
