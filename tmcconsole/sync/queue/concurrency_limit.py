"""How many requests may be in flight to one API server: as many as it can take.

Additive increase, multiplicative decrease: a 429 or a 5xx halves the limit and obeys Retry-After;
responses much slower than this server's fastest reduce it by a quarter, since they wait in its
queue by then; timely responses raise it again. There is no fixed rate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from tmcconsole.kube.errors import KubeError, ServerFailure, TooManyRequests, Unreachable

LEAST: Final = 1
START: Final = 16
CALM_AFTER_S: Final = 1.0  # at most one decrease in this time: a burst of errors is one signal
SLOW_TIMES: Final = 4.0  # this many times the fastest response, and
SLOW_MORE_S: Final = 0.25  # at least this much more, is slow: 1 ms to 10 ms on loopback is nothing
NARROW: Final = 4  # a server this slow with so few in flight is far away, not overloaded


class ConcurrencyLimit:
    """Admission to one API server. Owned by one event loop."""

    def __init__(
        self,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        most: int = 64,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._most = most
        self._width = float(min(START, most))
        self._running = 0
        self._closed_until = 0.0
        self._decreased_at = float("-inf")
        self._waiting: deque[anyio.Event] = deque()
        self._quickest_s = float("inf")  # response at the server's current distance

    def __repr__(self) -> str:
        return f"<ConcurrencyLimit {self._running}/{self.width}, {len(self._waiting)} waiting>"

    @property
    def width(self) -> int:
        """How many requests may be in flight now."""
        return int(self._width)

    @property
    def waiting(self) -> int:
        """How many requests wait to be admitted."""
        return len(self._waiting)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Wait for a slot, hold it, and learn from how the request ends."""
        await self._enter()
        began = self._now()
        try:
            yield
        except KubeError as error:
            self._learn(error)
            raise
        else:
            self._answered(self._now() - began)
        finally:
            self._leave()

    async def _enter(self) -> None:
        """Take a slot, in the order of asking: who is done may not push in again before others."""
        await self._reopened()
        if self._waiting or self._running >= self.width:
            await self._wait()
        else:
            self._running += 1
        try:
            await self._reopened()
        except BaseException:
            self._leave()
            raise

    async def _reopened(self) -> None:
        while (pause := self._closed_until - self._now()) > 0:
            await self._sleep(pause)

    async def _wait(self) -> None:
        """Wait until a slot is handed over; it counts as ours from then on."""
        event = anyio.Event()
        self._waiting.append(event)
        try:
            await event.wait()
        except BaseException:
            if event.is_set():
                self._leave()
            else:
                self._waiting.remove(event)
            raise

    def _leave(self) -> None:
        self._running -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._running < self.width:
            self._running += 1
            self._waiting.popleft().set()

    def _answered(self, took_s: float) -> None:
        is_slow = took_s > SLOW_TIMES * self._quickest_s + SLOW_MORE_S
        if is_slow and self.width > NARROW:
            self._narrow(0.75)
            return
        self._quickest_s = took_s if is_slow else min(took_s, self._quickest_s)
        self._width = min(self._most, self._width + 1 / self._width)

    def _learn(self, error: KubeError) -> None:
        if not isinstance(error, TooManyRequests | ServerFailure | Unreachable):
            return
        if error.retry_after_s:
            self._closed_until = max(self._closed_until, self._now() + error.retry_after_s)
        self._narrow(0.5)

    def _narrow(self, share: float) -> None:
        now = self._now()
        if now - self._decreased_at >= CALM_AFTER_S:
            self._decreased_at = now
            self._width = max(LEAST, self._width * share)
