"""A seeded loop on which one engine of several can be frozen, as SIGSTOP does."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tests.simulation.loop import SeededLoop

# The engine that a task belongs to; "" for clusters, users and the test.
REPLICA: ContextVar[str] = ContextVar("replica", default="")


@contextmanager
def nobody() -> Iterator[None]:
    """Let tasks spawned in this block belong to no engine."""
    token = REPLICA.set("")
    try:
        yield
    finally:
        REPLICA.reset(token)


class FreezingLoop(SeededLoop):
    """Callbacks and timers of a frozen engine wait, while its clock goes on."""

    def __init__(self, seed: int, limit_s: float) -> None:
        super().__init__(seed, limit_s)
        self._frozen: set[str] = set()
        self._waiting: list[asyncio.Handle] = []
        self._late: list[asyncio.TimerHandle] = []

    def freeze(self, replica: str) -> None:
        """Stop an engine between two of its steps."""
        self._frozen.add(replica)

    def thaw(self, replica: str) -> None:
        """Let it go on: what arrived or fell due meanwhile is all handled at once."""
        self._frozen.discard(replica)
        self._ready.extend(handle for handle in self._waiting if not self._is_frozen(handle))
        self._waiting = [handle for handle in self._waiting if self._is_frozen(handle)]
        for timer in [timer for timer in self._late if not self._is_frozen(timer)]:
            self._late.remove(timer)
            heapq.heappush(self._scheduled, timer)

    def _is_frozen(self, handle: asyncio.Handle) -> bool:
        context: Any = handle._context  # type: ignore[attr-defined]
        return context.get(REPLICA) in self._frozen

    def _run_once(self) -> None:
        if self._frozen:
            ready = list(self._ready)
            self._waiting += [handle for handle in ready if self._is_frozen(handle)]
            self._ready.clear()
            self._ready.extend(handle for handle in ready if not self._is_frozen(handle))
            timers: list[asyncio.TimerHandle] = list(self._scheduled)  # type: ignore[has-type]
            self._late += [timer for timer in timers if self._is_frozen(timer)]
            self._scheduled = [timer for timer in timers if not self._is_frozen(timer)]
            heapq.heapify(self._scheduled)
        super()._run_once()
