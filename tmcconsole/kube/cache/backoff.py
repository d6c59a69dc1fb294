"""How long to wait before retrying: client-go's numbers for list and watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.runtime import Runtime

FIRST_S: Final = 0.8
CAP_S: Final = 30.0
HEALTHY_S: Final = 120.0  # after this long without a failure, the backoff starts over


@dataclass(slots=True)
class Backoff:
    """Owns the count of consecutive failures."""

    runtime: Runtime
    failures: int = 0
    _last: float = float("-inf")

    def next_delay(self) -> float:
        """Count a failure; return the delay in seconds: doubled each time, plus up to 100 %
        jitter.
        """
        now = self.runtime.now()
        if now - self._last > HEALTHY_S:
            self.failures = 0
        ceiling = min(CAP_S, FIRST_S * 2.0 ** min(self.failures, 16))
        self.failures += 1
        delay = ceiling * (1.0 + self.runtime.rng.random())
        self._last = now + delay
        return delay
