"""One status in the hub from the statuses on the targets. Pure.

With one target its status is the object's. With several, counters are summed, conditions take
the worst, and other fields are taken where all agree, else from the first target by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.kube.objects import Json

# Counters of the workload kinds: the logical object has the sum over its targets.
_SUMMED: Final = frozenset(
    {
        "active",
        "availableReplicas",
        "currentNumberScheduled",
        "currentReplicas",
        "desiredNumberScheduled",
        "failed",
        "fullyLabeledReplicas",
        "numberAvailable",
        "numberMisscheduled",
        "numberReady",
        "numberUnavailable",
        "readyReplicas",
        "replicas",
        "succeeded",
        "terminatingReplicas",
        "unavailableReplicas",
        "updatedNumberScheduled",
        "updatedReplicas",
    }
)
# Conditions that are bad when True; for all others the worst is False.
_BAD_WHEN_TRUE: Final = frozenset({"ReplicaFailure", "Failed", "Degraded", "Error", "Stalled"})


@dataclass(frozen=True, slots=True)
class Report:
    """What one target says of its copy."""

    target: str
    generation: int  # of the copy
    status: Json
    is_current: bool  # the copy carries the hub object's present wish


def merge(reports: Sequence[Report], *, generation: int, before: Mapping[str, Any]) -> Json | None:
    """Return the hub object's status, or None where no target reports any.

    ``observedGeneration`` is in the hub's own numbers: it becomes ``generation`` once every
    target has applied and observed the present wish, and stays as ``before`` has it until then.
    """
    speaking = sorted((r for r in reports if r.status), key=lambda report: report.target)
    if not speaking:
        return None
    merged = speaking[0].status if len(speaking) == 1 else _combined(speaking)
    merged = dict(merged)
    if any("observedGeneration" in report.status for report in speaking):
        merged.pop("observedGeneration", None)
        observed = generation if all(map(_observed, reports)) else before.get("observedGeneration")
        if observed is not None:
            merged["observedGeneration"] = observed
    return merged


def patch_for(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """Return the merge patch for the status, {} where nothing is to be changed."""
    changed: Json = {k: v for k, v in after.items() if before.get(k) != v}
    changed |= {name: None for name in before if name not in after}
    return changed


def _observed(report: Report) -> bool:
    seen = report.status.get("observedGeneration")
    return report.is_current and isinstance(seen, int) and seen >= report.generation


def _combined(reports: Sequence[Report]) -> Json:
    names: dict[str, None] = {}
    for report in reports:
        names |= dict.fromkeys(report.status)
    merged: Json = {}
    for name in names:
        values = [report.status[name] for report in reports if name in report.status]
        if name == "conditions":
            merged[name] = _worst_conditions(reports)
        elif name in _SUMMED and all(isinstance(value, int) for value in values):
            merged[name] = sum(values)
        else:
            merged[name] = values[0]
    return merged


def _worst_conditions(reports: Sequence[Report]) -> list[Json]:
    """One condition of each type: the worst, its message naming the target it comes from."""
    worst: dict[str, tuple[int, Json]] = {}
    for report in reports:
        for condition in report.status.get("conditions") or ():
            kind = str(condition.get("type"))
            rank = _badness(condition)
            if kind not in worst or rank > worst[kind][0]:
                told = {**condition}
                if rank:
                    told["message"] = f"{report.target}: {condition.get('message', '')}"
                worst[kind] = (rank, told)
    return [worst[kind][1] for kind in sorted(worst)]


def _badness(condition: Mapping[str, Any]) -> int:
    status, kind = condition.get("status"), condition.get("type")
    if status == "Unknown":
        return 1
    bad = "True" if kind in _BAD_WHEN_TRUE else "False"
    return 2 if status == bad else 0
