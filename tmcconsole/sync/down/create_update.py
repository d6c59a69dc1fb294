"""Writes copies: the first one, updates, and what to do if the name is taken."""

from __future__ import annotations

from tmcconsole.config.policies import MANUAL
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import CachedObject
from tmcconsole.sync.conflicts.copy_differences import differences
from tmcconsole.sync.conflicts.foreign_entries import (
    as_contested,
    claim,
    foreign_entries,
    members_of,
)
from tmcconsole.sync.conflicts.judge import judge
from tmcconsole.sync.down.drift_resolution import (
    bide,
    look_into,
    record,
    say,
    stand_aside,
    stand_back,
)
from tmcconsole.sync.down.ensure_namespace import ensure_namespace
from tmcconsole.sync.down.plan import Update, is_copy_of
from tmcconsole.sync.down.reconcile_context import (
    ReconcileContext,
    dry_run,
    fingerprints,
    look_at_live,
    read_whole,
    send,
)
from tmcconsole.sync.down.takeover import take_over
from tmcconsole.sync.names.markers import is_ours
from tmcconsole.sync.state.live_reads import (
    is_other_object,
    is_ownership,
    read_live,
    take_in,
    with_metadata,
)

# No object has resourceVersion 1: an apply that carries it creates, or fails if the name is taken.
# This makes creation atomic, and the apply owns our fields from the start.
ABSENT = "1"


async def create(context: ReconcileContext) -> float | None:
    """Write the first copy, or find out whose object has the name."""
    if context.entry.collided:
        there = await read_live(context.target, context.here, context.key)
        if there is not None:  # no second attempt on an object found to be foreign
            return await _whose(context, there)
        context.entry.collided = False
    waits = stand_back(context)
    if waits:
        return waits
    if not context.is_failing:
        context.stand(SyncState.PENDING, "Creating")
    await ensure_namespace(context.shared, context.target, context.key.namespace)
    try:
        await send(
            context, with_metadata(context.desired.tree, resourceVersion=ABSENT), force=False
        )
    except Conflict:
        there = await read_live(context.target, context.here, context.key)
        if there is None:  # gone again between the two requests
            raise
        return await _whose(context, there)
    return None


async def update(context: ReconcileContext, step: Update) -> float | None:
    """Update our copy. If this state is already applied, something else has changed the copy."""
    try:
        return await _update(context, step)
    except Invalid as error:
        if not members_of(error):
            raise
        return await _make_way(context, step.uid, error)


async def _update(context: ReconcileContext, step: Update) -> float | None:
    drift_ledger = context.entry.drift_ledger
    if drift_ledger.truce.until and drift_ledger.truce.desired != context.facts.source_digest:
        drift_ledger.end_truce()  # earlier reverts do not count
    waits = bide(context, step.drift)
    if waits:
        return waits
    if step.drift:
        return await _drifted(context, step)
    if context.facts.rules.conflict == MANUAL:
        return await look_into(context, step.uid)  # a person is asked before anything is tried
    if not context.is_failing:
        context.stand(SyncState.PENDING, "Updating")
    return await _write_over(context, step.uid)


async def _write_over(context: ReconcileContext, uid: str) -> float | None:
    """Apply the desired state to our own copy; if others own fields of it, the rules decide."""
    try:
        await send(context, with_metadata(context.desired.tree, uid=uid), force=False)
    except Conflict as error:
        if is_ownership(error):
            return await look_into(context, uid, is_refused=True)
        await look_at_live(context)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return await look_at_live(context)
    return None


async def _make_way(context: ReconcileContext, uid: str, error: Invalid) -> float | None:
    """Our apply is invalid: if that is over entries of others, name them, and by the rules remove
    them in the step that brings back ours.
    """
    live = await read_whole(context)
    if live["metadata"].get("uid") != uid:
        return await look_at_live(context)
    entries = foreign_entries(error, live, context.desired.tree)
    if not entries:
        raise error
    contested = tuple(as_contested(entry, live) for entry in entries)
    rules, insisted = context.facts.rules, context.entry.insisted
    verdict = judge(rules, contested, live, has_changed=lambda _one: True, insisted=insisted)
    told = say(context.kind, contested)
    if verdict.take_back != contested:
        raise Invalid(error.code, error.reason, f"{told}; {error}", error.causes) from error
    waits = stand_aside(context, contested)
    if waits:
        return waits
    tree = with_metadata(context.desired.tree, uid=uid)
    async with context.target.concurrency.admitted():
        await context.target.writer.claim(context.permit(tree), claim(live, entries))
    await send(context, tree, force=True)
    context.entry.insisted = frozenset()
    record(context, "Reverted", told)
    return None


async def _whose(context: ReconcileContext, live: CachedObject) -> float | None:
    tree = live.decode()
    if is_ours(tree, context.target.key, context.facts.origin):
        return take_in(context.here.informer, live)
    if is_copy_of(context.facts, live, tree):
        return await _write_over(context, live.uid)
    return await take_over(context, live)


async def _drifted(context: ReconcileContext, step: Update) -> float | None:
    """Drift, or the server's own defaulting? A dry run of our desired state tells."""
    normalised = await dry_run(context, with_metadata(context.desired.tree, uid=step.uid))
    if normalised is None:
        return await look_at_live(context)
    normal = fingerprints(differences(context.desired, normalised.decode(), frozenset()))
    if fingerprints(step.drift) <= normal:
        context.entry.normal = normal
        if context.facts.copy is not None:
            context.settle(context.facts.copy)
        return None
    return await look_into(context, step.uid, normal)
