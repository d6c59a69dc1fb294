"""A Placement with its decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tmcconsole.kube.label_selector import SelectorError, matches
from tmcconsole.placement.api import Placement
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


def _kind_of(placement: Placement) -> str:
    is_whole = placement.dependencies == WHOLE
    return placement.strategy if is_whole else f"{placement.strategy}, {placement.dependencies}"


def _choices(decision: Decision) -> str:
    if not decision.choices:
        return f"{decision.reason}: {decision.message}"
    return ", ".join(f"{choice.target.name} ({choice.reason})" for choice in decision.choices)
