"""Taking away in the hub what up-sync made there, through a gate like that of the copies.

What stands on the target was never made by us, so nothing is ever deleted there.
"""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, finalizers_of
from tmcconsole.sync.deletion.delete_gate import Held, StillWanted, close_audit
from tmcconsole.sync.names.markers import FINALIZER, MANAGER, origin_uid
from tmcconsole.sync.policy.mass_delete_brake import Brake
from tmcconsole.sync.state.context import World
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S, KindAway, read_live, take_in
from tmcconsole.sync.up.reconcile_context import UpTurn, read_above, why_unselected
from tmcconsole.tmc.history.audit import AuditUnavailable


async def take_down(turn: UpTurn, reason: str) -> float | None:
    """Delete the hub's object once a live look shows that the target's is gone, or another."""
    above = turn.facts.above
    assert above is not None
    try:
        await _require_gone(turn)
        _require_brake(turn, above)
        await delete_above(
            turn.world, turn.above, above, turn.side.brake, turn.side.target.name, reason
        )
    except Held as held:
        turn.stand(SyncState.HELD, "DeletionHeld", str(held))
        return HELD_RECHECK_S
    except StillWanted as wanted:
        return wanted.again_s
    except Conflict:
        live = await read_above(turn)
        if live is not None:
            turn.above.informer.observe(live)
        raise
    turn.stand(SyncState.DELETING, "AwaitingDeletion")
    return await _if_gone_already(turn, above)


async def let_go(turn: UpTurn) -> float | None:
    """Take our finalizer off what is being deleted in the hub."""
    above = turn.facts.above
    assert above is not None
    side = turn.side
    if (turn.facts.above_tree or {})["metadata"].get("deletionGracePeriodSeconds"):
        try:
            await delete_above(
                turn.world, turn.above, above, side.brake, side.target.name, "HubDeleting"
            )
        except Held as held:
            turn.stand(SyncState.HELD, "DeletionHeld", str(held))
            return HELD_RECHECK_S
        return await _if_gone_already(turn, above)
    await strip_finalizer(turn.world, turn.above, above, turn.facts.key)
    return 0.0


async def strip_finalizer(world: World, watched: Watched, cached: CachedObject, key: str) -> None:
    """Take the finalizer of target ``key`` off the very version looked at; others' stay."""
    left = [entry for entry in finalizers_of(cached.decode()) if entry != FINALIZER + key]
    guards = {"uid": cached.uid, "resourceVersion": cached.resource_version}
    try:
        async with world.hub.flow.admitted():
            patched = await world.hub.client.merge_patch(
                watched.kind,
                cached.key,
                {"metadata": {"finalizers": left, **guards}},
                manager=MANAGER,
            )
    except NotFound as error:
        if error.is_kind:
            raise
        watched.informer.forget(cached.key, cached.uid)
        return
    if patched.deleting and not left:
        watched.informer.forget(patched.key, patched.uid)
    else:
        watched.informer.observe(patched)


async def delete_above(
    world: World, watched: Watched, doomed: CachedObject, brake: Brake, target: str, reason: str
) -> None:
    """Delete one object in the hub: announced first, exactly this one.

    Raises ``Held`` where it cannot be announced, and every ``KubeError`` but an absence.
    """
    subject = f"{watched.kind.id}/{doomed.key}"
    try:
        ticket = await world.audit.before(
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
        async with world.hub.flow.admitted():
            await world.hub.client.delete(
                watched.kind,
                doomed.key,
                uid=doomed.uid,
                resource_version=doomed.resource_version,
                at_once=True,  # a pod in the hub has no kubelet that would end its grace
            )
        outcome = "accepted"
    except NotFound:
        outcome = "gone already"
        brake.give_back(doomed.uid)
    except KubeError as error:
        outcome = f"failed: {error.reason}"
        if isinstance(error, Conflict):
            brake.give_back(doomed.uid)
        raise
    finally:
        await close_audit(world.audit, ticket, outcome)


async def _require_gone(turn: UpTurn) -> None:
    """An error is never an absence, and neither is a kind that is not served."""
    target, key = turn.side.target, turn.item.key
    here = turn.side.watched(turn.kind, key)
    if here is None:
        raise Held(f"{turn.kind} is not watched on {target.name} now")
    try:
        live = await read_live(target, here, key)
    except KindAway as away:
        raise Held(str(away)) from away
    if live is None:
        return
    tree = live.decode()
    is_same = live.uid == origin_uid(turn.facts.above_tree or {})
    if is_same and not why_unselected(turn.world, turn.side, turn.kind, key, tree):
        raise StillWanted(f"{turn.kind}/{key} is there", take_in(here.informer, live))


def _require_brake(turn: UpTurn, above: CachedObject) -> None:
    world, side = turn.world, turn.side
    now, here = world.runtime.now(), side.watched(turn.kind, turn.item.key)
    if here is not None:
        side.brake.judge_list(here.informer, side.target.name, now)
    side.brake.judge_list(turn.above.informer, "the hub", now)
    allowed_s = side.target.deletes_allowed_until() - world.runtime.wall()
    if allowed_s > 0:
        side.brake.allow(now, allowed_s)
    if not side.brake.admit(above.uid, now, len(turn.above.informer)):
        raise Held(
            f"deletions in the hub of what {side.target.name} owned are held: "
            f"{side.brake.tripped}; allow them in the console with D, or with the annotation "
            "syncer.kcp.io/allow-deletes on the SyncTarget"
        )


async def _if_gone_already(turn: UpTurn, above: CachedObject) -> float:
    """The finalizer still holds it: show that it is being deleted, and the next look lets go."""
    live = await read_above(turn)
    if live is None or live.uid != above.uid:
        turn.above.informer.forget(above.key, above.uid)
    else:
        turn.above.informer.observe(live)
    return 0.0
