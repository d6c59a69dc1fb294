"""A Job's merged status that an API server accepts. Pure.

Several Jobs that each obey the rules can merge into one that does not: two started at different
times, one failed while another runs, or one moved and counts from zero. The rules are those of
k8s.io/kubernetes 1.36, ``pkg/apis/batch/validation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tmcconsole.kube.objects import Json

TERMINAL: Final = ("Complete", "Failed")
_COUNTERS: Final = ("failed", "succeeded")
# What must be True before an outcome, and the reason to give if a cluster does not say it.
_BEFORE: Final = {
    "Complete": ("SuccessCriteriaMet", "CompletionsReached"),
    "Failed": ("FailureTarget", "Failed"),
}
_AGAINST: Final = {
    "SuccessCriteriaMet": ("FailureTarget", "Failed"),
    "FailureTarget": ("SuccessCriteriaMet", "Complete"),
}
_ENDED: Final = "the Job has ended: an API server takes no other outcome"
LOWER: Final = "the targets count fewer now: an API server takes no lower count"
_STARTED: Final = "the first one stands: an API server takes no other"

Conditions = dict[str, Json]


def job_status(
    merged: Mapping[str, Any], before: Mapping[str, Any], spec: Mapping[str, Any], reports: int
) -> tuple[Json, dict[str, str]]:
    """Return a status that may follow ``before``, and, by field, why it is not as merged.

    ``spec`` is the hub's; ``reports`` is how many targets were merged.
    """
    old = _by_type(before)
    if any(_is_true(old, outcome) for outcome in TERMINAL):
        differs = any(_is_true(_by_type(merged), one) != _is_true(old, one) for one in TERMINAL)
        return dict(before), {"conditions": _ENDED} if differs else {}
    status, kept = dict(merged), dict[str, str]()
    status.pop("uncountedTerminatedPods", None)  # a cluster's controller's own bookkeeping
    _drop_indexes(status, spec, reports)
    for name in _COUNTERS:
        if _count(before, name) > _count(status, name):
            status[name], kept[name] = before[name], LOWER
    start = before.get("startTime")
    if start and not spec.get("suspend") and status.get("startTime") != start:
        status["startTime"], kept["startTime"] = start, _STARTED
    conditions = _end(status, _agreeing(_by_type(status), old))
    if conditions or "conditions" in status:
        status["conditions"] = [conditions[name] for name in sorted(conditions)]
    if "ready" in status:
        status["ready"] = min(_count(status, "ready"), _count(status, "active"))
    return status, kept


def _drop_indexes(status: Json, spec: Mapping[str, Any], reports: int) -> None:
    """Say which indexes are done only if there is a single Job."""
    is_one = reports <= 1
    if not is_one or spec.get("completionMode") != "Indexed":
        status.pop("completedIndexes", None)
    if not is_one or spec.get("backoffLimitPerIndex") is None:
        status.pop("failedIndexes", None)


def _agreeing(conditions: Conditions, old: Conditions) -> Conditions:
    """Return conditions that contradict neither each other nor what was True before."""
    for name, against in _AGAINST.items():
        if _is_true(old, name):
            conditions[name] = conditions[name] if _is_true(conditions, name) else old[name]
            return {one: found for one, found in conditions.items() if one not in against}
    if _is_true(conditions, "FailureTarget") or _is_true(conditions, "Failed"):
        against = _AGAINST["FailureTarget"]
        return {one: found for one, found in conditions.items() if one not in against}
    return conditions


def _end(status: Json, conditions: Conditions) -> Conditions:
    """Return the conditions, with an outcome only if all that it requires is true."""
    outcome = next((one for one in TERMINAL if _is_true(conditions, one)), "")
    if outcome:
        first, reason = _BEFORE[outcome]
        if not _is_true(conditions, first):
            conditions[first] = {**conditions[outcome], "type": first, "reason": reason}
        if not _may_end(status, conditions[outcome], is_complete=outcome == "Complete"):
            del conditions[outcome]
            outcome = ""
    if outcome != "Complete":
        status.pop("completionTime", None)
    return conditions


def _may_end(status: Json, condition: Json, *, is_complete: bool) -> bool:
    """Fill in the times that an outcome requires; False while pods are active."""
    if _count(status, "active") or _count(status, "terminating"):
        return False
    at = status.get("completionTime") or condition.get("lastTransitionTime")
    start = status.get("startTime") or at
    if not start or not at:
        return False
    status["startTime"] = start
    if is_complete:
        status["completionTime"] = max(at, start)  # two clusters' clocks differ
    return True


def _by_type(status: Mapping[str, Any]) -> Conditions:
    conditions = status.get("conditions")
    found = conditions if isinstance(conditions, list) else []
    return {str(one.get("type")): dict(one) for one in found if isinstance(one, dict)}


def _is_true(conditions: Conditions, name: str) -> bool:
    return conditions.get(name, {}).get("status") == "True"


def _count(status: Mapping[str, Any], name: str) -> int:
    value = status.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
