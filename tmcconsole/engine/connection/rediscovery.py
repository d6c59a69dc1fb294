"""When to run discovery again: soon after news, else periodically."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole.runtime import Runtime

REDISCOVER_S: Final = 60.0  # a new kind is noticed within this time if CRDs are not watched
SETTLE_S: Final = 0.2  # CRDs that arrive together need one discovery only
# A server serves a new CRD a little later: discovery runs again after these seconds.
AFTER_NEWS_S: Final = (SETTLE_S, 1.0, 3.0, 10.0)


@dataclass(slots=True)
class Rediscovery:
    """Calls ``look`` forever. It must not raise ``KubeError``."""

    runtime: Runtime
    look: Callable[[], Awaitable[None]]
    _pauses: tuple[float, ...] = ()  # before the runs still due after the last news
    _settling: bool = False
    _wake: anyio.Event = field(default_factory=anyio.Event)

    def soon(self) -> None:
        """There is news: run soon, and a few more times."""
        if not self._settling:  # a stream of news must not postpone the run forever
            self._pauses = AFTER_NEWS_S
            self._wake.set()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            pause, *rest = self._pauses or (REDISCOVER_S * self.runtime.rng.uniform(0.9, 1.1),)
            self._pauses = tuple(rest)
            self._settling = pause == SETTLE_S
            self._wake = anyio.Event()
            with anyio.move_on_after(pause):
                await self._wake.wait()
                continue
            self._settling = False
            await self.look()
