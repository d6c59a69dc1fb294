"""Writes to the hub what a target owns: the object, its status, and finally the stamp."""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.errors import Conflict
from tmcconsole.kube.objects import Json
from tmcconsole.sync.down.create_update import ABSENT
from tmcconsole.sync.state.live_reads import LOOK_AGAIN_S, REFUSED_RECHECK_S, take_in, with_metadata
from tmcconsole.sync.up.hub_object import is_lifted
from tmcconsole.sync.up.plan import normal_of
from tmcconsole.sync.up.reconcile_context import UpContext, read_above

TAKEN = SafeText(
    "the hub has an object of this name that was not made here; it is left alone: rename one of "
    "them, or delete the one in the hub"
)


async def make(context: UpContext) -> float | None:
    """Create the object in the hub, or find out whose object has the name."""
    context.stand(SyncState.PENDING, "Upsync")
    tree = with_metadata(context.lifted.desired.tree, resourceVersion=ABSENT)
    try:
        await _apply(context, tree, force=False)
    except Conflict:
        return await _whose(context)
    return None


async def _whose(context: UpContext) -> float | None:
    """The name is taken in the hub: by ourselves, before we forgot it, or by somebody else."""
    live = await read_above(context)
    if live is None:
        return LOOK_AGAIN_S
    if is_lifted(live.decode(), context.facts.key, context.facts.place):
        return take_in(context.above.informer, live)
    return take_note_of_other(context)


async def compare(context: UpContext) -> float | None:
    """Ask the hub what it would make of our object: the differences are its own defaulting."""
    hub = context.shared.hub
    answer = await hub.writer.try_apply(context.above.kind, _ours(context))
    entry = context.entry
    entry.normal = normal_of(context.lifted, answer.decode())
    return 0.0


async def rewrite(context: UpContext) -> float | None:
    """Apply the desired state again; if the hub's is changed again and again, that is a fight."""
    entry, now = context.entry, context.shared.runtime.now()
    if entry.normal and entry.drift_ledger.flip_whole(now):
        message = "changed back and forth in the hub: stop the other writer"
        context.stand(SyncState.REFUSED, "Fight", message)
        return REFUSED_RECHECK_S
    context.stand(SyncState.PENDING, "Upsync")
    await _apply(context, _ours(context), force=True)
    return None


def _ours(context: UpContext) -> Json:
    above = context.facts.above
    return with_metadata(context.lifted.desired.tree, uid=above.uid if above else "")


async def _apply(context: UpContext, tree: Json, *, force: bool) -> None:
    above = context.above
    written = await context.shared.hub.writer.apply(
        above.kind, tree, into=above.informer, force=force
    )
    context.entry.normal = normal_of(context.lifted, written.decode())


async def report(context: UpContext, patch: Json) -> float | None:
    """Write the status, and remember which status of the target it was."""
    again = await patch_above(context, {"status": patch}, subresource="status")
    if context.facts.below is not None:
        context.side.reported[context.item] = context.facts.below.status_digest
    return again


async def patch_above(context: UpContext, patch: Json, subresource: str = "") -> float | None:
    """Merge-patch exactly the version of the hub object that was read."""
    seen = context.facts.above
    assert seen is not None
    written = await context.shared.hub.writer.merge_patch(
        context.above.kind,
        context.item.key,
        patch,
        into=context.above.informer,
        uid=seen.uid,
        resource_version=seen.resource_version,
        subresource=subresource,
    )
    if written is None:
        return LOOK_AGAIN_S
    return 0.0  # the cache may reject the response: then the next reconcile says so


def take_note_of_other(context: UpContext) -> float:
    """Record that the hub has another object with that name; it is checked again rarely."""
    context.stand(SyncState.COLLISION, "Collision", TAKEN)
    return REFUSED_RECHECK_S
