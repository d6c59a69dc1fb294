"""The delete gate: no copy is deleted unless every check agrees (reliability D1 to D7)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import anyio

from tmcconsole.kube.errors import Conflict, KubeError, NotFound
from tmcconsole.kube.objects import (
    NAMESPACES,
    CachedObject,
    Json,
    Kind,
    ObjectKey,
    annotations_of,
)
from tmcconsole.sync.assignment.plan import (
    awaits_stamp,
    departing_keys,
    is_assigned,
    is_on_hold,
)
from tmcconsole.sync.leaving.departures import verdict_on
from tmcconsole.sync.leaving.live_check import live_verdict
from tmcconsole.sync.leaving.may_leave import Verdict
from tmcconsole.sync.names.markers import ALLOW_DELETES, origin_uid
from tmcconsole.sync.names.times import unix_time
from tmcconsole.sync.policy import Permit
from tmcconsole.sync.policy.mass_delete_brake import ORDERED, TRIPPED, UNCOUNTED
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.live_reads import LOOK_AGAIN_S, take_in
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.errors import ErrorType, Severity, failure
from tmcconsole.tmc.history.audit import AuditLog, AuditUnavailable

log = logging.getLogger(__name__)

DELETION_HELD: Final = "DeletionHeld"  # the standing's reason
DELETIONS_HELD: Final = "deletions"  # subject of what the brake holds, in the history
_ALLOW: Final = (
    "allow them in the console with D, or with the annotation syncer.kcp.io/allow-deletes on the "
    "SyncTarget"
)
_ALLOW_ALONE: Final = "; on the hub's namespace {} it lets those of this namespace go alone"
UNASSIGNED: Final = "Unassigned"  # a reason: the object is no longer assigned to the target


class Held(Exception):
    """The deletion does not happen now; the text says why and what would release it."""

    reason = DELETION_HELD
    since = 0.0  # Unix seconds, where what holds it began earlier than this process


class Unreplaced(Held):
    """The copy is to leave, and what replaces it is not there or not as healthy."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.reason = verdict.reason


class StillAssigned(Exception):
    """A live read of the hub contradicts the cache: decide again later, from newer data."""

    def __init__(self, message: str, again_s: float) -> None:
        super().__init__(message)
        self.again_s = again_s


@dataclass(frozen=True, slots=True)
class Sides:
    """A kind on the hub and on the target, both with complete caches."""

    hub: Watched
    target: Watched


async def delete_copy(
    shared: SyncContext, target: Target, kind: str, key: ObjectKey, copy: CachedObject, reason: str
) -> None:
    """Delete one copy, having proven that it is ours and that its parent no longer wants it.

    Returns when the target has accepted the deletion, or no longer has the object. Raises ``Held``,
    ``StillAssigned``, ``Conflict`` if the copy is not the one that was read, and every other
    ``KubeError``: an error is never an absence.
    """
    sides = _require_caches(shared, target, kind)  # D1
    _require_definition(shared, target, kind)
    tenant = shared.tenant(target, key.namespace)
    permit = shared.policy.permit_removal(sides.target.kind, copy.key, tenant)
    parent = await _require_parent_gone(shared, target, sides, key, copy)  # D2, D4
    is_ordered = await _is_ordered(shared, parent)
    if parent is not None and not parent.deleting:
        await _require_replacement(shared, target, Item(kind, key), parent.decode())
    _judge_lists(shared, target, sides)
    reason = await require_brake(  # D5
        shared, target, copy.uid, reason, namespace=key.namespace, is_ordered=is_ordered
    )
    await delete_announced(shared, target, permit, copy, f"{kind}/{key}", reason)


