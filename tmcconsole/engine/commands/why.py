"""Why an object is in its state: the chain from its placement to the last attempt, in words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Final

import yaml

from tmcconsole.contract.durations import lasting
from tmcconsole.contract.records import Cell, SyncState
from tmcconsole.contract.text import SafeBody
from tmcconsole.contract.words import because, words
from tmcconsole.engine.board.kind_records import kind_line
from tmcconsole.engine.board.object_records import FAILED, judged_copies, worst_of
from tmcconsole.engine.commands.first_causes import first_causes
from tmcconsole.engine.commands.live_object import live_lines
from tmcconsole.engine.commands.named_object import Named
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor, silent
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.kube.redact import redact
from tmcconsole.sync.assignment.closure import REFERENCED, is_workload
from tmcconsole.sync.assignment.plan import is_assigned
from tmcconsole.sync.conflicts.field_rules import DEFAULT
from tmcconsole.sync.down.dependencies import dependencies
from tmcconsole.sync.names.markers import DIGEST, UPSYNC_RV, finalizer_keys, state_keys
from tmcconsole.sync.names.times import rfc3339
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.desired_state import desired_state
from tmcconsole.sync.state.ledger import LANE, LedgerEntry
from tmcconsole.sync.state.target import Target

DRIFTS_TOLD: Final = 8  # the latest
_OUTCOMES: Final = {
    "Asked": "waits for a person to decide (d in the console, or tmc-console drift)",
    "Fight": "fought over, so that nobody writes it",
}


async def explain(
    session: HubSession, supervisors: Mapping[str, Supervisor], named: Named
) -> SafeBody:
    """Return the explanation of one logical object, line by line.

    What the mirrors do not have is asked of the hub itself: an object that is not synced is there
    all the same.
    """
    item = named.item
    cached = session.shared.hub.cached(*item)
    lines = [f"{item.lane} {item.key}", "", *_silence_lines(session)]
    if item.lane.startswith(LANE):
        lines += _owned_lines(session, item)
    elif cached is None:
        lines += await live_lines(session, item)
    else:
        tree = cached.decode()
        lines += _hub_lines(session, item, tree)
    if item in session.shared.unmerged:
        lines.append(f"status     {because('AggregationFailure', session.shared.unmerged[item])}")
    wall = session.context.runtime.wall()
    looks = {
        str(one.cell.target): one for one in judged_copies(session, item, silent(supervisors), wall)
    }
    if looks:
        cause = worst_of(list(looks.values())).cell
        lines.append(f"health     {cause.health.value}, by {cause.target}: {cause.told}")
    names = [named.target] if named.target else sorted(supervisors)
    causes = await first_causes(
        session,
        [supervisors[one] for one in names if one in looks],
        item,
        {name: look.cell.health for name, look in looks.items()},
    )
    cells = [looks[name].cell for name in names if name in looks]
    lines[2:2] = _headline(cells, causes)
    for name in names:
        lines += ["", *_target_lines(session, supervisors[name], item)]
        if name in looks:
            lines += [_health_line(looks[name].cell, wall), *causes.get(name, ())]
    return SafeBody("\n".join(lines))


def _headline(cells: Sequence[Cell], causes: Mapping[str, list[str]]) -> list[str]:
    """Return the root cause and what helps, for the text's first screen."""
    for cell in cells:
        if cell.state in FAILED and cell.message and not cell.heard_at:
            return [f"cause      {cell.target}: {because(cell.reason, cell.message)}", ""]
    for cell in cells:
        asked = [line.strip() for line in causes.get(str(cell.target), ())]
        if asked and asked[0].startswith("cause "):
            cause = asked[0].removeprefix("cause").strip()
            helps = [line for line in asked[1:2] if line.startswith("what helps")]
            return [f"cause      {cell.target}: {cause}", *helps, ""]
    return []


def _silence_lines(session: HubSession) -> list[str]:
    probe = session.probe
    if probe.is_up:
        return []
    return [f"hub        no answer for {lasting(probe.down_s)} ({probe.message}): as last seen"]


