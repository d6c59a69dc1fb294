"""Deletes copies, and releases hub objects once their copies are gone."""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, NotFound
from tmcconsole.kube.objects import CachedObject
from tmcconsole.kube.trees.managed_fields import field_managers_of
from tmcconsole.sync.conflicts.judge import is_us
from tmcconsole.sync.deletion.delete_gate import Held, StillAssigned, delete_copy
from tmcconsole.sync.desired.target_view import gone_view, write_view
from tmcconsole.sync.down.plan import Delete, Withhold, is_copy_of, reason_to_go
from tmcconsole.sync.down.reconcile_context import ReconcileContext, look_at_live, read_whole
from tmcconsole.sync.names.markers import finalizer_keys, is_ours
from tmcconsole.sync.state.live_reads import (
    HELD_RECHECK_S,
    REFUSED_RECHECK_S,
    KindAway,
    read_live,
    take_in,
)


async def delete(context: ReconcileContext, step: Delete) -> float | None:
    """Delete the copy through the gate, then wait for its deletion event."""
    if not await _is_proven(context, step.copy):
        return await _leave_unproven(context, step.copy)
    if context.entry.standing.state is not SyncState.HELD:
        context.stand(SyncState.DELETING, step.reason)
    try:
        await delete_copy(
            context.shared, context.target, context.kind, context.key, step.copy, step.reason
        )
    except Held as held:
        context.stand(SyncState.HELD, held.reason, str(held), held.since)
        return HELD_RECHECK_S
    except StillAssigned as wanted:
        return wanted.again_s
    except Conflict:
        await look_at_live(context)
        raise
    context.stand(SyncState.DELETING, "AwaitingDeletion")
    return await _if_gone_already(context, step.copy)


async def _is_proven(context: ReconcileContext, copy: CachedObject) -> bool:
    """The second proof besides the markers, which anybody can copy: we wrote this very object.

    We remember it, or managedFields show it. A copy that has been replaced or is gone is for the
    delete gate to detect.
    """
    if copy.uid == context.facts.known_uid:
        return True
    try:
        live = await read_whole(context)
    except NotFound:
        return True
    is_same = live["metadata"].get("uid") == copy.uid
    return not is_same or any(is_us(one) for one in field_managers_of(live))


async def _leave_unproven(context: ReconcileContext, copy: CachedObject) -> float | None:
    """Leave an object that we never wrote; the hub's object does not wait for it."""
    source = context.facts.source
    if source is not None and context.facts.key in finalizer_keys(source):
        return await _let_go(context)
    context.stand(
        SyncState.COLLISION,
        "Unproven",
        f"its marks say that it is ours, but tmc-console has not written it (uid {copy.uid}): "
        "delete it there, or remove the labels",
    )
    return REFUSED_RECHECK_S


def withhold(context: ReconcileContext, step: Withhold) -> None:
    """Report that a deletion is due which ``ReportDiff`` does not carry out."""
    told = f"it would be deleted ({step.reason}), and ReportDiff writes nothing"
    context.stand(
        SyncState.HELD, "Reported", f"{told}: set the write mode to Apply, or delete it there"
    )


async def release(context: ReconcileContext) -> float | None:
    """Prove that the copy is gone, then remove our marks from the hub object."""
    try:
        live = await read_live(context.target, context.here, context.key)
    except KindAway as away:
        context.stand(SyncState.HELD, "KindAway", str(away))
        return HELD_RECHECK_S
    if live is not None and is_ours(live.decode(), context.target.key, context.facts.origin):
        return take_in(context.here.informer, live)
    if live is not None and is_copy_of(context.facts, live, live.decode()):
        return await delete(context, Delete(live, reason_to_go(context.facts)))
    return await _let_go(context)


async def _if_gone_already(context: ReconcileContext, copy: CachedObject) -> float:
    """An object without finalizers is gone when the response arrives; the event may lag."""
    live = await read_live(context.target, context.here, context.key)
    if live is None or live.uid != copy.uid:
        context.here.informer.forget(copy.key, copy.uid)
        return 0.0
    context.here.informer.observe(live)
    return HELD_RECHECK_S


async def _let_go(context: ReconcileContext) -> float | None:
    hub, source = context.shared.hub, context.facts.source
    if source is None:
        return None
    watched = hub.kinds[context.kind]
    patch = write_view(source, gone_view(source, context.target.key), context.target.key)
    if patch is None:
        return None
    try:
        await hub.writer.merge_patch(watched.kind, context.key, patch, into=watched.informer)
    except NotFound:
        return HELD_RECHECK_S  # its kind is not served now
    context.target.ledger.forget(context.kind, context.key)
    return None
