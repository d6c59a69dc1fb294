"""Deletes in the hub what upsync created there, through a gate like that of the copies.

Objects on the target were never made by us, so nothing is ever deleted there.
"""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, finalizers_of
from tmcconsole.sync.deletion.delete_gate import Held, StillAssigned, close_audit
from tmcconsole.sync.names.markers import FINALIZER, origin_uid
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S, KindAway, read_live, take_in
from tmcconsole.sync.up.reconcile_context import UpContext, read_above, why_unselected
from tmcconsole.tmc.history.audit import AuditUnavailable


async def take_down(context: UpContext, reason: str) -> float | None:
    """Delete the hub's object once a live read shows that the target's is gone, or replaced."""
    above = context.facts.above
    assert above is not None
    try:
        await _require_gone(context)
        _require_brake(context, above)
        await delete_above(
            context.shared,
            context.above,
            above,
            context.side.brake,
            context.side.target.name,
            reason,
        )
    except Held as held:
        context.stand(SyncState.HELD, "DeletionHeld", str(held))
        return HELD_RECHECK_S
    except StillAssigned as wanted:
        return wanted.again_s
    except Conflict:
        live = await read_above(context)
        if live is not None:
            context.above.informer.observe(live)
        raise
    context.stand(SyncState.DELETING, "AwaitingDeletion")
    return await _if_gone_already(context, above)


async def let_go(context: UpContext) -> float | None:
    """Remove our finalizer from an object being deleted in the hub."""
    above = context.facts.above
    assert above is not None
    side = context.side
    if (context.facts.above_tree or {})["metadata"].get("deletionGracePeriodSeconds"):
        try:
            await delete_above(
                context.shared, context.above, above, side.brake, side.target.name, "HubDeleting"
            )
        except Held as held:
            context.stand(SyncState.HELD, "DeletionHeld", str(held))
            return HELD_RECHECK_S
        return await _if_gone_already(context, above)
    await strip_finalizer(context.shared, context.above, above, context.facts.key)
    return 0.0


async def strip_finalizer(
    shared: SyncContext, watched: Watched, cached: CachedObject, key: str
) -> None:
    """Remove the finalizer of target ``key`` from exactly the version read; others stay."""
    left = [entry for entry in finalizers_of(cached.decode()) if entry != FINALIZER + key]
    patched = await shared.hub.writer.merge_patch(
        watched.kind,
        cached.key,
        {"metadata": {"finalizers": left}},
        into=watched.informer,
        uid=cached.uid,
        resource_version=cached.resource_version,
    )
    if patched is None:
        watched.informer.forget(cached.key, cached.uid)


async def delete_above(
    shared: SyncContext,
    watched: Watched,
    doomed: CachedObject,
    brake: MassDeleteBrake,
    target: str,
    reason: str,
) -> None:
    """Delete one object in the hub: announced first, exactly this one.

    Raises ``Held`` if it cannot be announced, and every ``KubeError`` except an absence.
    """
    subject = f"{watched.kind.id}/{doomed.key}"
    try:
        ticket = await shared.audit.before(
            "delete-upsynced",
            actor="engine",
            target=target,
            subject=subject,
            uid=doomed.uid,
            detail=reason,
        )
    except AuditUnavailable as error:
        brake.give_back(doomed.uid)
        raise Held(f"nothing is deleted while the audit log cannot be written: {error}") from error
    outcome = "interrupted"
    try:
        if await shared.hub.writer.delete(watched.kind, doomed):
            outcome = "accepted"
        else:
            outcome = "gone already"
            brake.give_back(doomed.uid)
    except KubeError as error:
        outcome = f"failed: {error.reason}"
        if isinstance(error, Conflict | NotFound):
            brake.give_back(doomed.uid)
        raise
    finally:
        await close_audit(shared.audit, ticket, outcome)


async def _require_gone(context: UpContext) -> None:
    """An error is never an absence, and neither is a kind that is not served."""
    target, key = context.side.target, context.item.key
    here = context.side.watched(context.kind, key)
    if here is None:
        raise Held(f"{context.kind} is not watched on {target.name} now")
    try:
        live = await read_live(target, here, key)
    except KindAway as away:
        raise Held(str(away)) from away
    if live is None:
        return
    tree = live.decode()
    is_same = live.uid == origin_uid(context.facts.above_tree or {})
    if is_same and not why_unselected(context.shared, context.side, context.kind, key, tree):
        raise StillAssigned(f"{context.kind}/{key} is there", take_in(here.informer, live))


def _require_brake(context: UpContext, above: CachedObject) -> None:
    shared, side = context.shared, context.side
    now, here = shared.runtime.now(), side.watched(context.kind, context.item.key)
    if here is not None:
        side.brake.judge_list(here.informer, side.target.name, now)
    side.brake.judge_list(context.above.informer, "the hub", now)
    allowed_s = side.target.orders.deletes_allowed_until() - shared.runtime.wall()
    if allowed_s > 0:
        side.brake.allow(now, allowed_s)
    if not side.brake.admit(above.uid, now, len(context.above.informer)):
        raise Held(
            f"deletions in the hub of what {side.target.name} owned are held: "
            f"{side.brake.tripped}; allow them in the console with D, or with the annotation "
            "syncer.kcp.io/allow-deletes on the SyncTarget"
        )


async def _if_gone_already(context: UpContext, above: CachedObject) -> float:
    """The finalizer still holds it: show that it is being deleted; the next reconcile releases
    it.
    """
    live = await read_above(context)
    if live is None or live.uid != above.uid:
        context.above.informer.forget(above.key, above.uid)
    else:
        context.above.informer.observe(live)
    return 0.0
