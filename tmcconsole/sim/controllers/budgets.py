"""Controllers that count: healthy pods for disruption budgets, usage for quotas."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.quota import QUOTAS, in_scope, sum_of, usage_of
from tmcconsole.sim.controllers.conditions import is_true, with_condition
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import controller_of, is_terminating
from tmcconsole.sim.handlers.eviction import BUDGETS, covers
from tmcconsole.sim.storage.store import Commit, StoreKey

_SCALED: Final = {  # kinds that state how many pods there should be
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
    "ReplicationController": "replicationcontrollers",
}


def budgets(local: Local) -> ClusterController:
    """Return the controller that keeps the status of every PodDisruptionBudget."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == BUDGETS:
            return [commit.key]
        if commit.kind_id != "pods":
            return ()
        pod = commit.new or commit.old or {"metadata": {}}
        nearby = local.server.store.items(BUDGETS, commit.key.namespace)
        return [stored.key for stored in nearby if covers(stored.tree(), pod)]

    def reconcile(key: StoreKey) -> None:
        budget = local.get(BUDGETS, key)
        if budget is not None:
            pods = [p for p in local.items("pods", key.namespace) if covers(budget, p)]
            local.set_status(BUDGETS, budget, _budget_status(local, budget, pods))

    return ClusterController("budget", keys_of, reconcile)


def quotas(local: Local) -> ClusterController:
    """Return the controller that counts the usage of ResourceQuotas."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == QUOTAS:
            return [commit.key]
        is_counted = commit.verb != "update" or commit.kind_id == "pods"
        if not is_counted or not commit.key.namespace:
            return ()
        return [stored.key for stored in local.server.store.items(QUOTAS, commit.key.namespace)]

    def reconcile(key: StoreKey) -> None:
        quota = local.get(QUOTAS, key)
        if quota is None:
            return
        hard = (quota.get("spec") or {}).get("hard") or {}
        used = _used(local, quota, key.namespace)
        counted = {name: used.get(name, "0") for name in hard}
        local.set_status(QUOTAS, quota, {"hard": hard, "used": counted})

    return ClusterController("quota", keys_of, reconcile)


def _used(local: Local, quota: Json, namespace: str) -> dict[str, str]:
    store = local.server.store
    return sum_of(
        usage_of(kind_id, tree)
        for kind_id in store.kind_ids()
        for tree in store.trees(kind_id, namespace)
        if in_scope(quota, kind_id, tree)
    )


def _budget_status(local: Local, budget: Json, pods: list[Json]) -> Json:
    healthy = sum(is_true(pod, "Ready") and not is_terminating(pod) for pod in pods)
    expected = _expected(local, pods)
    desired = _desired(budget.get("spec") or {}, expected)
    allowed = max(0, healthy - desired) if expected else 0
    old = budget.get("status") or {}
    reason = "SufficientPods" if allowed else "InsufficientPods"
    conditions = with_condition(
        old.get("conditions"),
        "DisruptionAllowed",
        "True" if allowed else "False",
        reason,
        "",
        local.server.stamp(),
    )
    for condition in conditions:
        condition.pop("lastUpdateTime", None)
    return {
        "conditions": conditions,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": budget["metadata"].get("generation", 1),
    }


def _expected(local: Local, pods: list[Json]) -> int:
    """Return how many pods there should be, according to their controllers."""
    wanted: dict[str, int] = {}
    for pod in pods:
        reference = controller_of(pod)
        if reference is None:
            wanted[pod["metadata"]["uid"]] = 1
            continue
        kind_id = _SCALED.get(reference["kind"], "")
        key = StoreKey(pod["metadata"]["namespace"], reference["name"])
        owner = local.get(kind_id, key) if kind_id else None
        wanted[reference["uid"]] = (owner or {"spec": {}})["spec"].get("replicas", 1)
    return sum(wanted.values())


def _desired(spec: Json, expected: int) -> int:
    if spec.get("minAvailable") is not None:
        return _share(spec["minAvailable"], expected)
    return max(0, expected - _share(spec.get("maxUnavailable", 0), expected))


def _share(value: Any, whole: int) -> int:
    """Return a number, or a percentage of the whole, rounded up as Kubernetes does."""
    text = str(value)
    return math.ceil(int(text[:-1]) * whole / 100) if text.endswith("%") else int(value)
