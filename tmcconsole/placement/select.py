"""Which targets a Placement chooses, and why. Pure and deterministic: equal input, equal choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from tmcconsole.kube.label_selector import SelectorError, matches
from tmcconsole.placement.api import ONE_TO_ANY, Location, Placement, SyncTarget

INVALID_SELECTOR: Final = "InvalidSelector"


@dataclass(frozen=True, slots=True)
class Choice:
    """One target of a decision, with the reason it was chosen."""

    target: SyncTarget
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A Placement's decision. Without choices, ``reason`` and ``message`` say why."""

    location: str  # the selected Location's name; with several, the first one's
    choices: tuple[Choice, ...]
    reason: str  # of the condition: "" | LocationNoMatch | NoValidTarget | INVALID_SELECTOR
    message: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The chosen targets' keys, sorted."""
        return tuple(sorted(choice.target.key for choice in self.choices))


def decide(
    placement: Placement,
    locations: Sequence[Location],
    targets: Sequence[SyncTarget],
    wall: float,
) -> Decision:
    """Return the targets for ``placement``.

    A target that is evicting is never chosen. One that is cordoned or not ready is not newly
    chosen, but keeps what it has: lack of contact is no reason to move workloads (kcp #2671).
    """
    try:
        matches(placement.namespace_selector, {})
        matching = _matching_locations(placement, locations)
        if not matching:
            return Decision("", (), "LocationNoMatch", "no Location matches locationSelectors")
        members = [(place, _members(place, targets)) for place in matching]
    except SelectorError as error:
        return _unreadable(placement, targets, wall, str(error))
    if placement.strategy == ONE_TO_ANY:
        return _one(placement, members, wall)
    return _many(placement, members, wall)


def _matching_locations(placement: Placement, locations: Sequence[Location]) -> list[Location]:
    selectors = placement.location_selectors
    found = [
        place
        for place in locations
        if any(matches(selector, place.labels) for selector in selectors)
    ]
    return sorted(found, key=lambda place: place.name)


def _members(place: Location, targets: Sequence[SyncTarget]) -> list[SyncTarget]:
    found = [target for target in targets if matches(place.selector, target.labels)]
    return sorted(found, key=lambda target: target.name)


Members = Sequence[tuple[Location, Sequence[SyncTarget]]]


def _unreadable(
    placement: Placement, targets: Sequence[SyncTarget], wall: float, error: str
) -> Decision:
    """A mistyped selector is not an order to leave: the last choice stays until it can be read."""
    kept = sorted(
        (t for t in targets if t.key in placement.current_keys and not t.is_evicting(wall)),
        key=lambda target: target.name,
    )
    choices = tuple(Choice(target, "kept: a selector cannot be read") for target in kept)
    return Decision(placement.selected_location, choices, INVALID_SELECTOR, error)


def _one(placement: Placement, members: Members, wall: float) -> Decision:
    """kcp's strategy: one location, one target, kept as long as it is valid."""
    for place, targets in members:
        for target in targets:
            if target.key in placement.current_keys and not target.is_evicting(wall):
                return Decision(place.name, (Choice(target, "kept: still valid"),), "", "")
    for place, targets in _ranked_places(placement, members):
        open_targets = [target for target in targets if _is_open(target, wall)]
        if open_targets:
            best = max(open_targets, key=lambda target: _rank(placement, target))
            reason = f"highest rank of {len(open_targets)} in location {place.name}"
            return Decision(place.name, (Choice(best, reason),), "", "")
    return _nowhere(members, wall)


def _many(placement: Placement, members: Members, wall: float) -> Decision:
    """Every target of every matching location."""
    choices: dict[str, Choice] = {}
    for place, targets in members:
        for target in targets:
            reason = _why_in(placement, place, target, wall)
            if reason and target.key not in choices:
                choices[target.key] = Choice(target, reason)
    if not choices:
        return _nowhere(members, wall)
    ordered = sorted(choices.values(), key=lambda choice: choice.target.name)
    return Decision(members[0][0].name, tuple(ordered), "", "")


def _why_in(placement: Placement, place: Location, target: SyncTarget, wall: float) -> str:
    if target.is_evicting(wall):
        return ""
    if _is_open(target, wall):
        return f"in location {place.name}"
    return "kept: still valid" if target.key in placement.current_keys else ""


def _is_open(target: SyncTarget, wall: float) -> bool:
    return target.ready and not target.unschedulable and not target.is_evicting(wall)


def _nowhere(members: Members, wall: float) -> Decision:
    reasons = {target.name: _why_out(target, wall) for _, targets in members for target in targets}
    told = ", ".join(f"{name} {reasons[name]}" for name in sorted(reasons))
    message = f"no target is available: {told or 'there is none'}"
    return Decision(members[0][0].name, (), "NoValidTarget", message)


def _why_out(target: SyncTarget, wall: float) -> str:
    if target.is_evicting(wall):
        return "is being drained"
    return "is cordoned" if target.unschedulable else "is not ready"


def _ranked_places(placement: Placement, members: Members) -> Members:
    return sorted(members, key=lambda member: _hash(placement.uid, member[0].name), reverse=True)


def _rank(placement: Placement, target: SyncTarget) -> int:
    """Rendezvous hashing: adding or losing a target moves nothing else."""
    return _hash(placement.uid, target.key)


def _hash(*parts: str) -> int:
    return int.from_bytes(blake2b("/".join(parts).encode(), digest_size=8).digest(), "big")
