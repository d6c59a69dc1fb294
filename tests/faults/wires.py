"""The wires between the engine and the clusters, where a test cuts, delays, forges and swaps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import anyio

from tests.simulation.wire import ACTOR
from tmcconsole.runtime import ByteStream, Request, Response, Transport
from tmcconsole.sim.faces.cluster import SimCluster

# Called with (cluster, request) before the request: returns an answer instead, or None. May raise.
Meddle = Callable[[str, Request], Response | None]


class Between(Protocol):
    """What a test may change while the engine runs."""

    @property
    def meddle(self) -> Meddle:
        """The function that may answer in place of a cluster."""
        ...

    @property
    def sims(self) -> dict[str, SimCluster]:
        """The clusters behind the addresses."""
        ...

    @property
    def dead_before(self) -> dict[str, float]:
        """By cluster: streams opened before this time bring nothing more."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """Monotonic seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Cable:
    """A ``ByteStream`` that goes silent, without ending, when the test says so."""

    inner: ByteStream
    between: Between
    cluster: str
    laid_at: float

    @property
    def head(self) -> Response:
        """See ``ByteStream``."""
        return self.inner.head

    async def chunks(self) -> AsyncIterator[bytes]:
        """See ``ByteStream``."""
        async for chunk in self.inner.chunks():
            if self.laid_at < self.between.dead_before.get(self.cluster, 0.0):
                await anyio.sleep_forever()
            yield chunk


@dataclass(frozen=True, slots=True)
class Meddled:
    """A ``Transport`` between the engine and a cluster that a test can interfere with."""

    cluster: str
    between: Between

    @property
    def inner(self) -> Transport:
        """The transport behind the address now: a cluster may be replaced by another."""
        return self.between.sims[self.cluster].transport()

    async def request(self, request: Request) -> Response:
        """See ``Transport``."""
        token = ACTOR.set("")  # what the test does here is not done by the engine
        try:
            answer = self.between.meddle(self.cluster, request)
        finally:
            ACTOR.reset(token)
        return answer or await self.inner.request(request)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[ByteStream]:
        """See ``Transport``."""
        async with self.inner.stream(request) as stream:
            yield Cable(stream, self.between, self.cluster, self.between.now())

    async def aclose(self) -> None:
        """See ``Transport``."""
