"""What operators do about fields that others changed: show, adopt, revert, cede."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from tmcconsole.config.grammar.fieldpath import spell_pointer
from tmcconsole.config.grammar.pointers import read_pointer
from tmcconsole.config.policies import APPLY
from tmcconsole.config.problems import Unusable
from tmcconsole.contract.commands import (
    Accepted,
    AdoptDrift,
    CedeField,
    DriftField,
    DriftReport,
    RevertDrift,
)
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.commands.audited_order import Rejected, carry_out
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import CachedObject, Json, annotations_of
from tmcconsole.kube.trees.differences import Difference, Steps, subset_differences
from tmcconsole.sync.conflicts.copy_differences import fingerprint
from tmcconsole.sync.conflicts.field_rules import DEFAULT, FieldRules, field_rules_of
from tmcconsole.sync.conflicts.judge import ALL, is_left
from tmcconsole.sync.conflicts.pointer_steps import last_first, pointer_to, value_at
from tmcconsole.sync.down.field_rule_inputs import around
from tmcconsole.sync.names.markers import IGNORE_FIELDS
from tmcconsole.sync.policy import Refusal
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.desired_state import desired_state, inputs_of
from tmcconsole.sync.state.ledger import LedgerEntry
from tmcconsole.sync.state.target import Target

_HUB_ONLY: Final = ("metadata", "status", "apiVersion", "kind")


def show_drift(targets: list[Target], item: Item) -> DriftReport:
    """Return what others changed on an object's copies, and who wins."""
    key, policy, fields = f"{item.lane}/{item.key}", "", []
    for target in targets:
        entry = target.ledger.get(*item)
        if entry is not None:
            policy = f"{entry.rules.conflict} ({entry.rules.said_by})"
            fields += _fields(target, entry)
    if not policy:
        names = ", ".join(target.name for target in targets) or "any target"
        raise Rejected(f"no copy of {key} is known on {names}", "keys are resource/namespace/name")
    return DriftReport(key=SafeText(key), policy=SafeText(policy), fields=tuple(fields))


def _fields(target: Target, entry: LedgerEntry) -> list[DriftField]:
    return [
        DriftField(
            target=SafeText(target.name),
            path=SafeText(one.path),
            pointer=SafeText(one.pointer),
            wanted=one.wanted,
            actual=one.actual,
            manager=one.manager,
            outcome=one.outcome,
            count=one.count,
            first_seen=one.first_seen,
            last_seen=one.last_seen,
        )
        for one in entry.drift_ledger.fields.values()
    ]


async def adopt(session: HubSession, target: Target, item: Item, command: AdoptDrift) -> Accepted:
    """Write the target's values to the hub object, at exactly the version that was seen."""
    if item.lane == "secrets" and not command.field:
        raise Rejected("a Secret is adopted field by field", "name the field: /data/KEY")
    source, desired = _source(session, item), _desired(session, target, item)
    found = _picked(await _differing(target, item, desired), command.field, desired)
    tree = source.decode()
    steps = [one.steps for one in found]
    for one in found:
        _require_adoptable(one, desired, tree)
    patch = [_op(one) for one in sorted(found, key=_place, reverse=True)]

    async def write() -> CachedObject | None:
        hub = session.shared.hub
        watched = hub.kinds[item.lane]
        return await hub.writer.json_patch(watched.kind, source, patch, into=watched.informer)

    pointers = [str(pointer_to(one, desired)) for one in steps]
    await _write_down(session, target, item, command, source.uid, pointers, write)
    entry = target.ledger.entry(*item)
    for pointer in pointers:
        if pointer in entry.drift_ledger.fields:
            entry.drift_ledger.fields[pointer].outcome = "Adopted"
    entry.drift_ledger.end_truce()
    return Accepted(message=SafeText(f"the hub adopts {', '.join(pointers)} of {target.name}"))


async def revert(session: HubSession, target: Target, item: Item, command: RevertDrift) -> Accepted:
    """Have fields overwritten by the next reconcile, which is queued now."""
    source, desired = _source(session, item), _desired(session, target, item)
    rules = _rules(session, target, item, source)
    if rules.write != APPLY:
        raise Rejected(f"the write mode is {rules.write}", "set it to Apply")
    pointers = [ALL]
    if command.field:
        found = _picked(await _differing(target, item, desired), command.field, desired)
        pointers = [str(pointer_to(one.steps, desired)) for one in found]
        left = [one.path for one in found if is_left(rules, one.steps, desired)]
        if left:
            raise Rejected(
                f"{', '.join(left)} is left to the clusters",
                f"remove it from {IGNORE_FIELDS} and sync.ignore_fields",
            )
    await _write_down(session, target, item, command, source.uid, pointers, None)
    entry = target.ledger.entry(*item)
    entry.insisted, entry.left, entry.settled = frozenset(pointers), frozenset(), None
    entry.drift_ledger.end_truce()
    target.queue.add(*item)
    return Accepted(message=SafeText(f"reverting {', '.join(pointers)} on {target.name}"))


