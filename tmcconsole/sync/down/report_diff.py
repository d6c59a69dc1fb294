"""ReportDiff: what a write would change is told, and nothing is ever written."""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.trees.differences import Difference
from tmcconsole.kube.trees.managed_fields import writers_of
from tmcconsole.sync.conflicts.differences import differences
from tmcconsole.sync.conflicts.judge import contest, is_left
from tmcconsole.sync.down.apply import dry_run, fingerprints
from tmcconsole.sync.down.drift_resolution import say
from tmcconsole.sync.down.plan import is_copy_of
from tmcconsole.sync.down.reconcile_context import Turn, read_whole
from tmcconsole.sync.state.live_reads import (
    HELD_RECHECK_S,
    REFUSED_RECHECK_S,
    read_live,
    with_metadata,
)

_MARKS: Final = ("metadata", "labels"), ("metadata", "annotations")


async def report(turn: Turn) -> float | None:
    """Compare the wish with what is there; look again now and then, for nothing calls."""
    live = await read_live(turn.target, turn.here, turn.key)
    if live is None:
        turn.stand(SyncState.DRIFTED, "Reported", "it is not there; it would be created")
        return REFUSED_RECHECK_S
    tree = await read_whole(turn)
    if tree["metadata"].get("uid") != live.uid:
        return HELD_RECHECK_S
    is_ours = is_copy_of(turn.facts, live, tree)
    found = await _real(turn, live.uid, differences(turn.desired, tree, frozenset()))
    if not is_ours:
        found = tuple(one for one in found if one.steps[:2] not in _MARKS)
    owned = contest(found, writers_of(tree), turn.desired.tree)
    wall = turn.world.runtime.wall()
    for one in owned:
        turn.entry.drifts.note(turn.kind, one, "Reported", wall)
    whose = "" if is_ours else "a foreign object is there; "
    if found:
        turn.stand(SyncState.DRIFTED, "Reported", f"{whose}{say(turn.kind, owned)}")
    else:
        turn.entry.drifts.end()
        turn.stand(SyncState.IN_SYNC, "Reported", f"{whose}nothing would change")
    return REFUSED_RECHECK_S


async def _real(turn: Turn, uid: str, found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Return the differences that no defaulting of the server's own explains."""
    rules, wish = turn.facts.rules, turn.desired.tree
    found = tuple(one for one in found if not is_left(rules, one.steps, wish))
    if not found:
        return ()
    normalised = await dry_run(turn, with_metadata(wish, uid=uid))
    if normalised is None:
        return found
    normal = fingerprints(differences(turn.desired, normalised.decode(), frozenset()))
    return tuple(one for one in found if not fingerprints((one,)) & normal)