def _owned_lines(session: HubSession, item: Item) -> list[str]:
    cached = session.upsyncing.cached(*item)
    if cached is None:
        return ["owner      a target; the hub does not have it"]
    tree = cached.decode()
    names = {target.key: target.name for target in session.shared.targets.values()}
    owners = [names.get(key, key) for key in sorted(finalizer_keys(tree))]
    version = annotations_of(tree).get(UPSYNC_RV)
    return [
        f"owner      {', '.join(owners)}: what is there is shown in the hub, never the reverse",
        f"hub        {f'whole, of version {version}' if version else 'not whole yet'}",
    ]


def show_difference(session: HubSession, target: Target, item: Item) -> SafeBody:
    """Return the unified diff between desired and actual state, redacted."""
    source, copy = session.shared.hub.cached(*item), target.copy_of(*item)
    desired: Json = {}
    told: list[str] = []
    if source is not None:
        found = desired_state(session.shared, target, item.lane, item.key, source.decode())
        if found.desired is None:
            assert found.refusal is not None
            return SafeBody(because(found.refusal.reason, found.refusal.message))
        desired = found.desired.tree
        told = [f"# transform {one}" for one in found.desired.applied if one.changed]
    actual = copy.decode() if copy else {}
    actual.pop("status", None)
    lines = difflib.unified_diff(
        _yaml(desired), _yaml(actual), "wanted", f"on {target.name}", lineterm=""
    )
    shown = list(lines) or ["no difference"]
    return SafeBody("\n".join([*told, *shown]))


def _hub_lines(session: HubSession, item: Item, tree: Json) -> list[str]:
    namespace = item.key.namespace
    lines = [f"placement  {session.scheduler.decisions.reason_for(namespace)}"]
    if tree["metadata"].get("deletionTimestamp"):
        lines.append(f"hub        being deleted since {tree['metadata']['deletionTimestamp']}")
    names = {target.key: target.name for target in session.shared.targets.values()}
    states = [f"{names.get(key, key)}={state}" for key, state in state_keys(tree).items()]
    known = names | {one.key: one.name for one in session.scheduler.targets()}
    held = [
        known.get(key, f"an unknown target {key} (tmc-console forget {key})")
        for key in sorted(finalizer_keys(tree))
    ]
    lines.append(f"assigned   {', '.join(states) or 'to no target'}")
    lines.append(f"finalizers {', '.join(held) or 'none of ours'}")
    return [*lines, *_taken_lines(session, item), *_policy_lines(session, item, tree)]


def _taken_lines(session: HubSession, item: Item) -> list[str]:
    """Return what a Placement that takes only referenced objects decides about the object."""
    shared, namespace = session.shared, item.key.namespace
    targets = shared.targets.values()
    names = sorted(
        one.name for one in targets if shared.placements.takes(namespace, one.key) == REFERENCED
    )
    if not names or is_workload(item.lane):
        return []
    taken = shared.referred.is_taken(item)
    if taken is None:
        said = "not every kind of the hub has been listed yet"
    elif taken:
        because = shared.referred.with_whom(item)
        said = f"goes with {because.kind} {because.name}" if because else "is taken"
    else:
        said = "not referred to by any workload"
    return [f"taken      on {', '.join(names)}: {said}"]


def _policy_lines(session: HubSession, item: Item, tree: Json) -> list[str]:
    """Return what the profile says of the hub object; a target's own reasons are in its lines."""
    policy = session.shared.policy
    refusal = policy.judge_source(tree)
    said = f": {because(refusal.reason, refusal.message)}" if refusal is not None else ""
    left_out = policy.trim(session.shared.hub.kinds[item.lane].kind, tree).left_out
    lines = [f"policy     {policy.profile}{said}"]
    return [*lines, f"left out   {', '.join(left_out)}"] if left_out else lines


def _unselected_lines(session: HubSession, target: Target, item: Item) -> list[str]:
    source = session.shared.hub.cached(*item)
    found = session.shared.unselected(source.decode(), target.key) if source else None
    return [f"  not selected: {because(found.reason, found.message)}"] if found else []


