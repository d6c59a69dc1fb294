"""Records built from the engine's state. Pure readers; nothing here changes anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from tmcconsole.contract.records import (
    Condition,
    Health,
    PlacementRecord,
    QueueRecord,
    SyncState,
    TargetRecord,
)
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.board.ill_copies import IllCopies
from tmcconsole.engine.board.object_records import NOT_AS_WANTED, WAITING
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.sync_target_status import summary
from tmcconsole.engine.targets.supervisor import Supervisor, silent
from tmcconsole.kube.objects import Json, ObjectKey, conditions_of
from tmcconsole.placement.api import SyncTarget
from tmcconsole.placement.decided import Decided
from tmcconsole.sync.names.times import unix_time
from tmcconsole.sync.queue.workqueue import WorkQueue
from tmcconsole.sync.state.ledger import LANE, Ledger
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.health.health import (
    HUB,
    CopyCounts,
    Reading,
    TargetFacts,
    kind_health,
    kind_path,
    target_health,
    target_path,
    worst,
)

LAG_WINDOW_S: Final = 300.0


@dataclass(slots=True)
class Tally:
    """The number of copies on one target in each state, by kind id."""

    by_kind: dict[str, Counter[SyncState]] = field(default_factory=dict)
    counted: tuple[int, int] = (0, 0)  # which ledger, in which version
    is_current: bool = True  # False: the target does not respond, these are the last known

    def total(self) -> Counter[SyncState]:
        """Return the counts over all kinds of copies."""
        copies = [count for kind, count in self.by_kind.items() if not kind.startswith(LANE)]
        return sum(copies, Counter())

    def upsynced(self) -> Counter[SyncState]:
        """Return the counts of what is upsynced from the target."""
        owned = [count for kind, count in self.by_kind.items() if kind.startswith(LANE)]
        return sum(owned, Counter())

    def objects(self) -> int:
        """Return how many copies exist or should exist."""
        return self.total().total()

    def in_sync(self) -> int:
        """Return how many copies are in sync according to the target now."""
        return self.total()[SyncState.IN_SYNC] if self.is_current else 0

    def stale(self) -> int:
        """Return for how many copies it is not known now whether they are in sync."""
        counts = self.total()
        old = 0 if self.is_current else counts[SyncState.IN_SYNC]
        return old + counts[SyncState.STALE]


def tally_of(ledger: Ledger | None, stale: Container[str] = ()) -> Tally:
    """Count a target's copies by state; of ``stale`` kinds none is known to be in sync."""
    if ledger is None:
        return Tally(counted=(id(None), 0))
    tally = Tally(counted=(id(ledger), ledger.version))
    for kind, _, entry in ledger.entries():
        state = entry.standing.state
        if state is SyncState.IN_SYNC and kind in stale:
            state = SyncState.STALE
        tally.by_kind.setdefault(kind, Counter())[state] += 1
    return tally


def waiting(counts: Counter[SyncState]) -> int:
    """Return how many copies are in progress."""
    return sum(counts[state] for state in WAITING)


def failed(counts: Counter[SyncState]) -> int:
    """Return how many copies could not be made as desired. What is held was not tried."""
    return sum(counts[state] for state in NOT_AS_WANTED)


def target_record(supervisor: Supervisor, tally: Tally, wall: float) -> TargetRecord:
    """Return the record of one target."""
    found = supervisor.registration.found()
    tree = _sync_target_tree(supervisor)
    ready, _, _ = summary(list(conditions_of(tree)))
    counts, target, probe = tally.total(), supervisor.target, supervisor.probe
    connected = supervisor.standing.is_connected
    facts = _facts(supervisor, found)
    health, why = target_health(facts, wall)
    return TargetRecord(
        name=SafeText(supervisor.name),
        target_key=found.key if found else "",
        state=supervisor.standing.state,
        ready=ready and connected,
        health=health,
        reason=SafeText(supervisor.standing.reason or why),
        message=supervisor.standing.message,
        since=supervisor.standing.since,
        next_try_at=supervisor.standing.next_try_at,
        heartbeat_at=found.heartbeat_at if found else 0.0,
        contact_at=probe.contact_at if probe else 0.0,
        conditions=tuple(_condition(entry) for entry in conditions_of(tree)),
        labels=_labels(found),
        cordoned=found.unschedulable if found else False,
        evict_after=found.evict_after if found else 0.0,
        pause=found.pause_at(wall) if found else None,
        deletes_held=_held(supervisor),
        deletes_held_since=target.brake.tripped_at if target else 0.0,
        kinds=len(target.kinds) if target else 0,
        objects=counts.total(),
        in_sync=tally.in_sync(),
        pending=waiting(counts),
        failed=failed(counts),
        held=counts[SyncState.HELD],
        stale=tally.stale(),
        upsynced=tally.upsynced().total(),
        upsync_failed=failed(tally.upsynced()) + tally.upsynced()[SyncState.HELD],
        queue_depth=len(target.queue) if target else 0,
        oldest_queued_at=_oldest(supervisor, target, wall),
        lag_p50_ms=_lag_ms(target, 0.5),
        lag_p95_ms=_lag_ms(target, 0.95),
        concurrency=target.concurrency.width if target else 0,
        version=probe.version if probe else SafeText(),
        cluster_uid=SafeText(supervisor.cluster_uid),
        holder=SafeText(supervisor.registration.holder),
    )


