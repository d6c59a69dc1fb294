"""Replicas that a target keeps beyond its share until the other targets have them ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tmcconsole.sync.desired.build import DesiredInputs
from tmcconsole.sync.desired.replica_division import DIVIDED_KINDS, kept_replicas, share
from tmcconsole.sync.names.markers import is_ours, origin_of
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.target import Target


def with_kept(
    shared: SyncContext, target: Target, item: Item, inputs: DesiredInputs
) -> DesiredInputs:
    """Return the inputs of one object's desired state: what it keeps is part of them."""
    among, source = inputs.among, shared.hub.cached(*item)
    if among is None or source is None or item.lane not in DIVIDED_KINDS:
        return inputs
    tree = source.decode()
    wanted = share(_asked(tree), among, target.key)
    current, ready = _replicas_on(shared, target, item, tree)
    if current <= wanted:
        return inputs
    elsewhere = 0
    for key in among:
        other = shared.targets.get(key)
        if other is not None and other is not target and other.contact.is_connected:
            most = share(_asked(tree), among, key)
            elsewhere += min(most, _replicas_on(shared, other, item, tree)[1])
    kept = kept_replicas(wanted, current, ready, _asked(tree), elsewhere)
    return replace(inputs, kept=kept) if kept > wanted else inputs


def wake_keepers(shared: SyncContext, item: Item) -> None:
    """A copy says something new: look again where more is kept than the share."""
    for target in shared.targets.values():
        entry = target.ledger.get(*item)
        if entry is not None and entry.settled is not None and entry.settled.inputs.kept:
            target.queue.add(*item)


def _replicas_on(
    shared: SyncContext, target: Target, item: Item, tree: Mapping[str, Any]
) -> tuple[int, int]:
    """Return how many replicas a copy asks for, and how many are ready; 0 without one of ours."""
    copy = target.copy_of(*item)
    if copy is None or copy.deleting:
        return 0, 0
    found = copy.decode()
    if not is_ours(found, target.key, origin_of(shared.hub.cluster, tree)):
        return 0, 0
    status = found.get("status")
    return _asked(found), _count(status, "readyReplicas")


def _asked(tree: Mapping[str, Any]) -> int:
    spec = tree.get("spec")
    is_default = not isinstance(spec, Mapping) or spec.get("replicas") is None
    return 1 if is_default else _count(spec, "replicas")


def _count(part: object, name: str) -> int:
    value = part.get(name) if isinstance(part, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
