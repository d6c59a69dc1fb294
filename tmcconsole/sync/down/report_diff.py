"""ReportDiff: report what a write would change; never write."""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.trees.differences import Difference
from tmcconsole.kube.trees.managed_fields import field_managers_of
from tmcconsole.sync.conflicts.copy_differences import differences
from tmcconsole.sync.conflicts.judge import contested_fields, is_left
from tmcconsole.sync.down.drift_resolution import say
from tmcconsole.sync.down.plan import is_copy_of
from tmcconsole.sync.down.reconcile_context import (
    ReconcileContext,
    dry_run,
    fingerprints,
    read_whole,
)
from tmcconsole.sync.state.live_reads import (
    HELD_RECHECK_S,
    REFUSED_RECHECK_S,
    read_live,
    with_metadata,
)

_MARKS: Final = ("metadata", "labels"), ("metadata", "annotations")


async def report(context: ReconcileContext) -> float | None:
    """Compare the desired state with the copy; check again periodically, since no event triggers
    it.
    """
    live = await read_live(context.target, context.here, context.key)
    if live is None:
        context.stand(SyncState.DRIFTED, "Reported", "it does not exist; it would be created")
        return REFUSED_RECHECK_S
    tree = await read_whole(context)
    if tree["metadata"].get("uid") != live.uid:
        return HELD_RECHECK_S
    is_ours = is_copy_of(context.facts, live, tree)
    found = await _real(context, live.uid, differences(context.desired, tree, frozenset()))
    if not is_ours:
        found = tuple(one for one in found if one.steps[:2] not in _MARKS)
    owned = contested_fields(found, field_managers_of(tree), context.desired.tree)
    wall = context.shared.runtime.wall()
    for one in owned:
        context.entry.drift_ledger.note(context.kind, one, "Reported", wall)
    whose = "" if is_ours else "a foreign object has the name; "
    if found:
        context.stand(SyncState.DRIFTED, "Reported", f"{whose}{say(context.kind, owned)}")
    else:
        context.entry.drift_ledger.end()
        context.stand(SyncState.IN_SYNC, "Reported", f"{whose}nothing would change")
    return REFUSED_RECHECK_S


async def _real(
    context: ReconcileContext, uid: str, found: tuple[Difference, ...]
) -> tuple[Difference, ...]:
    """Return the differences that the server's own defaulting does not explain."""
    rules, desired = context.facts.rules, context.desired.tree
    found = tuple(one for one in found if not is_left(rules, one.steps, desired))
    if not found:
        return ()
    normalised = await dry_run(context, with_metadata(desired, uid=uid))
    if normalised is None:
        return found
    normal = fingerprints(differences(context.desired, normalised.decode(), frozenset()))
    return tuple(one for one in found if not fingerprints((one,)) & normal)
