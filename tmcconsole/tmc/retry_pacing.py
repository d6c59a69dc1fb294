"""How long to wait before retrying: pure, by failure and number of consecutive failures.

Exponential with jitter, as in client-go's rate limiters, but paced by what went wrong. A wait is
never shorter than a tenth of its ceiling, so that the retries in any period are bounded.
"""

from __future__ import annotations

from typing import Final

from tmcconsole.backoff import Backoff, RandomSource
from tmcconsole.tmc.errors import Failure, Pace

RECHECK_S: Final = 600.0  # refused objects are retried after this long, even if nothing changes
MAX_RETRY_AFTER_S: Final = 60.0  # longer values from a server are capped
LEAST: Final = 0.1  # of its ceiling is the shortest wait: ten thousand keys spread out

SCHEDULES: Final[dict[Pace, Backoff]] = {
    Pace.PROMPT: Backoff(first_s=0.01, cap_s=300.0, least=LEAST),
    Pace.NORMAL: Backoff(first_s=0.1, cap_s=300.0, least=LEAST),
    Pace.SLOW: Backoff(first_s=60.0, cap_s=600.0, least=LEAST, least_s=30.0),
    # A tenth of jitter keeps ten thousand refused objects from coming back within one second.
    Pace.REFUSED: Backoff(first_s=1.1 * RECHECK_S, cap_s=1.1 * RECHECK_S, least_s=RECHECK_S),
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
    return SCHEDULES[pace].bounds(attempts)
