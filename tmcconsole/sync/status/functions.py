"""How the values of one status field on several targets are merged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json

# Counters of the workload kinds: the logical object has the sum over its targets.
_SUMMED: Final = frozenset(
    {
        "active",
        "availableReplicas",
        "currentHealthy",
        "currentNumberScheduled",
        "currentReplicas",
        "desiredHealthy",
        "desiredNumberScheduled",
        "desiredReplicas",
        "disruptionsAllowed",
        "expectedPods",
        "failed",
        "fullyLabeledReplicas",
        "numberAvailable",
        "numberMisscheduled",
        "numberReady",
        "numberUnavailable",
        "readyReplicas",
        "replicas",
        "succeeded",
        "terminating",
        "terminatingReplicas",
        "unavailableReplicas",
        "updatedNumberScheduled",
        "updatedReplicas",
    }
)
# Beyond counters, by kind and field within the status.
_BY_KIND: Final[Mapping[tuple[str, str], str]] = {
    ("cronjobs.batch", "active"): "union",
    ("cronjobs.batch", "lastScheduleTime"): "max",
    ("cronjobs.batch", "lastSuccessfulTime"): "min",  # the slowest tells whether all succeeded
    ("daemonsets.apps", "collisionCount"): "max",
    ("deployments.apps", "collisionCount"): "max",
    ("horizontalpodautoscalers.autoscaling", "lastScaleTime"): "max",
    ("ingresses.networking.k8s.io", "loadBalancer.ingress"): "union",
    ("jobs.batch", "completionTime"): "max",
    ("jobs.batch", "ready"): "sum",
    ("jobs.batch", "startTime"): "min",
    ("services", "loadBalancer.ingress"): "union",
    ("statefulsets.apps", "collisionCount"): "max",
}
# True of the whole only once true of every part.
_OF_ALL: Final = frozenset({("jobs.batch", "completionTime")})
_CONDITIONS_OF_ALL: Final = frozenset({"Complete", "SuccessCriteriaMet"})
# Conditions that are bad when True; for all others the worst is False.
_BAD_WHEN_TRUE: Final = frozenset(
    {"ReplicaFailure", "Failed", "FailureTarget", "Degraded", "Error", "Stalled"}
)
MAX_MESSAGE: Final = 32_768  # of a condition, in kinds that validate theirs
# For kinds of the core group, whose other conditions describe progress.
_GOOD_OF_CORE: Final = frozenset({"Ready", "ContainersReady"})
TOLD_MISSING: Final = 5
_PHASES: Final = ("Failed", "Error", "Lost", "Unknown", "Pending", "Terminating", "Progressing")


class NotCombined(ValueError):
    """The function cannot merge the values; the text says why."""


def default_functions(kind: str) -> dict[str, str]:
    """Return {field: function} of the nested fields that have their own rule."""
    return {field: how for (of, field), how in _BY_KIND.items() if of == kind and "." in field}


def default_function(kind: str, field: str, values: Sequence[Any]) -> str:
    """Return how a top-level status field is merged by default."""
    named = _BY_KIND.get((kind, field))
    if named is not None:
        return named
    if field == "conditions" and all(isinstance(value, list) for value in values):
        return "worst"
    if field in _SUMMED and all(_is_count(value) for value in values):
        return "sum"
    return "worst" if field == "phase" else "first"


def is_due(kind: str, field: str, *, everywhere: bool) -> bool:
    """False if a field means nothing until every target has it."""
    return everywhere or (kind, field) not in _OF_ALL


def combine(function: str, values: Sequence[Any], targets: Sequence[str], total: int) -> Any:
    """Return the merged value. Raises ``NotCombined``.

    ``values`` are those of ``targets``, at least one, sorted by target name; ``total`` targets
    report at all.
    """
    if function == "worst" and all(isinstance(value, list) for value in values):
        return worst_conditions(dict(zip(targets, values, strict=True)), total)
    if function == "all":
        return len(values) == total and all(value is True for value in values)
    try:
        return _FUNCTIONS[function](values)
    except TypeError as error:
        raise NotCombined(f"{function} does not fit {_shown(values)}") from error


def worst_conditions(reported: Mapping[str, Sequence[Any]], total: int) -> list[Json]:
    """One condition of each type: the worst, its message naming its target."""
    worst: dict[str, tuple[int, Json]] = {}
    seen: dict[str, int] = {}
    for target, conditions in reported.items():
        for condition in (one for one in conditions if isinstance(one, dict)):
            kind = str(condition.get("type"))
            seen[kind] = seen.get(kind, 0) + 1
            rank = _badness(condition)
            if kind not in worst or rank > worst[kind][0]:
                told = {**condition}
                if rank:
                    told["message"] = f"{target}: {condition.get('message', '')}"[:MAX_MESSAGE]
                worst[kind] = (rank, told)
    return [
        worst[kind][1]
        for kind in sorted(worst)
        if seen[kind] >= total or kind not in _CONDITIONS_OF_ALL
    ]


def unconfirmed(kind: str, conditions: Sequence[Any], missing: Sequence[str]) -> list[Any]:
    """Return conditions with the good ones Unknown, since not every target has reported them.

    A Job's are final, and come only once they are true everywhere.
    """
    if kind == "jobs.batch":
        return list(conditions)
    told = ", ".join(missing[:TOLD_MISSING]) + (" and more" if len(missing) > TOLD_MISSING else "")
    return [
        {
            **one,
            "status": "Unknown",
            "reason": "TargetMissing",
            "message": f"no word from {told}; the others: {one.get('message', '')}",
        }
        if isinstance(one, dict) and _is_good(kind, one)
        else one
        for one in conditions
    ]


def _is_good(kind: str, condition: Mapping[str, Any]) -> bool:
    if condition.get("status") != "True" or condition.get("type") in _BAD_WHEN_TRUE:
        return False
    return "." in kind or condition.get("type") in _GOOD_OF_CORE


def _badness(condition: Mapping[str, Any]) -> int:
    status, kind = condition.get("status"), condition.get("type")
    if status == "Unknown":
        return 1
    bad = "True" if kind in _BAD_WHEN_TRUE else "False"
    return 2 if status == bad else 0


def _sum(values: Sequence[Any]) -> Any:
    if not all(_is_number(value) for value in values):
        raise TypeError
    return sum(values)


def _comparable(values: Sequence[Any]) -> Sequence[Any]:
    """Numbers, or strings: RFC 3339 times in UTC sort correctly as strings."""
    if not all(_is_number(one) for one in values) and not all(isinstance(v, str) for v in values):
        raise TypeError
    return values


def canonical(value: Any) -> bytes:
    """Return a key that equal JSON values share, to look them up by."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _worst(values: Sequence[Any]) -> Any:
    """Phases by their known order; unknown ones count as equal."""
    known = [phase for phase in _PHASES if phase in values]
    return known[0] if known else values[0]


def _union(values: Sequence[Any]) -> list[Any]:
    if not all(isinstance(value, list) for value in values):
        raise TypeError
    found = {canonical(one): one for one in reversed([one for value in values for one in value])}
    return list(reversed(found.values()))


_FUNCTIONS: Final[Mapping[str, Callable[[Sequence[Any]], Any]]] = {
    "sum": _sum,
    "min": lambda values: min(_comparable(values)),
    "max": lambda values: max(_comparable(values)),
    "first": lambda values: values[0],
    "any": lambda values: any(value is True for value in values),
    "union": _union,
    "worst": _worst,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(values: Sequence[Any]) -> str:
    return ", ".join(sorted({type(value).__name__ for value in values}))