async def delete_announced(
    shared: SyncContext,
    target: Target,
    permit: Permit,
    doomed: CachedObject,
    subject: str,
    reason: str,
) -> None:
    """Send one deletion that the brake allowed: audit line first, exactly this object (D3, D7).

    Raises ``Held`` if it cannot be announced, and every ``KubeError`` except an absence.
    """
    action = "delete-namespace" if permit.kind.id == "namespaces" else "delete-copy"
    ticket = await announce(shared, target, action, subject, doomed.uid, reason)
    outcome = "interrupted"
    try:
        async with target.concurrency.admitted():
            await target.writer.delete(
                permit, uid=doomed.uid, resource_version=doomed.resource_version
            )
        outcome = "accepted"
    except NotFound:
        outcome = "gone already"
        target.brake.give_back(doomed.uid)
    except KubeError as error:
        outcome = f"failed: {error.reason}"
        if isinstance(error, Conflict):
            target.brake.give_back(doomed.uid)
        raise
    finally:
        await close_audit(shared.audit, ticket, outcome)


async def close_audit(audit: AuditLog, ticket: int, outcome: str) -> None:
    """Record the outcome of an announced action, even while being cancelled.

    The action has succeeded or failed by now: failing to record that changes neither.
    """
    with anyio.CancelScope(shield=True):
        try:
            await audit.after(ticket, outcome)
        except AuditUnavailable as error:
            log.error("the outcome of audited action %d could not be recorded: %s", ticket, error)


async def announce(
    shared: SyncContext, target: Target, action: str, subject: str, uid: str, reason: str
) -> int:
    """Record an action on an object before it happens; return the ticket to close it with.

    Raises ``Held`` if that cannot be made durable.
    """
    try:
        return await shared.audit.before(
            action,
            actor="engine",
            target=target.name,
            subject=subject,
            uid=uid,
            detail=reason,
        )
    except AuditUnavailable as error:
        target.brake.give_back(uid)
        raise Held(
            f"nothing is deleted or taken over while the audit log cannot be written: {error}"
        ) from error


def _require_caches(shared: SyncContext, target: Target, kind: str) -> Sides:
    hub, here = shared.hub.kinds.get(kind), target.kinds.get(kind)
    namespaces = shared.hub.namespaces.synced
    if hub is None or here is None or not (hub.informer.synced and here.informer.synced):
        raise Held("waiting until both sides have been listed once")
    if not namespaces:
        raise Held("waiting until the hub's namespaces have been listed once")
    return Sides(hub, here)


def _require_definition(shared: SyncContext, target: Target, kind: str) -> None:
    """Deleting a CRD deletes all its objects, which is seldom meant for the copies on all
    clusters.
    """
    allowed = target.orders.deletes_allowed_until() > shared.runtime.wall()
    if kind in shared.hub.ending and not allowed:
        raise Held(
            f"the hub's definition of {kind} is being deleted with all objects of it: allow "
            f"deletions on {target.name} if that is meant for the copies too"
        )


async def _require_parent_gone(
    shared: SyncContext, target: Target, sides: Sides, key: ObjectKey, copy: CachedObject
) -> CachedObject | None:
    """The parent is the very object the copy was made from: one recreated since is another.

    Returns it if it still exists: it is being deleted, or stays while it leaves this target.
    """
    live = await _live_parent(shared, sides.hub.kind, key)
    if live is None:
        return None
    again_s = take_in(sides.hub.informer, live)
    made_of = origin_uid(copy.decode()) or live.uid  # stripped of it, the copy may be of this one
    tree = live.decode()
    at = target.key
    stays = is_assigned(tree, at) or is_on_hold(tree, at) or awaits_stamp(tree, at)
    if live.uid == made_of and stays:
        raise StillAssigned(f"{sides.hub.kind.id}/{key} is assigned there again", again_s)
    return live if live.uid == made_of else None


async def _is_ordered(shared: SyncContext, parent: CachedObject | None) -> bool:
    """True if somebody deleted this very object in the hub, and not its whole namespace.

    That an object already gone, or deleted with its namespace, is unwanted is only inferred.
    """
    if parent is None or not parent.deleting:
        return False
    if not parent.key.namespace:
        return True
    around = ObjectKey("", parent.key.namespace)
    cached = shared.hub.namespaces.get(around)
    if cached is None or cached.deleting:
        return False  # that has no way back; only a namespace that seems to stay is asked for
    live = await _live_parent(shared, NAMESPACES, around)
    return live is not None and not live.deleting


