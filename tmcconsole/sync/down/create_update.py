"""Writing copies: the first, the next, and what is done about a name that is taken."""

from __future__ import annotations

from tmcconsole.config.policies import MANUAL
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import CachedObject
from tmcconsole.sync.conflicts.differences import differences
from tmcconsole.sync.down.apply import dry_run, fingerprints, send
from tmcconsole.sync.down.drift_resolution import bide, look_into
from tmcconsole.sync.down.ensure_namespace import ensure_namespace
from tmcconsole.sync.down.plan import Update, is_copy_of
from tmcconsole.sync.down.reconcile_context import Turn, look_at_live
from tmcconsole.sync.down.takeover import adopt
from tmcconsole.sync.names.markers import is_ours
from tmcconsole.sync.state.live_reads import (
    is_other_object,
    is_ownership,
    read_live,
    take_in,
    with_metadata,
)

# No object has resourceVersion 1: an apply that carries it creates, or fails where the name is
# taken. Creation is thereby atomic, and our fields are owned by the apply from the start.
ABSENT = "1"


async def create(turn: Turn) -> float | None:
    """Write the first copy, or find out whose the object of that name is."""
    if turn.entry.collided:
        there = await read_live(turn.target, turn.here, turn.key)
        if there is not None:  # no second attempt on what was found to be foreign
            return await _whose(turn, there)
        turn.entry.collided = False
    turn.stand(SyncState.PENDING, "Creating")
    await ensure_namespace(turn.world, turn.target, turn.key.namespace)
    try:
        await send(turn, with_metadata(turn.desired.tree, resourceVersion=ABSENT), force=False)
    except Conflict:
        there = await read_live(turn.target, turn.here, turn.key)
        if there is None:  # gone again between the two requests
            raise
        return await _whose(turn, there)
    return None


async def update(turn: Turn, step: Update) -> float | None:
    """Write over our copy. Where the wish is already applied, something else changed it."""
    drifts = turn.entry.drifts
    if drifts.truce.until and drifts.truce.wish != turn.facts.source_digest:
        drifts.end_truce()  # what was taken back for another wish does not count against this one
    waits = bide(turn, step.drift)
    if waits:
        return waits
    if step.drift:
        return await _drifted(turn, step)
    if turn.facts.rules.conflict == MANUAL:
        return await look_into(turn, step.uid)  # a person is asked before anything is tried
    turn.stand(SyncState.PENDING, "Updating")
    return await _write_over(turn, step.uid)


async def _write_over(turn: Turn, uid: str) -> float | None:
    """Apply the wish to our own copy; where others own fields of it, the rules decide."""
    try:
        await send(turn, with_metadata(turn.desired.tree, uid=uid), force=False)
    except Conflict as error:
        if is_ownership(error):
            return await look_into(turn, uid, is_refused=True)
        await look_at_live(turn)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return await look_at_live(turn)
    return None


async def _whose(turn: Turn, live: CachedObject) -> float | None:
    tree = live.decode()
    if is_ours(tree, turn.target.key, turn.facts.origin):
        return take_in(turn.here.informer, live)
    if is_copy_of(turn.facts, live, tree):
        return await _write_over(turn, live.uid)
    return await adopt(turn, live)


async def _drifted(turn: Turn, step: Update) -> float | None:
    """Drift, or the server's own defaulting? A dry run of our wish tells."""
    normalised = await dry_run(turn, with_metadata(turn.desired.tree, uid=step.uid))
    if normalised is None:
        return await look_at_live(turn)
    normal = fingerprints(differences(turn.desired, normalised.decode(), frozenset()))
    if fingerprints(step.drift) <= normal:
        turn.entry.normal = normal
        if turn.facts.copy is not None:
            turn.settle(turn.facts.copy)
        return None
    return await look_into(turn, step.uid, normal)
