"""The record of one logical object: a cell for each target, and the worst of their health.

A copy is judged by its own status, decoded once per record; the hub's status is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from tmcconsole.contract.records import Cell, Health, ObjectRecord, SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.contract.words import words
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.objects import CachedObject, Json, Kind
from tmcconsole.sync.assignment.endings import FINISHED_HERE, as_ended
from tmcconsole.sync.names.times import unix_time
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE, LedgerEntry, Standing
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.status.merge import Report, merge
from tmcconsole.tmc.health.health import Reading, aged, worst
from tmcconsole.tmc.health.object_health import ill_times, is_only_present, object_health

WAITING: Final = (SyncState.PENDING, SyncState.DRIFTED, SyncState.DELETING)
NOT_AS_WANTED: Final = (SyncState.FAILED, SyncState.REFUSED, SyncState.COLLISION)
FAILED: Final = (*NOT_AS_WANTED, SyncState.HELD)
ILL: Final = (Health.UNHEALTHY, Health.DEGRADED)
_SUMMED: Final = ("replicas", "completions")  # desired numbers that several targets fulfil together


class _Times(msgspec.Struct, gc=False):
    creationTimestamp: str = ""
    deletionTimestamp: str = ""


class _Head(msgspec.Struct, gc=False):
    metadata: _Times


@dataclass(frozen=True, slots=True)
class JudgedCopy:
    """One object on one target: what is shown, and what its health is based on."""

    cell: Cell
    told: SafeText  # why the health is as it is
    tree: Json | None  # of a copy of ours that has a status
    leaves: bool  # the target should not have a copy


def object_record(
    session: HubSession, item: Item, silent: Mapping[str, float], wall: float
) -> ObjectRecord | None:
    """Return the record of one logical object, None if no target is concerned.

    ``silent`` has the targets that do not respond, and when each last did (Unix seconds): what was
    in sync there is only the last known state. ``wall`` is now.
    """
    cached = session.shared.hub.cached(*item) or session.upsyncing.cached(*item)
    looks = list(judged_copies(session, item, silent, wall))
    if not looks:
        return None
    kind, times = kind_of(session, item), _times(cached)
    cause = worst_of(looks)
    return ObjectRecord(
        kind=SafeText(kind.kind if kind else item.lane),
        resource=SafeText(item.lane),
        namespace=SafeText(item.key.namespace),
        name=SafeText(item.key.name),
        uid=cached.uid if cached else "",
        created_at=unix_time(times.creationTimestamp),
        generation=cached.generation if cached else 0,
        deleting_since=unix_time(times.deletionTimestamp),
        health=cause.cell.health,
        summary=_summary(item, kind, looks, cause),
        placement=SafeText(session.scheduler.decisions.reason_for(item.key.namespace)),
        cells=tuple(look.cell for look in looks),
        reason=cause.told,
        reason_target=cause.cell.target,
    )


def judged_copies(
    session: HubSession, item: Item, silent: Mapping[str, float], wall: float
) -> Iterator[JudgedCopy]:
    """Yield what is known of an object on each concerned target, by name."""
    targets = {target.name: target for target in session.shared.targets.values()}
    for name in sorted(targets.keys() | session.unheard.keys()):
        ledger = targets[name].ledger if name in targets else session.unheard[name]
        entry, heard_at = ledger.get(*item), silent.get(name)
        if entry is not None and name in targets:
            yield _look(session, targets[name], item, entry, heard_at, wall)
        elif entry is not None:
            yield _unheard(name, entry.standing, heard_at or wall, wall)


def worst_of(looks: Sequence[JudgedCopy]) -> JudgedCopy:
    """Return the copy that decides the object's health, the first by name among equals.

    A copy being removed counts only if all are: an object that moves is not unhealthy.
    """
    staying = [look for look in looks if not look.leaves] or looks
    status = worst(look.cell.health for look in staying)
    return next(look for look in staying if look.cell.health is status)


def kind_of(session: HubSession, item: Item) -> Kind | None:
    """Return the Kind of a lane, in either direction."""
    watched = session.shared.hub.kinds.get(item.lane) or session.upsyncing.kinds.get(
        item.lane.removeprefix(LANE)
    )
    return watched.kind if watched else None


def _look(
    session: HubSession,
    target: Target,
    item: Item,
    entry: LedgerEntry,
    heard_at: float | None,
    wall: float,
) -> JudgedCopy:
    standing = entry.standing
    health, told, tree = _judge(session, target, item, entry)
    ready = told if tree is not None else SafeText()
    if heard_at is not None:
        standing = _last_known(session, target.name, item, standing, heard_at)
        told = SafeText(f"{target.name} does not respond; last known: {told}")
        ready = SafeText(f"{ready}, last known") if ready else ready
        health = _aged(health, heard_at, wall)
    elif (stale := target.stale.get(item.lane)) is not None:
        heard_at = stale.since
        if standing.state is SyncState.IN_SYNC:
            message = SafeText(f"not watched in {stale.where}: {stale.message}")
            since = max(standing.since, heard_at)
            standing = Standing(SyncState.STALE, stale.reason, message, since)
        told = SafeText(f"not watched in {stale.where} ({words(stale.reason)}); last known: {told}")
        health = worst((health, Health.DEGRADED))
    cell = Cell(
        target=SafeText(target.name),
        state=standing.state,
        reason=standing.reason,
        message=standing.message,
        since=standing.since,
        ready=ready,
        health=health,
        told=told,
        heard_at=heard_at or 0.0,
        ill_since=_ill_since(tree) if health in ILL and heard_at is None else 0.0,
    )
    return JudgedCopy(cell, told, tree, standing.state is SyncState.DELETING)


def _ill_since(tree: Json | None) -> float:
    """Return when a copy became unwell by its own conditions (Unix seconds), 0 if none says."""
    times = (unix_time(at) for at in ill_times(tree or {}))
    return min((at for at in times if at > 0), default=0.0)


def _unheard(name: str, standing: Standing, silent_since: float, wall: float) -> JudgedCopy:
    """Return a copy on a target that has not answered since the start."""
    cell = Cell(
        target=SafeText(name),
        state=standing.state,
        reason=standing.reason,
        message=standing.message,
        since=silent_since,
        health=_aged(Health.UNKNOWN, silent_since, wall),
        told=standing.message,
        heard_at=silent_since,
    )
    return JudgedCopy(cell, cell.told, None, standing.state is SyncState.DELETING)


def _aged(health: Health, heard_at: float, wall: float) -> Health:
    """Return the last known health of an unresponsive target's copy, aged to now."""
    known = worst((health, Health.UNKNOWN))
    return aged(Reading("", "", known, seen_at=heard_at), wall).status


