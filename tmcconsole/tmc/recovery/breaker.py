"""A circuit breaker as plain data: time comes in, the next breaker comes out.

    Closed --failures reach the threshold--> Open --reset_s passed--> HalfOpen --one trial--> either

While open nothing is sent: a dead cluster costs no workers. Any success
is proof of life and closes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from tmcconsole.tmc.classify import CLUSTER_WIDE
from tmcconsole.tmc.errors import ErrorType, Failure

THRESHOLD: Final = 5  # consecutive cluster-wide failures
RESET_S: Final = 60.0


class BreakerState(StrEnum):
    """What the breaker lets through."""

    CLOSED = "Closed"  # everything
    OPEN = "Open"  # nothing
    HALF_OPEN = "HalfOpen"  # one trial at a time


@dataclass(frozen=True, slots=True)
class Breaker:
    """One cluster's breaker. Times are monotonic seconds."""

    threshold: int = THRESHOLD
    reset_s: float = RESET_S
    failures: int = 0  # consecutive
    opened_at: float | None = None  # None while closed
    # When the current trial began. A trial that never reports is abandoned after reset_s.
    trial_at: float | None = None

    def state(self, now: float) -> BreakerState:
        """Return the state at that time."""
        if self.opened_at is None:
            return BreakerState.CLOSED
        if now < self.opened_at + self.reset_s:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    def closes_in(self, now: float) -> float:
        """Return the seconds until the next trial, 0 if one is allowed now."""
        if self.opened_at is None:
            return 0.0
        since = self.opened_at if self.trial_at is None else self.trial_at
        return max(0.0, since + self.reset_s - now)

    def admit(self, now: float) -> tuple[bool, Breaker]:
        """Return whether a request may be sent, and the breaker after that decision."""
        if self.opened_at is None:
            return True, self
        if self.closes_in(now) > 0:
            return False, self
        return True, replace(self, trial_at=now)

    def succeeded(self) -> Breaker:
        """Return the breaker after a response from the cluster."""
        if self.failures == 0 and self.opened_at is None:
            return self
        return Breaker(self.threshold, self.reset_s)

    def failed(self, now: float) -> Breaker:
        """Return the breaker after a failure that ``counts``.

        A late failure of an old request does not postpone the trial.
        """
        counted = replace(self, failures=self.failures + 1)
        if self.opened_at is None:
            opens = counted.failures >= self.threshold
            return replace(counted, opened_at=now) if opens else counted
        if self.trial_at is not None:
            return replace(counted, opened_at=now, trial_at=None)
        return counted


def counts(failure: Failure) -> bool:
    """Return whether a failure indicates a problem of the whole cluster, not of one object.

    A 429 or 503 with Retry-After is a response that sets its own pace, not a dead cluster.
    """
    if failure.type is ErrorType.SYNC_TIMEOUT:
        return True
    return failure.type in CLUSTER_WIDE and failure.retry_after_s is None
