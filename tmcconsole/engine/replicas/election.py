"""Who should carry out a duty, and what to do about its Lease. Pure.

Liveness is judged by changes seen on our own monotonic clock: other machines' clocks do not matter
(client-go's rule). Replicas are ranked by rendezvous hashing, ready ones first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

PATIENCE: Final = 2.0  # rounds that each rank waits for the ranks before it


@dataclass(frozen=True, slots=True)
class Timing:
    """The three durations of leader election in seconds, and what follows from them."""

    lease_s: float  # without a visible change for this long, others take the Lease
    deadline_s: float  # no write is started this long after the last renewal
    retry_s: float  # between two rounds

    @property
    def renew_after_s(self) -> float:
        """A third of the deadline: two renewals may fail."""
        return self.deadline_s / 3

    @property
    def under_way_s(self) -> float:
        """How long after the last renewal a request started in time may still be in flight."""
        return (self.deadline_s + self.lease_s) / 2

    @property
    def settle_s(self) -> float:
        """How long another replica must be the better one before a duty is handed over."""
        return 2 * self.lease_s


@dataclass(frozen=True, slots=True)
class ObservedLease:
    """A Lease as last seen. A deleted one stays known until it would have expired."""

    uid: str  # "" once it was deleted
    resource_version: str
    holder: str  # "" = free
    duration_s: float
    transitions: int = 0
    serves: Mapping[str, bool] = field(default_factory=dict)  # a replica's own: duty -> ready
    changed_at: float = 0.0  # monotonic: when a change of it was last seen

    def is_live(self, now: float) -> bool:
        """True while its holder counts as alive."""
        return bool(self.holder) and now - self.changed_at < self.duration_s

    def free_since(self) -> float:
        """Return when it became free, or will."""
        return self.changed_at + (self.duration_s if self.holder else 0.0)


@dataclass(frozen=True, slots=True)
class Replica:
    """An engine that shares the work, as it describes itself."""

    id: str
    serves: Mapping[str, bool]  # duty -> whether it could carry it out now


class ElectionStep(Enum):
    """What to do about one Lease."""

    WAIT = "wait"
    TAKE = "take"  # create it, or write our name into it
    RENEW = "renew"
    HAND_OVER = "hand over"


@dataclass(frozen=True, slots=True)
class ElectionState:
    """Everything the decision about one duty depends on. Times are monotonic seconds."""

    me: str
    seen: ObservedLease | None  # None: there is no Lease
    known_since: float  # when we first read the Leases
    renewed_at: float | None  # when our last successful renewal was sent; None: not ours
    ranked: Sequence[str]  # replicas that serve the duty, the best first
    better_since: float | None  # since when another replica has been ready and first


def decide(case: ElectionState, now: float, timing: Timing) -> ElectionStep:
    """Return the next step for a duty's Lease."""
    seen = case.seen
    if seen is not None and seen.holder == case.me and seen.uid:
        if case.renewed_at is None:
            return ElectionStep.RENEW  # of an earlier process of this replica
        if case.better_since is not None and now - case.better_since >= timing.settle_s:
            return ElectionStep.HAND_OVER
        due = now - case.renewed_at >= timing.renew_after_s
        return ElectionStep.RENEW if due else ElectionStep.WAIT
    if seen is not None and seen.is_live(now):
        return ElectionStep.WAIT
    free_since = case.known_since if seen is None else max(seen.free_since(), case.known_since)
    heirs = [one for one in case.ranked if seen is None or one != seen.holder]
    before = heirs.index(case.me) if case.me in heirs else len(heirs)
    waits_s = before * PATIENCE * timing.retry_s
    return ElectionStep.TAKE if now - free_since >= waits_s else ElectionStep.WAIT


def rank(duty: str, replicas: Iterable[Replica]) -> list[str]:
    """Return the ids of the replicas that serve a duty, the best first."""
    serving = [one for one in replicas if duty in one.serves]
    serving.sort(key=lambda one: (not one.serves[duty], _weight(duty, one.id)))
    return [one.id for one in serving]


def better(duty: str, me: str, replicas: Iterable[Replica]) -> str:
    """Return the replica that should have the duty and is ready for it; "" if that is us."""
    ready = [one for one in replicas if one.serves.get(duty)]
    ranked = rank(duty, ready)
    return ranked[0] if ranked and ranked[0] != me else ""


def lease_name(duty: str) -> str:
    """Return the name of a duty's Lease; keys have capitals, which names may not."""
    return "tmc-console-hub" if duty == "hub" else f"tmc-console-target-{_short(duty)}"


def replica_name(id: str) -> str:
    """Return the name of the Lease that shows that a replica is alive."""
    return f"tmc-console-replica-{_short(id)}"


def _weight(duty: str, id: str) -> bytes:
    return hashlib.sha256(f"{duty} {id}".encode()).digest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
