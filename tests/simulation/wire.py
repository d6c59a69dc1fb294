"""The engine's network: every request is seen, and none leaves an engine that has crashed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, Protocol

import anyio

from tmcconsole.runtime import ByteStream, Request, Response, Transport, TransportError
from tmcconsole.sim.faces.cluster import SimCluster

# Who sent the request that is being carried out; "" for the clusters' own controllers.
ACTOR: ContextVar[str] = ContextVar("actor", default="")
WRITING = ("POST", "PUT", "PATCH", "DELETE")

# Where an engine dies: the write is not sent; it is committed and the engine dies at once, or
# lives on until the next time it waits.
Moment = Literal["before", "after", "soon after"]


@dataclass(slots=True)
class Life:
    """One life of the engine, from its start to its stop or crash."""

    number: int
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_over: bool = False
    writes_left: int = -1  # until it crashes; -1 = it does not
    moment: Moment = "before"

    def end(self) -> None:
        """Crash: lose all memory; nothing that still runs reaches the network."""
        self.is_over = True
        self.scope.cancel()

    def is_last_write(self) -> bool:
        """Count a write; True if it is the one to die at."""
        if self.writes_left < 0:
            return False
        self.writes_left -= 1
        return self.writes_left < 0


class Observer(Protocol):
    """Is told of the engine's requests."""

    def sent(self, cluster: str, request: Request, life: int) -> None:
        """Is called when a request is sent."""
        ...

    def answered(self, cluster: str, request: Request, answer: Response | None, life: int) -> None:
        """Is called when it was answered, or failed without an answer."""
        ...


class Wire:
    """The ``Transport`` of one life of the engine to one cluster."""

    def __init__(self, cluster: str, inner: Transport, life: Life, observer: Observer) -> None:
        self._cluster = cluster
        self._inner = inner
        self._life = life
        self._observer = observer

    async def request(self, request: Request) -> Response:
        """See ``Transport``."""
        self._require_life()
        dies = request.method in WRITING and self._life.is_last_write()
        if dies and self._life.moment == "before":
            await self._die()
        self._observer.sent(self._cluster, request, self._life.number)
        answer = await self._through(request)
        if dies:
            if self._life.moment == "after":
                await self._die()
            self._life.end()
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[ByteStream]:
        """See ``Transport``."""
        self._require_life()
        self._observer.sent(self._cluster, request, self._life.number)
        async with self._inner.stream(request) as stream:
            yield stream

    async def aclose(self) -> None:
        """See ``Transport``."""
        await self._inner.aclose()

    async def _through(self, request: Request) -> Response:
        token = ACTOR.set("engine")
        answer: Response | None = None
        try:
            answer = await self._inner.request(request)
        finally:
            ACTOR.reset(token)
            self._observer.answered(self._cluster, request, answer, self._life.number)
        return answer

    def _require_life(self) -> None:
        if self._life.is_over:
            raise TransportError("the process is gone", sent=False)

    async def _die(self) -> None:
        self._life.end()
        await anyio.sleep_forever()


class Hand:
    """A ``Transport`` for people: it reaches a cluster immediately, past all network faults."""

    def __init__(self, cluster: SimCluster) -> None:
        self._cluster = cluster

    async def request(self, request: Request) -> Response:
        """See ``Transport``."""
        token = ACTOR.set("user")
        try:
            answer = self._cluster.handle(request)
        finally:
            ACTOR.reset(token)
        assert isinstance(answer, Response)
        return answer

    def stream(self, request: Request) -> AbstractAsyncContextManager[ByteStream]:
        """People do not watch here."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """See ``Transport``."""
