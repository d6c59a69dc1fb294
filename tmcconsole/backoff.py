"""How long to wait before trying again: exponential, with jitter. Pure, but for the count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

_MOST_DOUBLINGS: Final = 40  # past any cap; keeps the power small


class RandomSource(Protocol):
    """The runtime's random numbers, as far as they are needed here."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between ``a`` and ``b``."""
        ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds: the ceiling is ``first_s``, doubles with each failure in a row, up to ``cap_s``.

    A wait is drawn between the share ``least`` of the ceiling and the ceiling, and is not below
    ``least_s``: the tries in any stretch of time are bounded, and those of many do not coincide.
    """

    first_s: float
    cap_s: float
    least: float = 0.5
    least_s: float = 0.0

    def ceiling(self, failures: int) -> float:
        """Return the longest wait after ``failures`` (>= 1) in a row."""
        doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
        return min(self.cap_s, self.first_s * 2.0**doublings)

    def bounds(self, failures: int) -> tuple[float, float]:
        """Return the shortest and the longest wait."""
        ceiling = self.ceiling(failures)
        return max(self.least_s, self.least * ceiling), ceiling

    def delay(self, failures: int, rng: RandomSource) -> float:
        """Return the seconds to wait after ``failures`` (>= 1) in a row."""
        return rng.uniform(*self.bounds(failures))


@dataclass(slots=True)
class Retries:
    """Owns the count of failures in a row of one thing that is tried again and again.

    When it has gone well for ``healthy_s``, counted from the end of the last wait, the next
    failure is a first again.
    """

    backoff: Backoff
    now: Callable[[], float]  # monotonic
    rng: RandomSource
    healthy_s: float
    failures: int = 0
    _tried_at: float = float("-inf")

    def next_delay(self) -> float:
        """Count a failure; return the seconds to wait."""
        now = self.now()
        self.failures = 1 if now - self._tried_at >= self.healthy_s else self.failures + 1
        delay = self.backoff.delay(self.failures, self.rng)
        self._tried_at = now + delay
        return delay
