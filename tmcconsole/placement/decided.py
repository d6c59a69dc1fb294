"""A Placement with its decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tmcconsole.kube.label_selector import SelectorError, matches
from tmcconsole.placement.api import Placement, SyncTarget
from tmcconsole.placement.select import Decision
from tmcconsole.sync.assignment.closure import WHOLE


@dataclass(frozen=True, slots=True)
class Decided:
    """A Placement and its current decision."""

    placement: Placement
    decision: Decision

    def selects(self, labels: Mapping[str, str]) -> bool:
        """True for a namespace with these labels; an invalid selector selects nothing."""
        try:
            return matches(self.placement.namespace_selector, labels)
        except SelectorError:
            return False


def essence(one: Decided) -> tuple[object, ...]:
    """Return the parts that others depend on: if equal, nothing has to be reconciled again."""
    placement = one.placement
    return (
        placement.strategy,
        one.decision.keys,
        placement.namespace_selector,
        placement.transforms,
        placement.status_rules,
        placement.dependencies,
    )


def told(name: str, one: Decided) -> str:
    """Return a decision as a sentence."""
    return f"Placement {name} ({_kind_of(one.placement)}): {_choices(one.decision)}"


def moved(one: Decided, targets: Mapping[str, SyncTarget], wall: float) -> tuple[str, str]:
    """Return an event and a sentence that says from where, to where, and why.

    ``targets`` are all SyncTargets by key; one that is gone is told by its key.
    """
    old, new = set(one.placement.current_keys), set(one.decision.keys)
    left, come = _names(old - new, targets), _names(new - old, targets)
    chosen = [choice for choice in one.decision.choices if choice.target.key not in old]
    reasons = [_why_left(key, targets, wall) for key in sorted(old - new)]
    reasons += [f"{choice.target.name} {choice.reason}" for choice in chosen]
    why = "; ".join(reasons)
    if left and come:
        return "PlacementMoved", f"from {left} to {come}: {why}"
    if left:
        return "PlacementReduced", f"from {left}, to no other: {why}"
    return "PlacementExtended" if old else "Placed", f"to {come}: {why}"


def _names(keys: set[str], targets: Mapping[str, SyncTarget]) -> str:
    return ", ".join(sorted(targets[key].name if key in targets else key for key in keys))


def _why_left(key: str, targets: Mapping[str, SyncTarget], wall: float) -> str:
    found = targets.get(key)
    if found is None:
        return f"{key} is no SyncTarget any more"
    if found.is_evicting(wall):
        return f"{found.name} is being drained"
    return f"{found.name} does not match any more"


def _kind_of(placement: Placement) -> str:
    is_whole = placement.dependencies == WHOLE
    return placement.strategy if is_whole else f"{placement.strategy}, {placement.dependencies}"


def _choices(decision: Decision) -> str:
    if not decision.choices:
        return f"{decision.reason}: {decision.message}"
    return ", ".join(f"{choice.target.name} ({choice.reason})" for choice in decision.choices)
