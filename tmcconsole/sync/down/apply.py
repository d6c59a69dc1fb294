"""Sending a wish to a target: for real, or to see what the server would make of it."""

from __future__ import annotations

from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import CachedObject, Json
from tmcconsole.kube.trees.differences import Difference, Steps
from tmcconsole.sync.conflicts.differences import differences, fingerprint
from tmcconsole.sync.conflicts.pointers import without
from tmcconsole.sync.down.reconcile_context import Turn, look_at_live
from tmcconsole.sync.state.live_reads import is_other_object


async def send(turn: Turn, tree: Json, *, force: bool, cuts: tuple[Steps, ...] = ()) -> None:
    """Apply a wish, what is at ``cuts`` left out, and settle the pair with the answer."""
    permit = turn.permit(without(tree, cuts))
    async with turn.target.flow.admitted():
        written = await turn.target.door.apply(permit, force=force)
    found = differences(turn.desired, written.decode(), frozenset())
    is_cut = [any(one.steps[: len(cut)] == cut for cut in cuts) for one in found]
    pairs = list(zip(found, is_cut, strict=True))
    turn.entry.normal = fingerprints(tuple(one for one, cut in pairs if not cut))
    turn.entry.left = fingerprints(tuple(one for one, cut in pairs if cut))
    turn.here.informer.observe(written)
    turn.settle(written)


async def dry_run(turn: Turn, tree: Json) -> CachedObject | None:
    """Return what the server would make of a wish, None where the copy is another by now."""
    try:
        async with turn.target.flow.admitted():
            return await turn.target.door.apply(turn.permit(tree), force=True, dry_run=True)
    except Conflict:
        await look_at_live(turn)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return None


def fingerprints(found: tuple[Difference, ...]) -> frozenset[str]:
    """Return what identifies each difference."""
    return frozenset(fingerprint(difference) for difference in found)