def _judge(
    session: HubSession, target: Target, item: Item, entry: LedgerEntry
) -> tuple[Health, SafeText, Json | None]:
    """Return a copy's health, why, and its tree if it has a status."""
    kind, standing = kind_of(session, item), entry.standing
    source = session.shared.hub.cached(*item)
    copy = target.copy_of(*item)
    if item.lane.startswith(LANE):  # shown in the hub as it is on the target
        source, copy = None, session.upsyncing.cached(*item)
    is_foreign = entry.collided or standing.state is SyncState.COLLISION
    if copy is None or kind is None or is_foreign:
        ended = _ended(kind, source, target.key, standing)
        return ended if ended else (*_absent(standing), None)
    health, told, tree = _own(kind, copy)
    failed = standing.state in NOT_AS_WANTED
    if failed:
        health, told = worst((health, Health.DEGRADED)), _with(told, words(standing.reason))
    elif health is Health.HEALTHY and tree is not None and _is_behind(entry, source, tree):
        health, told = Health.DEGRADED, _with(told, "change not applied yet")
    return health, told, tree


def _own(kind: Kind, copy: CachedObject) -> tuple[Health, SafeText, Json | None]:
    """Return what a copy reports of itself."""
    if copy.deleting:
        return Health.DEGRADED, SafeText("terminating"), None
    if not copy.status_digest and is_only_present(kind.kind, kind.group):
        return Health.HEALTHY, SafeText("present"), None
    tree = copy.decode()
    health, told = object_health(kind.kind, tree)
    return health, told, tree if copy.status_digest else None


