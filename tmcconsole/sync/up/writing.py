"""Writing in the hub what a target owns: the object, its status, and the stamp at the end."""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.errors import Conflict, NotFound
from tmcconsole.kube.objects import Json
from tmcconsole.sync.down.create_update import ABSENT
from tmcconsole.sync.names.markers import MANAGER
from tmcconsole.sync.state.live_reads import LOOK_AGAIN_S, REFUSED_RECHECK_S, take_in, with_metadata
from tmcconsole.sync.up.hub_object import is_lifted
from tmcconsole.sync.up.plan import normal_of
from tmcconsole.sync.up.reconcile_context import UpTurn, read_above

TAKEN = SafeText(
    "the hub has an object of this name that was not made here; it is left alone: rename one of "
    "them, or delete the one in the hub"
)


async def make(turn: UpTurn) -> float | None:
    """Create the object in the hub, or find out whose the one of that name is."""
    turn.stand(SyncState.PENDING, "Upsync")
    tree = with_metadata(turn.lifted.desired.tree, resourceVersion=ABSENT)
    try:
        await _apply(turn, tree, force=False)
    except Conflict:
        return await _whose(turn)
    return None


async def _whose(turn: UpTurn) -> float | None:
    """The name is taken in the hub: by ourselves, before we forgot it, or by somebody else."""
    live = await read_above(turn)
    if live is None:
        return LOOK_AGAIN_S
    if is_lifted(live.decode(), turn.facts.key, turn.facts.place):
        return take_in(turn.above.informer, live)
    return take_note_of_other(turn)


async def compare(turn: UpTurn) -> float | None:
    """Ask the hub what it would make of our wish: what differs from it is its own defaulting."""
    hub = turn.world.hub
    async with hub.flow.admitted():
        answer = await hub.client.apply(
            turn.above.kind, _ours(turn), manager=MANAGER, force=True, dry_run=True
        )
    entry = turn.entry
    entry.normal = normal_of(turn.lifted, answer.decode())
    return 0.0


async def rewrite(turn: UpTurn) -> float | None:
    """Apply the wish again; one that the hub undoes again and again is a fight."""
    entry, now = turn.entry, turn.world.runtime.now()
    if entry.normal and entry.drifts.flip_whole(now):
        message = "changed back and forth in the hub: stop the other writer"
        turn.stand(SyncState.REFUSED, "Fight", message)
        return REFUSED_RECHECK_S
    turn.stand(SyncState.PENDING, "Upsync")
    await _apply(turn, _ours(turn), force=True)
    return None


def _ours(turn: UpTurn) -> Json:
    above = turn.facts.above
    return with_metadata(turn.lifted.desired.tree, uid=above.uid if above else "")


async def _apply(turn: UpTurn, tree: Json, *, force: bool) -> None:
    hub = turn.world.hub
    async with hub.flow.admitted():
        written = await hub.client.apply(turn.above.kind, tree, manager=MANAGER, force=force)
    entry = turn.entry
    entry.normal = normal_of(turn.lifted, written.decode())
    turn.above.informer.observe(written)


async def report(turn: UpTurn, patch: Json) -> float | None:
    """Write the status, and remember of which status of the target it was."""
    again = await patch_above(turn, {"status": patch}, subresource="status")
    if turn.facts.below is not None:
        turn.side.reported[turn.item] = turn.facts.below.status_digest
    return again


async def patch_above(turn: UpTurn, patch: Json, subresource: str = "") -> float | None:
    """Merge-patch the very version of the hub object that was looked at."""
    hub, above = turn.world.hub, turn.facts.above
    assert above is not None
    guards = {"uid": above.uid, "resourceVersion": above.resource_version}
    body = {**patch, "metadata": {**patch.get("metadata", {}), **guards}}
    try:
        async with hub.flow.admitted():
            written = await hub.client.merge_patch(
                turn.above.kind, turn.item.key, body, manager=MANAGER, subresource=subresource
            )
    except NotFound as error:
        if error.is_kind:
            raise
        return LOOK_AGAIN_S
    turn.above.informer.observe(written)
    return 0.0  # the mirror may refuse the answer: then the next look says so


def take_note_of_other(turn: UpTurn) -> float:
    """Note that the hub has another object of that name; it is looked at again rarely."""
    turn.stand(SyncState.COLLISION, "Collision", TAKEN)
    return REFUSED_RECHECK_S