async def cede(
    session: HubSession, targets: list[Target], item: Item, command: CedeField
) -> Accepted:
    """Record a field on the hub object as left to the clusters."""
    source = _source(session, item)
    known = {
        drift.path: drift.pointer
        for target in targets
        if (entry := target.ledger.get(*item)) is not None
        for drift in entry.drift_ledger.fields.values()
    }
    pointer = _pointer(known.get(command.field, command.field))
    before = annotations_of(source.decode()).get(IGNORE_FIELDS, "")
    text = ",".join(part for part in (before, pointer) if part)
    patch: Json = {"metadata": {"annotations": {IGNORE_FIELDS: text}}}

    async def write() -> CachedObject | None:
        hub = session.shared.hub
        watched = hub.kinds[item.lane]
        return await hub.writer.merge_patch(
            watched.kind,
            item.key,
            patch,
            into=watched.informer,
            uid=source.uid,
            resource_version=source.resource_version,
        )

    if pointer not in before.split(","):
        await _write_down(session, None, item, command, source.uid, [pointer], write)
    for target in targets:
        entry = target.ledger.get(*item)
        if entry is not None and pointer in entry.drift_ledger.fields:
            entry.drift_ledger.fields[pointer].outcome = "Ceded"
    return Accepted(message=SafeText(f"{pointer} of {command.key} is left to the clusters"))


async def _write_down(
    session: HubSession,
    target: Target | None,
    item: Item,
    command: AdoptDrift | RevertDrift | CedeField,
    uid: str,
    pointers: list[str],
    write: Callable[[], Awaitable[CachedObject | None]] | None,
) -> None:
    """Announce, write to the hub if necessary, and record it in the history."""
    detail = ", ".join(pointers)
    await carry_out(
        session.context,
        command,
        write,
        target=target.name if target else "",
        subject=f"{item.lane}/{item.key}",
        uid=uid,
        detail=detail,
        message=detail,
    )


def _source(session: HubSession, item: Item) -> CachedObject:
    found = session.shared.hub.cached(*item)
    if found is None or found.deleting:
        raise Rejected(f"{item.lane}/{item.key} is not in the hub, or is leaving it")
    return found


def _desired(session: HubSession, target: Target, item: Item) -> Json:
    """Return the target's desired state."""
    if item.lane not in target.kinds:
        raise Rejected(f"{item.lane} is not synced with {target.name} at the moment")
    tree = _source(session, item).decode()
    inputs = inputs_of(session.shared, target, target.kinds[item.lane].kind, item.key.namespace)
    found = None
    if inputs is not None:
        found = desired_state(session.shared, target, item.lane, item.key, tree, inputs).desired
    if found is None:
        raise Rejected(
            f"{target.name} should not have a copy of it", f"see why {item.lane}/{item.key}"
        )
    return found.tree


def _rules(session: HubSession, target: Target, item: Item, source: CachedObject) -> FieldRules:
    beside = around(session.shared, target, *item)
    rules = field_rules_of(session.shared.settings, item.lane, source.decode(), beside)
    return DEFAULT if isinstance(rules, Refusal) else rules


async def _differing(target: Target, item: Item, desired: Json) -> tuple[Difference, ...]:
    """Return where the copy differs from the desired state now, in fields that a hub could
    adopt.
    """
    watched = target.kinds[item.lane]
    try:
        async with target.concurrency.admitted():
            live = await target.client.get(watched.kind, target.copy_key(item.lane, item.key))
    except NotFound as error:
        raise Rejected(f"{target.name} has no copy of it") from error
    normal = target.ledger.entry(*item).normal  # the server's changes to our own desired state
    return tuple(
        one
        for one in subset_differences(desired, live.decode())
        if one.steps[0] not in _HUB_ONLY and fingerprint(one) not in normal
    )


def _picked(found: tuple[Difference, ...], field: str, desired: Json) -> tuple[Difference, ...]:
    """Return the differences that a path or pointer names; "" names all."""
    named = (field, field.removeprefix("/"))
    picked = tuple(
        one
        for one in found
        if not field or one.path in named or str(pointer_to(one.steps, desired)) == field
    )
    if not picked:
        paths = ", ".join(one.path for one in found) or "nothing"
        raise Rejected(f"{field or 'it'} does not differ in spec or data", f"what differs: {paths}")
    return picked


def _require_adoptable(one: Difference, desired: Json, source: Json) -> None:
    """Values that are set on the way to the target cannot be written back to the hub."""
    try:
        is_same = all(
            _named(one.steps[:depth], desired) == _named(one.steps[:depth], source)
            for depth in range(1, len(one.steps))
        )
        is_same = is_same and value_at(one.steps, source) == one.wanted
    except (LookupError, TypeError):
        is_same = False
    if not is_same:
        raise Rejected(
            f"{one.path} is set on the way to the target, not in the hub",
            "change what sets it: a division of replicas, a transform, or a spec diff",
        )


def _named(steps: Steps, tree: Json) -> object:
    """Return what distinguishes a list entry from the others."""
    value = value_at(steps, tree)
    return value.get("name") if isinstance(value, dict) and isinstance(steps[-1], int) else None


def _op(one: Difference) -> Json:
    path = spell_pointer(one.steps)
    if one.actual is None:
        return {"op": "remove", "path": path}
    return {"op": "replace", "path": path, "value": one.actual}


def _place(one: Difference) -> tuple[tuple[bool, int, str], ...]:
    return last_first(one.steps)


def _pointer(text: str) -> str:
    """Return the pointer to record. Raises ``Rejected`` if there is none."""
    if any(mark.isspace() or mark == "," for mark in text):
        raise Rejected(f"{text!r} has a space or a comma", "write the annotation by hand")
    try:
        return str(read_pointer(text))
    except Unusable as error:
        raise Rejected(str(error), error.fix) from error
