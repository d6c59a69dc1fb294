"""Fields of a copy that others changed: find out who, apply the rules, carry out the decision."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from tmcconsole.config.policies import HUB_WINS, MANUAL
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.kube.trees.differences import Difference
from tmcconsole.kube.trees.managed_fields import field_managers_of
from tmcconsole.sync.conflicts.copy_differences import differences
from tmcconsole.sync.conflicts.drift_ledger import FIGHT_WINDOW_S, Drift, drift_of
from tmcconsole.sync.conflicts.judge import (
    Contested,
    DriftVerdict,
    contested_fields,
    judge,
    leaf_digests,
)
from tmcconsole.sync.desired.build import Desired
from tmcconsole.sync.down.reconcile_context import (
    ReconcileContext,
    fingerprints,
    look_at_live,
    read_whole,
    send,
)
from tmcconsole.sync.names.markers import APPLIED, DIGEST, EXCLUDE_TARGETS
from tmcconsole.sync.state.live_reads import REFUSED_RECHECK_S, is_other_object, with_metadata
from tmcconsole.tmc.errors import Severity

SHOWN_FIELDS = 3  # in one message


def bide(context: ReconcileContext, found: tuple[Difference, ...]) -> float | None:
    """Return the seconds of a truce that remain, None if writing is allowed.

    If the other manager continues, the truce starts over; it ends once that stops.
    """
    drifts, now = context.entry.drift_ledger, context.shared.runtime.now()
    if context.entry.insisted or drifts.truce.until <= now:
        return None
    drifts.watch(fingerprints(found), now)
    return drifts.truce.until - now


async def look_into(
    context: ReconcileContext,
    uid: str,
    normal: frozenset[str] = frozenset(),
    *,
    is_refused: bool = False,
) -> float | None:
    """Read who owns what on the copy ``uid``, decide, and carry it out.

    ``normal`` are differences from the server's own defaulting; ``is_refused`` says that an apply
    without force conflicted with fields of others.
    """
    live = await read_whole(context)
    if live["metadata"].get("uid") != uid:
        return await look_at_live(context)
    is_new = annotations_of(live).get(DIGEST) != context.desired.digest
    verdict = _judge(context, live, normal, is_new=is_new)
    if verdict.asked and context.facts.rules.conflict == MANUAL:
        return _ask(context, verdict.asked, "Manual")
    waits = stand_aside(context, verdict.take_back)
    if waits:
        return waits
    if not is_new:
        context.entry.normal |= normal
    _account(context, verdict)
    if is_new or is_refused or verdict.take_back:
        again = await _write(context, verdict, live, is_refused=is_refused)
        if again is not None:
            return again
    elif context.facts.copy is not None and not verdict.asked:
        context.entry.left = fingerprints(tuple(one.difference for one in verdict.kept))
        context.settle(context.facts.copy)
    return _tell_what_is_left(context, verdict)


def _judge(
    context: ReconcileContext, live: Json, normal: frozenset[str], *, is_new: bool
) -> DriftVerdict:
    desired = context.desired.tree
    found = contested_fields(
        differences(context.desired, live, normal), field_managers_of(live), desired
    )
    if is_new:  # what nobody else owns is ours to write
        found = tuple(one for one in found if one.owner)
    changed, insisted = _has_changed(context.desired, live), context.entry.insisted
    return judge(context.facts.rules, found, desired, has_changed=changed, insisted=insisted)


async def _write(
    context: ReconcileContext, verdict: DriftVerdict, live: Json, *, is_refused: bool
) -> float | None:
    """Apply everything except what is left to others; return seconds to retry after a soft
    failure.
    """
    taken = verdict.take_back
    if taken:
        context.stand(SyncState.DRIFTED, "Drift", say(context.kind, taken))
    guards = {"uid": live["metadata"]["uid"]}
    if context.facts.rules.conflict != HUB_WINS:  # what changes meanwhile may be another's to keep
        guards["resourceVersion"] = live["metadata"]["resourceVersion"]
    tree = with_metadata(_with_base(context.desired.tree, live, verdict.asked), **guards)
    # A conflict over equal values: the same value written differently, which is harmless.
    force = bool(taken) or is_refused
    try:
        await send(context, tree, force=force, cuts=verdict.cuts)
    except Conflict:
        await look_at_live(context)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return await look_at_live(context)
    context.entry.insisted = frozenset()
    if taken:
        record(context, "Reverted", say(context.kind, taken))
    return None


def stand_back(context: ReconcileContext) -> float | None:
    """Count a copy that others deleted; if that has become a fight, stop and report it."""
    drifts, now = context.entry.drift_ledger, context.shared.runtime.now()
    desired, lost = context.facts.source_digest, context.facts.known_uid
    if drifts.truce.until > now and drifts.truce.desired == desired:
        return drifts.truce.until - now
    if not lost or lost == drifts.lost:
        return None
    drifts.lost = lost
    if not drifts.flip_whole(now):
        return None
    for_s = drifts.make_truce(desired, now)
    message = (
        f"its copy was deleted {len(drifts.flips)} times within {FIGHT_WINDOW_S / 60:g} min, and "
        f"made again each time: stop who deletes it, or leave this target out (annotation "
        f"{EXCLUDE_TARGETS})"
    )
    context.stand(SyncState.REFUSED, "Fight", message)
    record(context, "Fight", message, Severity.HIGH)
    return for_s


def stand_aside(context: ReconcileContext, taken: tuple[Contested, ...]) -> float | None:
    """Count what is to be reverted; if it has become a fight, stop and report it."""
    now, desired = context.shared.runtime.now(), context.facts.source_digest
    drift_ledger = context.entry.drift_ledger
    for one in taken:
        drift_ledger.note(context.kind, one, "Reverted", _wall(context))
    if context.entry.insisted:
        return None
    fights = drift_ledger.flip([one.pointer for one in taken], desired, now)
    if not fights:
        return None
    for_s = drift_ledger.make_truce(desired, now)
    for drift in fights:
        drift.outcome = "Fight"
    message = _fight_text(fights)
    context.stand(SyncState.REFUSED, "Fight", message)
    record(context, "Fight", message, Severity.HIGH)
    return for_s


def _fight_text(fights: tuple[Drift, ...]) -> str:
    told = "; ".join(
        f"{one.path}: tmc-console wants {one.wanted}, {one.manager} wants {one.actual}"
        for one in fights[:SHOWN_FIELDS]
    )
    return (
        f"{told}; changed back and forth: stop the other writer, cede the field to it "
        f"(annotation syncer.kcp.io/ignore-fields: {fights[0].pointer}), or adopt its value"
    )


def _ask(context: ReconcileContext, asked: tuple[Contested, ...], reason: str) -> float | None:
    """A person decides: adopt the value, have it reverted, or cede the field."""
    message = f"{say(context.kind, asked)}; decide: adopt, revert or cede"
    news = [
        context.entry.drift_ledger.note(context.kind, one, "Asked", _wall(context)) for one in asked
    ]
    context.stand(SyncState.DRIFTED, reason, message)
    if any(news):
        record(context, reason, message)
    return REFUSED_RECHECK_S


def _tell_what_is_left(context: ReconcileContext, verdict: DriftVerdict) -> float | None:
    """Record what the policy cedes; fields that users left to others are not drift."""
    drifts, wall = context.entry.drift_ledger, _wall(context)
    news = tuple(one for one in verdict.ceded if drifts.note(context.kind, one, "Ceded", wall))
    if news:
        policy = context.facts.rules.conflict
        record(context, "Ceded", f"{say(context.kind, news)}; left to the cluster ({policy})")
    if not verdict.asked:
        return None
    asked = fingerprints(tuple(one.difference for one in verdict.asked))
    context.entry.left -= asked  # it is to be looked at, and asked about, again
    context.entry.normal -= asked
    context.entry.settled = None
    return _ask(context, verdict.asked, "MergeConflict")


def _account(context: ReconcileContext, verdict: DriftVerdict) -> None:
    if not verdict.kept:
        return context.entry.account("", "")
    told = [f"{one.difference.path} is left to {one.manager}" for one in verdict.kept]
    return context.entry.account("FieldsLeft", "; ".join(told[:SHOWN_FIELDS]))


def say(kind: str, found: tuple[Contested, ...]) -> str:
    """Return contested fields as a sentence: desired, actual, and who."""
    drifts = [drift_of(kind, one) for one in found[:SHOWN_FIELDS]]
    told = "; ".join(f"{d.path}: {d.wanted} there {d.actual} by {d.manager}" for d in drifts)
    more = len(found) - SHOWN_FIELDS
    return f"{told} and {more} more" if more > 0 else told


def with_base(desired: Desired, salt: str) -> Desired:
    """Return a desired state with digests of its own leaves: the base of a later merge."""
    base = leaf_digests(desired.tree, salt)
    return Desired(_with_note(desired.tree, base), desired.digest)


def _with_note(tree: Json, base: dict[str, str]) -> Json:
    meta = tree["metadata"]
    text = orjson.dumps(base, option=orjson.OPT_SORT_KEYS).decode()
    notes = {**meta["annotations"], APPLIED: text}
    return {**tree, "metadata": {**meta, "annotations": notes}}


def _base_of(tree: Json) -> dict[str, str] | None:
    """Return the digests of what was applied last; None if none were recorded.

    An empty result means that nothing of the desired state has been applied, not that it is
    unknown.
    """
    try:
        found = orjson.loads(annotations_of(tree).get(APPLIED, ""))
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _with_base(tree: Json, live: Json, asked: tuple[Contested, ...]) -> Json:
    """What is asked about keeps its earlier base: it was not applied."""
    if not asked:
        return tree
    before, now = _base_of(live) or {}, _base_of(tree) or {}
    for one in asked:
        now = {name: value for name, value in now.items() if not _is_below(name, one.pointer)}
        now |= {name: value for name, value in before.items() if _is_below(name, one.pointer)}
    return _with_note(tree, now)


def _has_changed(desired: Desired, live: Json) -> Callable[[Contested], bool]:
    """Return a function that tells whether the hub's value of a field has changed since it was
    applied.
    """
    before, now = _base_of(live), _base_of(desired.tree) or {}
    is_new = annotations_of(live).get(DIGEST) != desired.digest

    def has_changed(one: Contested) -> bool:
        if before is None:
            return is_new
        names = {name for name in before.keys() | now.keys() if _is_below(name, one.pointer)}
        return any(before.get(name) != now.get(name) for name in names)

    return has_changed


def _is_below(name: str, pointer: str) -> bool:
    return name == pointer or name.startswith(f"{pointer}/")


def _wall(context: ReconcileContext) -> float:
    return context.shared.runtime.wall()


def record(
    context: ReconcileContext, event: str, what: str, severity: Severity = Severity.LOW
) -> None:
    """Record an object's drift in the history."""
    context.shared.history.record(
        "drift",
        event,
        severity=severity,
        target=context.target.name,
        subject=f"{context.kind}/{context.key}",
        message=what,
        at=_wall(context),
    )
