"""Gathers what the rules for one object depend on: its Placement, and an autoscaler for it."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.conflicts.field_rules import RuleInputs
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.target import Target

AUTOSCALERS: Final = "horizontalpodautoscalers.autoscaling"


def around(shared: SyncContext, target: Target, kind: str, key: ObjectKey) -> RuleInputs:
    """Return the rule inputs for a hub object. Reads caches only."""
    policy, placement = shared.placements.conflict_policy(key.namespace)
    return RuleInputs(policy, placement, _is_scaled(shared, target.kinds[kind].kind, key))


def _is_scaled(shared: SyncContext, kind: Kind, key: ObjectKey) -> bool:
    """True if an autoscaler in the hub sets the replicas of the object's copies."""
    watched = shared.hub.kinds.get(AUTOSCALERS)
    if watched is None or "scale" not in kind.subresources:
        return False
    scalers = watched.informer.in_namespace(key.namespace)
    return any(_scales(scaler.decode(), kind, key.name) for scaler in scalers)


def _scales(tree: Json, kind: Kind, name: str) -> bool:
    spec = tree.get("spec")
    reference = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
    if not isinstance(reference, dict):
        return False
    group = str(reference.get("apiVersion") or "").rpartition("/")[0]
    return (reference.get("kind"), reference.get("name"), group) == (kind.kind, name, kind.group)
