"""Taking copies away, and letting hub objects go once they are away."""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, NotFound
from tmcconsole.kube.objects import CachedObject
from tmcconsole.sync.gate import Held, StillWanted, delete_copy
from tmcconsole.sync.markers import MANAGER, is_ours
from tmcconsole.sync.plan import Delete, Withhold, is_copy_of, reason_to_go
from tmcconsole.sync.turn import (
    HELD_RECHECK_S,
    KindAway,
    Turn,
    look_at_live,
    read_live,
    take_in,
)
from tmcconsole.sync.view import gone_view, write_view


async def delete(turn: Turn, step: Delete) -> float | None:
    """Send the copy away through the gate, then wait for its deletion event."""
    if turn.entry.standing.reason != "DeletionHeld":
        turn.stand(SyncState.DELETING, step.reason)
    try:
        await delete_copy(turn.world, turn.target, turn.kind, turn.key, step.copy, step.reason)
    except Held as held:
        turn.stand(SyncState.HELD, "DeletionHeld", str(held))
        return HELD_RECHECK_S
    except StillWanted as wanted:
        return wanted.again_s
    except Conflict:
        await look_at_live(turn)
        raise
    turn.stand(SyncState.DELETING, "AwaitingDeletion")
    return await _if_gone_already(turn, step.copy)


def withhold(turn: Turn, step: Withhold) -> None:
    """Say that a deletion is due which ``ReportDiff`` does not carry out."""
    told = f"it would be deleted ({step.reason}), and ReportDiff writes nothing"
    turn.stand(
        SyncState.HELD, "Reported", f"{told}: set the write mode to Apply, or delete it there"
    )


async def release(turn: Turn) -> float | None:
    """Prove that the copy is gone, then take our marks off the hub object."""
    try:
        live = await read_live(turn.target, turn.here, turn.key)
    except KindAway as away:
        turn.stand(SyncState.HELD, "KindAway", str(away))
        return HELD_RECHECK_S
    if live is not None and is_ours(live.decode(), turn.target.key, turn.facts.origin):
        return take_in(turn.here.informer, live)
    if live is not None and is_copy_of(turn.facts, live, live.decode()):
        return await delete(turn, Delete(live, reason_to_go(turn.facts)))
    return await _let_go(turn)


async def _if_gone_already(turn: Turn, copy: CachedObject) -> float:
    """An object without finalizers is gone when the answer comes; the event may lag."""
    live = await read_live(turn.target, turn.here, turn.key)
    if live is None or live.uid != copy.uid:
        turn.here.informer.forget(copy.key, copy.uid)
        return 0.0
    turn.here.informer.observe(live)
    return HELD_RECHECK_S


async def _let_go(turn: Turn) -> float | None:
    hub, source = turn.world.hub, turn.facts.source
    if source is None:
        return None
    watched = hub.kinds[turn.kind]
    patch = write_view(source, gone_view(source, turn.target.key), turn.target.key)
    if patch is None:
        return None
    try:
        async with hub.flow.admitted():
            released = await hub.client.merge_patch(watched.kind, turn.key, patch, manager=MANAGER)
    except NotFound:
        turn.target.ledger.forget(turn.kind, turn.key)
        return None
    turn.target.ledger.forget(turn.kind, turn.key)
    if released.deleting and not _has_finalizers(released):
        watched.informer.forget(released.key, released.uid)
    else:
        watched.informer.observe(released)
    return None


def _has_finalizers(released: CachedObject) -> bool:
    return bool(released.decode()["metadata"].get("finalizers"))
