"""One status in the hub from the statuses on the targets. Pure.

With one target its status is the object's. With several, each field is merged by the rule of its
kind (``combine``), which the config or a Placement may override.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.config.settings import StatusRule
from tmcconsole.kube.objects import Json
from tmcconsole.sync.names.markers import MANAGER
from tmcconsole.sync.status.cel import ExpressionInvalid, evaluate
from tmcconsole.sync.status.functions import (
    NotCombined,
    combine,
    default_function,
    default_functions,
    is_due,
    unconfirmed,
)

MAX_REPORT_BYTES: Final = 64 * 1024  # a larger status of a target is ignored
MISSING: Final = object()
_BLANK: Final[tuple[Any, ...]] = (None, "", 0, False, {}, [])
# What API servers put into a status themselves.
_PRISTINE: Final[Mapping[str, Mapping[str, Any]]] = {
    "persistentvolumeclaims": {"phase": "Pending"},
    "pods": {"phase": "Pending", "qosClass": "BestEffort"},
}


@dataclass(frozen=True, slots=True)
class Report:
    """What one target reports for its copy."""

    target: str
    generation: int  # of the copy
    status: Json
    is_current: bool  # the copy carries the hub object's current desired state
    refused: str = ""  # why the status was not taken


@dataclass(frozen=True, slots=True)
class Merged:
    """The hub object's status, None if no target reports any, and what went wrong."""

    status: Json | None
    failures: tuple[str, ...] = ()


def merge(
    reports: Sequence[Report],
    *,
    generation: int,
    before: Mapping[str, Any],
    kind: str = "",
    rules: Sequence[StatusRule] = (),
    missing: Sequence[str] = (),
) -> Merged:
    """Return the hub object's status.

    ``observedGeneration`` is the hub's: it becomes ``generation`` once every target has applied and
    observed the current state, and stays as in ``before`` until then. ``missing`` are targets that
    are to have it and have no copy, or one without a word: what is good is not true of them. A
    field whose rule fails keeps its value in ``before``.
    """
    failures = [f"{one.target}: {one.refused}" for one in reports if one.refused]
    speaking = sorted((r for r in reports if r.status), key=lambda report: report.target)
    if not speaking:
        return Merged(None, tuple(failures))
    missing = (*missing, *(report.target for report in reports if not report.status))
    total = len(speaking) + len(missing)
    merged = dict(speaking[0].status) if total == 1 else _combined(kind, speaking, total)
    if missing and isinstance(merged.get("conditions"), list):
        merged["conditions"] = unconfirmed(kind, merged["conditions"], missing)
    for rule in rules:
        if rule.kind in ("*", kind):
            failures += _override(merged, rule, speaking, total, before)
    if any("observedGeneration" in report.status for report in speaking):
        merged.pop("observedGeneration", None)
        is_observed = not missing and all(map(_observed, reports))
        observed = generation if is_observed else before.get("observedGeneration")
        if observed is not None:
            merged["observedGeneration"] = observed
    return Merged(merged, tuple(failures))


def is_blank(kind: str, status: Mapping[str, Any]) -> bool:
    """True if a status only contains what an API server puts there itself."""
    pristine = _PRISTINE.get(kind, {})
    return all(_is_empty(value) or pristine.get(name) == value for name, value in status.items())


def owned_fields(live: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of a live object's status that this program wrote last."""
    owned: set[str] = set()
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") == MANAGER and isinstance(entry.get("fieldsV1"), dict):
            found = entry["fieldsV1"].get("f:status") or {}
            owned |= {name[2:] for name in found if name.startswith("f:")}
    return frozenset(owned)


def clearing_patch(live: Mapping[str, Any]) -> Json | None:
    """Return the merge patch of a live object that removes all of our status fields, or None.

    If all of it is ours, the status is removed as a whole: a schema may require parts of it.
    """
    status = live.get("status")
    if not isinstance(status, dict):
        return None
    said = {name for name, value in status.items() if not _is_empty(value)}
    ours = said & owned_fields(live)
    if not ours:
        return None
    return {"status": None if ours == said else dict.fromkeys(sorted(ours))}


def _observed(report: Report) -> bool:
    seen = report.status.get("observedGeneration")
    return report.is_current and isinstance(seen, int) and seen >= report.generation


def _combined(kind: str, reports: Sequence[Report], total: int) -> Json:
    merged: Json = {}
    for name in dict.fromkeys(name for report in reports for name in report.status):
        holding = [report for report in reports if name in report.status]
        if is_due(kind, name, everywhere=len(holding) == total):
            values = [report.status[name] for report in holding]
            how = default_function(kind, name, values)
            targets = [report.target for report in holding]
            merged[name] = _combine_or_first(how, values, targets, total)
    for field, how in default_functions(kind).items():
        path = field.split(".")
        found = [(r.target, value) for r, value in _found(reports, path)]
        if found:
            targets, values = [one[0] for one in found], [one[1] for one in found]
            put_at(merged, path, _combine_or_first(how, values, targets, total))
    return merged


def _combine_or_first(how: str, values: list[Any], targets: list[str], total: int) -> Any:
    try:
        return combine(how, values, targets, total)
    except NotCombined:
        return values[0]  # a status of unknown shape: what one target reports is still true


def _override(
    merged: Json,
    rule: StatusRule,
    reports: Sequence[Report],
    total: int,
    before: Mapping[str, Any],
) -> Iterator[str]:
    """Apply one rule; yield what went wrong, the field then keeping its last value."""
    if rule.problem:
        yield rule.problem
        return
    path = rule.field.split(".")
    old = at_path(before, path)
    try:
        if rule.cel:
            value = _by_expression(rule, reports, path, old)
        else:
            value = _by(rule, reports, path, total)
    except (NotCombined, ExpressionInvalid) as error:
        value = old
        yield f"rule {rule}: {error}"
    if value is MISSING:
        _drop(merged, path)
    else:
        put_at(merged, path, value)


def _by(rule: StatusRule, reports: Sequence[Report], path: Sequence[str], total: int) -> Any:
    found = list(_found(reports, path))
    if not found:
        return MISSING
    values, targets = [one[1] for one in found], [one[0].target for one in found]
    return combine(rule.function, values, targets, total)


def _by_expression(
    rule: StatusRule, reports: Sequence[Report], path: Sequence[str], old: Any
) -> Any:
    values = [value for _, value in _found(reports, path)]
    told = [
        {"target": one.target, "status": one.status, "current": one.is_current} for one in reports
    ]
    return evaluate(rule.cel, values, told, None if old is MISSING else old)


def _found(reports: Sequence[Report], path: Sequence[str]) -> Iterator[tuple[Report, Any]]:
    for report in reports:
        value = at_path(report.status, path)
        if value is not MISSING:
            yield report, value


def at_path(tree: Any, path: Sequence[str]) -> Any:
    """Return the value at a path of field names, ``MISSING`` if there is none."""
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return MISSING
        tree = tree[part]
    return tree


def put_at(tree: Json, path: Sequence[str], value: Any) -> None:
    """Set a field; objects along the path are copied, since they may belong to a report."""
    for part in path[:-1]:
        inner = tree.get(part)
        tree[part] = dict(inner) if isinstance(inner, dict) else {}
        tree = tree[part]
    tree[path[-1]] = value


def _drop(tree: Json, path: Sequence[str]) -> None:
    if at_path(tree, path) is not MISSING:
        put_at(tree, path, None)
        parent = tree
        for part in path[:-1]:
            parent = parent[part]
        del parent[path[-1]]


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(inner) for inner in value.values())
    return value in _BLANK