async def _require_replacement(shared: SyncContext, target: Target, item: Item, tree: Json) -> None:
    """Stamped some time ago: what was to replace the copy may have gone since."""
    expected = expected_of(shared, item, tree)
    if expected is None:
        raise Held("it is not known at the moment where the object belongs")
    if target.key in expected.keys:
        raise StillAssigned(f"{item.lane}/{item.key} is assigned to {target.name}", LOOK_AGAIN_S)
    if target.key not in departing_keys(tree, expected):
        return  # somebody ordered it away by hand
    verdict = await live_verdict(shared, item, tree, expected, target.key)
    if not verdict.may_leave:
        if not verdict_on(shared, item, tree, expected, target.key).may_leave:
            shared.hub.queue.add(*item)  # the caches say so by now: its stamp is taken back
        raise Unreplaced(verdict)


async def _live_parent(shared: SyncContext, kind: Kind, key: ObjectKey) -> CachedObject | None:
    hub = shared.hub
    try:
        async with hub.concurrency.admitted():
            return await hub.client.get(kind, key)
    except NotFound as error:
        if error.is_kind:
            raise Held(f"the hub does not serve {kind.id} at the moment") from error
        return None


def _judge_lists(shared: SyncContext, target: Target, sides: Sides) -> None:
    now = shared.runtime.now()
    target.brake.judge_list(sides.hub.informer, "the hub", now)
    target.brake.judge_list(sides.target.informer, target.name, now)


def is_let_go(shared: SyncContext, namespace: str) -> bool:
    """True if somebody has allowed deletions in a namespace of the hub, until a time to come."""
    cached = shared.hub.namespaces.get(ObjectKey("", namespace)) if namespace else None
    until = annotations_of(cached.decode()).get(ALLOW_DELETES) if cached is not None else None
    return until is not None and unix_time(until) > shared.runtime.wall()


def _record_hold(shared: SyncContext, target: Target, told: str) -> None:
    """Note in the history that the brake tripped; it is one line until deletions are allowed."""
    brake, wall = target.brake, shared.runtime.wall()
    brake.is_announced, brake.tripped_at = True, wall
    found = failure(ErrorType.SYNC_FAILURE, told, hint=_ALLOW, severity=Severity.HIGH)
    shared.history.record_error(
        found,
        target=target.name,
        subject=DELETIONS_HELD,
        at=wall,
        trouble=DELETIONS_HELD,
        event="DeletionsHeld",
    )


async def require_brake(
    shared: SyncContext,
    target: Target,
    uid: str,
    reason: str,
    *,
    namespace: str = "",
    is_ordered: bool = False,
) -> str:
    """Return the reason for the audit log. Raises ``Held`` if there are too many deletions.

    An operator's own drain is not counted, nor is what somebody let go in the hub's ``namespace``;
    everything else is counted, or held. A tripped brake is recorded, since a new process would
    start counting from zero.
    """
    now, brake = shared.runtime.now(), target.brake
    allowed_s = target.orders.deletes_allowed_until() - shared.runtime.wall()
    if allowed_s > 0:
        brake.allow(now, allowed_s)
        shared.history.record_recovery(target.name, DELETIONS_HELD, shared.runtime.wall())
    is_drained = reason == UNASSIGNED and target.orders.is_draining()
    if allowed_s > 0 or is_drained or is_let_go(shared, namespace):
        return f"{reason} {UNCOUNTED}"
    if brake.admit(uid, now, len(target.ledger), is_ordered=is_ordered):
        return f"{reason} {ORDERED}" if is_ordered else reason
    told = brake.tripped
    if not brake.is_announced:
        ticket = await announce(shared, target, TRIPPED, "", "", told)
        _record_hold(shared, target, told)
        await close_audit(shared.audit, ticket, "held")
    alone = _ALLOW_ALONE.format(namespace) if namespace else ""
    held = Held(f"deletions on {target.name} are held: {told}; {_ALLOW}{alone}")
    held.since = brake.tripped_at
    raise held