def _ended(
    kind: Kind | None, source: CachedObject | None, key: str, standing: Standing
) -> tuple[Health, SafeText, Json | None] | None:
    """Return how a copy ended that has gone since, or None if there is no such copy."""
    if standing.reason != FINISHED_HERE or kind is None or source is None:
        return None
    tree = as_ended(source.decode(), key)
    if tree is None:
        return Health.HEALTHY, SafeText("ran to its end"), None
    return *object_health(kind.kind, tree), tree


def _absent(standing: Standing) -> tuple[Health, SafeText]:
    if standing.state in FAILED:
        return Health.DEGRADED, SafeText(f"missing: {words(standing.reason)}")
    return Health.UNKNOWN, SafeText("not created yet")


def _is_behind(entry: LedgerEntry, source: CachedObject | None, tree: Json) -> bool:
    """True if a status refers to an earlier desired state."""
    if source is None or entry.standing.state not in WAITING:
        return False
    status = tree.get("status")
    return not entry.carries(source) and isinstance(status, dict) and "observedGeneration" in status


def _with(told: SafeText, more: str) -> SafeText:
    return SafeText(f"{told}, {more}" if more else told)


def _last_known(
    session: HubSession, name: str, item: Item, last: Standing, heard_at: float
) -> Standing:
    """Return an object's state on a target that does not respond: stale, or waiting for it.

    Either began when the target was last heard, or with a later change that waits for it.
    """
    since = max(last.since, heard_at)
    if last.state is SyncState.IN_SYNC:
        return replace(last, state=SyncState.STALE, since=since)
    if last.state not in WAITING:
        return last
    source = session.shared.hub.cached(*item)
    leaving = source is None or source.deleting
    message = SafeText(f"waiting for {name}, which does not respond")
    state = SyncState.DELETING if leaving else SyncState.PENDING
    reason = "AwaitingCluster"
    return Standing(state, SafeText(reason), message, since)


def _summary(
    item: Item, kind: Kind | None, looks: Sequence[JudgedCopy], cause: JudgedCopy
) -> SafeText:
    """Return the summary over all targets, then what is wrong on which."""
    if len(looks) == 1:
        return cause.told
    total = _total(item, kind, [look for look in looks if not look.leaves])
    if cause.cell.health is Health.HEALTHY:
        return total or cause.told
    because = f"{cause.cell.target}: {cause.told}"
    return SafeText(f"{total}; {because}" if total else because)


def _total(item: Item, kind: Kind | None, looks: Sequence[JudgedCopy]) -> SafeText:
    """Return the summary of all copies together, "" if no status is summed."""
    told = [(str(look.cell.target), look.tree) for look in looks if look.tree is not None]
    if kind is None or len(told) < 2:
        return SafeText()
    reports = [Report(name, 0, _mapping(tree.get("status")), True) for name, tree in told]
    status = merge(reports, generation=0, before={}, kind=item.lane).status or {}
    status.pop("observedGeneration", None)
    first = told[0][1]
    spec = _mapping(first.get("spec")) | _sums([_mapping(tree.get("spec")) for _, tree in told])
    whole = {"apiVersion": first.get("apiVersion"), "spec": spec, "status": status}
    return object_health(kind.kind, whole)[1]


def _sums(specs: Sequence[Json]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name in _SUMMED:
        counts = [spec.get(name) for spec in specs]
        if all(isinstance(count, int) for count in counts):
            sums[name] = sum(count for count in counts if isinstance(count, int))
    return sums


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _times(cached: CachedObject | None) -> _Times:
    if cached is None:
        return _Times()
    return msgspec.json.decode(cached.raw, type=_Head).metadata