def queue_records(name: str, queue: WorkQueue, wall: Callable[[], float]) -> Iterator[QueueRecord]:
    """Yield a record for each lane of a queue."""
    shift = wall() - queue.now()
    for lane in queue.lanes():
        counts, oldest = queue.counts(lane), queue.oldest(lane)
        yield QueueRecord(
            target=SafeText(name),
            kind=SafeText(lane),
            depth=queue.depth(lane),
            in_flight=counts.in_flight,
            delayed=counts.delayed,
            retrying=counts.retrying,
            dead=counts.dead,
            done_total=counts.done,
            failed_total=counts.failed,
            oldest_at=round(oldest + shift, 3) if oldest is not None else 0.0,
            last_error=SafeText(counts.last_error),
            last_error_at=round(counts.last_error_at + shift, 3) if counts.last_error else 0.0,
        )


def placement_record(one: Decided) -> PlacementRecord:
    """Return the record of one Placement."""
    decision = one.decision
    phase = "Pending" if not decision.location else one.placement.phase
    told = [f"{choice.target.name}: {choice.reason}" for choice in decision.choices]
    return PlacementRecord(
        name=SafeText(one.placement.name),
        phase=phase,
        strategy=one.placement.strategy,
        targets=tuple(SafeText(choice.target.name) for choice in decision.choices),
        reason=SafeText("; ".join(told) or decision.message),
    )


def health_readings(
    session: HubSession,
    supervisors: Mapping[str, Supervisor],
    tallies: Mapping[str, Tally],
    ill: IllCopies,
    wall: float,
) -> list[Reading]:
    """Return what is known of the health of the hub, each target, and each kind on it."""
    readings = [_hub_reading(session)]
    for name, supervisor in supervisors.items():
        status, reason = target_health(_facts(supervisor, supervisor.registration.found()), wall)
        since = supervisor.standing.since
        readings.append(
            Reading(path=target_path(name), label=name, status=status, reason=reason, since=since)
        )
        tally, heard = tallies.get(name) or Tally(), silent({name: supervisor}).get(name)
        for kind, counts in sorted(tally.by_kind.items()):
            unhealthy, degraded, example = ill.counts(name, kind)
            facts = CopyCounts(
                in_sync=counts[SyncState.IN_SYNC],
                pending=waiting(counts),
                failed=failed(counts),
                held=counts[SyncState.HELD],
                stale=counts[SyncState.STALE],
                unhealthy=unhealthy,
                degraded=degraded,
                example=example,
            )
            status, reason = kind_health(facts)
            if heard is not None:  # what is known of it describes the past
                status, reason = worst((status, Health.UNKNOWN)), f"last known: {reason}"
            readings.append(Reading(kind_path(name, kind), kind, status, reason, seen_at=heard))
    return readings


def _hub_reading(session: HubSession) -> Reading:
    probe = session.probe
    status = Health.HEALTHY if probe.is_up else Health.UNHEALTHY
    reason = f"serves {len(session.shared.hub.kinds)} synced kinds" if probe.is_up else probe.reason
    return Reading(path=HUB, label="hub", status=status, reason=reason, since=probe.since)


def _facts(supervisor: Supervisor, found: SyncTarget | None) -> TargetFacts:
    target = supervisor.target
    settings = supervisor.session.context.settings.sync
    return TargetFacts(
        is_connected=supervisor.standing.is_connected,
        why_not=supervisor.standing.reason,
        kinds=len(target.kinds) if target else 0,
        error_rate=target.attempts.error_rate(target.queue.now()) if target else 0.0,
        heartbeat_at=found.heartbeat_at if found else 0.0,
        heartbeat_s=settings.heartbeat_s,
        is_paused=found is not None and found.pause is not None,
    )


def _lag_ms(target: Target | None, share: float) -> float:
    """Return the lag of recent changes that this share does not exceed, 0 where none was made."""
    if target is None:
        return 0.0
    since = target.queue.now() - LAG_WINDOW_S
    lags = sorted(lag for at, lag in target.ledger.lags if at >= since)
    return round(lags[max(0, ceil(share * len(lags)) - 1)] * 1000, 1) if lags else 0.0


def _condition(entry: Json) -> Condition:
    return Condition(
        type=str(SafeText(entry.get("type", ""))),
        status=str(SafeText(entry.get("status", ""))),
        reason=SafeText(entry.get("reason", "")),
        message=SafeText(entry.get("message", "")),
        since=unix_time(entry.get("lastTransitionTime")),
    )


def _sync_target_tree(supervisor: Supervisor) -> Json:
    cached = supervisor.session.sources.targets.get(ObjectKey("", supervisor.name))
    return cached.decode() if cached else {}


def _labels(found: SyncTarget | None) -> tuple[tuple[SafeText, SafeText], ...]:
    labels = found.labels if found else {}
    return tuple((SafeText(name), SafeText(labels[name])) for name in sorted(labels))


def _held(supervisor: Supervisor) -> int:
    if supervisor.target is None or not supervisor.target.brake.tripped:
        return 0
    entries = supervisor.target.ledger.entries()
    return sum(1 for _, _, entry in entries if entry.standing.reason == "DeletionHeld")


def _oldest(supervisor: Supervisor, target: Target | None, wall: float) -> float:
    if target is None:
        return 0.0
    waits = [target.queue.oldest(lane) for lane in target.queue.lanes()]
    known = [since for since in waits if since is not None]
    shift = wall - target.queue.now()
    return round(min(known) + shift, 3) if known else 0.0
