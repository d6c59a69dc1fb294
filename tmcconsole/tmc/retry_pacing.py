"""How long to wait before retrying: pure, by failure and number of consecutive failures.

Exponential with jitter, as in client-go's rate limiters, but paced by what went wrong. A wait is
never shorter than a tenth of its ceiling, so that the retries in any period are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from tmcconsole.tmc.errors import Failure, Pace


class RandomSource(Protocol):
    """The part of the runtime's random numbers that is needed here."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between ``a`` and ``b``."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds: the ceiling doubles from ``first_s`` to ``cap_s``; no wait is below ``least_s``."""

    first_s: float
    cap_s: float
    least_s: float = 0.0


RECHECK_S: Final = 600.0  # refused objects are retried after this long, even if nothing changes
MAX_RETRY_AFTER_S: Final = 600.0  # longer values from a server are capped

SCHEDULES: Final[dict[Pace, Schedule]] = {
    Pace.PROMPT: Schedule(first_s=0.01, cap_s=300.0),
    Pace.NORMAL: Schedule(first_s=0.1, cap_s=300.0),
    Pace.SLOW: Schedule(first_s=60.0, cap_s=600.0, least_s=30.0),
    # A tenth of jitter keeps ten thousand refused objects from coming back within one second.
    Pace.REFUSED: Schedule(first_s=1.1 * RECHECK_S, cap_s=1.1 * RECHECK_S, least_s=RECHECK_S),
}


def delay(failure: Failure, attempts: int, rng: RandomSource) -> float:
    """Return the seconds to wait after ``attempts`` (>= 1) consecutive failures.

    Retry-After is honoured in addition to the jitter, up to ``MAX_RETRY_AFTER_S``.
    """
    low, high = bounds(failure.pace, attempts)
    asked = min(failure.retry_after_s or 0.0, MAX_RETRY_AFTER_S)
    return asked + rng.uniform(low, high)


def bounds(pace: Pace, attempts: int) -> tuple[float, float]:
    """Return the shortest and longest wait in seconds, without Retry-After."""
    schedule = SCHEDULES[pace]
    doublings = min(max(attempts - 1, 0), 40)  # beyond any cap; keeps the power small
    ceiling = min(schedule.cap_s, schedule.first_s * 2.0**doublings)
    return max(schedule.least_s, ceiling / 10), ceiling
