"""Sending a desired state to a target: for real, or to see what the server would make of it."""

from __future__ import annotations

from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import CachedObject, Json
from tmcconsole.kube.trees.differences import Difference, Steps
from tmcconsole.sync.conflicts.copy_differences import differences, fingerprint
from tmcconsole.sync.conflicts.pointer_steps import without
from tmcconsole.sync.down.reconcile_context import ReconcileContext, look_at_live
from tmcconsole.sync.state.live_reads import is_other_object


async def send(
    context: ReconcileContext, tree: Json, *, force: bool, cuts: tuple[Steps, ...] = ()
) -> None:
    """Apply a desired state, what is at ``cuts`` left out, and settle the pair with the answer."""
    permit = context.permit(without(tree, cuts))
    async with context.target.concurrency.admitted():
        written = await context.target.writer.apply(permit, force=force)
    found = differences(context.desired, written.decode(), frozenset())
    is_cut = [any(one.steps[: len(cut)] == cut for cut in cuts) for one in found]
    pairs = list(zip(found, is_cut, strict=True))
    context.entry.normal = fingerprints(tuple(one for one, cut in pairs if not cut))
    context.entry.left = fingerprints(tuple(one for one, cut in pairs if cut))
    context.here.informer.observe(written)
    context.settle(written)


async def dry_run(context: ReconcileContext, tree: Json) -> CachedObject | None:
    """Return what the server would make of ``tree``, None where the copy is another by now."""
    try:
        async with context.target.concurrency.admitted():
            return await context.target.writer.apply(context.permit(tree), force=True, dry_run=True)
    except Conflict:
        await look_at_live(context)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return None


def fingerprints(found: tuple[Difference, ...]) -> frozenset[str]:
    """Return what identifies each difference."""
    return frozenset(fingerprint(difference) for difference in found)
