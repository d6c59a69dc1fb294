"""How decisions are recorded on Placements, Locations and namespaces. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tmcconsole.kube.label_selector import SelectorError, matches
from tmcconsole.kube.objects import Json, annotations_of, condition_of
from tmcconsole.kube.trees.differences import diff
from tmcconsole.placement.api import Location, SyncTarget
from tmcconsole.placement.select import INVALID_SELECTOR, Decision
from tmcconsole.sync.names.markers import PLACED, SYNCTARGETS, deletion_keys, state_keys
from tmcconsole.sync.names.times import rfc3339

NAMESPACE_SCHEDULED: Final = "NamespaceScheduled"


def placement_annotation(tree: Json, decision: Decision) -> Json | None:
    """Return the patch that records the chosen keys, None if they are recorded."""
    keys = ",".join(decision.keys)
    if annotations_of(tree).get(SYNCTARGETS, "") == keys:
        return None
    meta = tree["metadata"]
    return {"metadata": {"uid": meta["uid"], "annotations": {SYNCTARGETS: keys or None}}}


def placement_status(tree: Json, decision: Decision, *, bound: bool, wall: float) -> Json | None:
    """Return the status patch, None if the status is up to date.

    Phases are kcp's: Pending without a location, Bound once a namespace is selected.
    """
    before: Json = tree.get("status") or {}
    phase = "Pending" if not decision.location else ("Bound" if bound else "Unbound")
    after: dict[str, Any] = {
        "phase": phase,
        "selectedLocation": {"locationName": decision.location} if decision.location else None,
        "decisions": [
            {"target": choice.target.name, "reason": choice.reason} for choice in decision.choices
        ],
        "conditions": _conditions(before, decision, wall),
    }
    changed = diff({name: before.get(name) for name in after}, after)
    fence = {"resourceVersion": tree["metadata"]["resourceVersion"]}
    return {"metadata": fence, "status": changed} if changed else None


def location_status(
    tree: Json, location: Location, targets: Sequence[SyncTarget], wall: float
) -> Json | None:
    """Return the patch of a Location's counts, None if they are right.

    ``availableInstances`` are ready and neither cordoned nor evicting, as in kcp.
    """
    try:
        members = [target for target in targets if matches(location.selector, target.labels)]
    except SelectorError:
        members = []
    available = [t for t in members if t.ready and not t.unschedulable and not t.is_evicting(wall)]
    after = {"instances": len(members), "availableInstances": len(available)}
    if (tree.get("status") or {}) == after:
        return None
    fence = {"resourceVersion": tree["metadata"]["resourceVersion"]}
    return {"metadata": fence, "status": after}


def namespace_status(tree: Json, wall: float) -> Json | None:
    """Return the patch of kcp's condition NamespaceScheduled, None if it is up to date.

    A namespace that no Placement ever selected has no such condition.
    """
    is_placed = PLACED in annotations_of(tree)
    old = condition_of(tree, NAMESPACE_SCHEDULED)
    if tree["metadata"].get("deletionTimestamp") or not (is_placed or old):
        return None
    active = set(state_keys(tree)) - set(deletion_keys(tree))
    message = "No available sync targets" if is_placed else "No available placements"
    condition = _condition(NAMESPACE_SCHEDULED, bool(active), "Unschedulable", message)
    before: Json = tree.get("status") or {}
    new = _since(before, condition, wall)
    if new == old:
        return None
    others = [one for one in before.get("conditions") or () if one is not None and one != old]
    fence = {"resourceVersion": tree["metadata"]["resourceVersion"]}
    return {"metadata": fence, "status": {"conditions": [*others, new]}}


def _conditions(before: Json, decision: Decision, wall: float) -> list[Json]:
    found = decision.reason not in ("LocationNoMatch", INVALID_SELECTOR)
    ready = _condition("Ready", found, "" if found else decision.reason, decision.message)
    scheduled = _condition("Scheduled", bool(decision.choices), decision.reason, decision.message)
    return [_since(before, condition, wall) for condition in (ready, scheduled)]


def _condition(kind: str, holds: bool, reason: str, message: str) -> Json:
    if holds:
        return {"type": kind, "status": "True"}
    return {"type": kind, "status": "False", "reason": reason, "message": message}


def _since(before: Json, condition: Json, wall: float) -> Json:
    """Return the transition time, preserved while the status stays the same."""
    for old in before.get("conditions") or ():
        if old.get("type") == condition["type"] and old.get("status") == condition["status"]:
            return {**condition, "lastTransitionTime": old.get("lastTransitionTime")}
    return {**condition, "lastTransitionTime": rfc3339(wall)}