def _target_lines(session: HubSession, supervisor: Supervisor, item: Item) -> list[str]:
    state = because(supervisor.standing.state.value, words(supervisor.standing.reason))
    lines = [f"{supervisor.name}: {state}", *_contact_lines(session, supervisor)]
    target = supervisor.target
    if target is None:
        return lines
    lines += _unselected_lines(session, target, item)
    about_kind = kind_line(supervisor, item.lane)
    if about_kind:
        lines.append(f"  {about_kind}")
    entry = target.ledger.get(*item)
    if entry is None:
        source = session.shared.hub.cached(*item)
        is_placed = source is not None and is_assigned(source.decode(), target.key)
        return [*lines, "  assigned, not reconciled yet" if is_placed else "  not placed here"]
    lines += _desired_lines(session, target, item)
    standing = entry.standing
    lines += _stale_lines(session, target, item.lane)
    known = "last known: " if item.lane in target.stale else ""
    lines.append(f"  {known}{because(standing.state.value, words(standing.reason))}")
    if standing.message:
        lines.append(f"  {standing.message}")
    lines += _drift_lines(entry)
    attempts = target.queue.attempts(item)
    if attempts:
        lines.append(f"  {attempts} attempt{'s' * (attempts > 1)} failed in a row")
    if standing.state is not SyncState.IN_SYNC:
        waiting = [row for row in target.queue.items(item.lane) if row[0] == item.key]
        now = session.context.runtime.now()
        for _, place, _, at in waiting:
            due = f", next attempt in {lasting(at - now)}" if place == "delayed" else ""
            lines.append(f"  in the queue: {place}{due}")
    return lines


def _stale_lines(session: HubSession, target: Target, kind: str) -> list[str]:
    """Return since when a kind is not watched, and why."""
    stale = target.stale.get(kind)
    if stale is None:
        return []
    age = session.context.runtime.wall() - stale.since
    told = because(SyncState.STALE.value, words(stale.reason))
    return [f"  {told}: not watched in {stale.where} for {lasting(age)}", f"  {stale.message}"]


def _contact_lines(session: HubSession, supervisor: Supervisor) -> list[str]:
    """Why a target is not served now, since when, and when it is tried again."""
    standing, wall = supervisor.standing, session.context.runtime.wall()
    if standing.is_connected and supervisor.target is not None:
        return []
    said = [f"  {standing.message or 'not connected yet'}"]
    if supervisor.probe is not None and supervisor.probe.contact_at:
        said.append(f"  last answer {lasting(wall - supervisor.probe.contact_at)} ago")
    if standing.next_try_at:
        left = standing.next_try_at - wall
        said.append(f"  next try in {lasting(left)}" if left > 0 else "  next try now")
    return said


def _health_line(cell: Cell, wall: float) -> str:
    silence = f", not heard for {lasting(wall - cell.heard_at)}" if cell.heard_at else ""
    return f"  health     {cell.health.value}: {cell.told}{silence}"


def _drift_lines(entry: LedgerEntry) -> list[str]:
    """Return who wins over fields, and what others changed recently."""
    rules = entry.rules
    lines = []
    if rules != DEFAULT or entry.drift_ledger.fields:
        left = ", ".join(str(one) for one in rules.left)
        said = f", left to others: {left}" if left else ""
        lines.append(f"  rules      {rules.conflict} ({rules.said_by}), {rules.write}{said}")
    recent = list(entry.drift_ledger.fields.values())[-DRIFTS_TOLD:]
    return lines + [
        f"  drift      {one.path}: {one.wanted} there {one.actual} by {one.manager}, "
        f"{_OUTCOMES.get(one.outcome, words(one.outcome))}; "
        f"{one.count} {'time' if one.count == 1 else 'times'} since {rfc3339(one.first_seen)}"
        for one in recent
    ]


def _desired_lines(session: HubSession, target: Target, item: Item) -> list[str]:
    source = session.shared.hub.cached(*item)
    if source is None or item.lane not in target.kinds:
        return []
    desired = desired_state(session.shared, target, item.lane, item.key, source.decode()).desired
    if desired is None:
        return []
    needs = dependencies(session.shared, target, item.lane, item.key, desired.tree)
    lines = [f"  transform {one}" for one in desired.applied]
    return lines + [f"  needs {one}" for one in needs]


def _yaml(tree: Json) -> list[str]:
    """Return YAML lines, without what only one of the sides can have."""
    shown = redact(tree)
    meta = shown.get("metadata") or {}
    for name in ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"):
        meta.pop(name, None)
    (meta.get("annotations") or {}).pop(DIGEST, None)
    return yaml.safe_dump(shown, sort_keys=True, allow_unicode=True).splitlines()
