"""DaemonSets: one pod on every node its selector matches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import is_true
from tmcconsole.sim.controllers.deployment import template_hash
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import (
    DependentIndex,
    is_terminating,
    key_of,
    owner_key,
)
from tmcconsole.sim.controllers.replicaset import is_active, pod_from
from tmcconsole.sim.storage.store import Commit, StoreKey

KIND: Final = "daemonsets.apps"
REVISION: Final = "controller-revision-hash"


def daemon_sets(local: Local, owned: DependentIndex) -> ClusterController:
    """Return the DaemonSet controller."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == KIND:
            return [commit.key]
        if commit.kind_id == "nodes":
            return [stored.key for stored in local.server.store.items(KIND)]
        return owner_key(commit, "DaemonSet") if commit.kind_id == "pods" else ()

    def reconcile(key: StoreKey) -> None:
        daemon_set = local.get(KIND, key)
        if daemon_set is None:
            return
        nodes = _nodes(local, daemon_set)
        if not is_terminating(daemon_set):
            _spread(local, daemon_set, nodes, owned.controlled(daemon_set, "pods"))
        pods = [pod for pod in owned.controlled(daemon_set, "pods") if is_active(pod)]
        local.set_status(KIND, daemon_set, _status(daemon_set, nodes, pods))

    return ClusterController("daemonset", keys_of, reconcile)


def _nodes(local: Local, daemon_set: Json) -> list[str]:
    wanted = daemon_set["spec"]["template"]["spec"].get("nodeSelector") or {}
    return [
        node["metadata"]["name"]
        for node in local.items("nodes")
        if all((node["metadata"].get("labels") or {}).get(k) == v for k, v in wanted.items())
    ]


def _spread(local: Local, daemon_set: Json, nodes: list[str], pods: list[Json]) -> None:
    taken: set[str] = set()
    revision = template_hash(daemon_set["spec"]["template"])
    settled = all(is_true(pod, "Ready") and not is_terminating(pod) for pod in pods)
    for pod in pods:
        node = pod["spec"].get("nodeName") or ""
        is_old = (pod["metadata"].get("labels") or {}).get(REVISION) != revision
        if node not in nodes or node in taken:
            _delete(local, pod)
        elif is_old and settled:
            _delete(local, pod)  # one at a time: the rest wait for its successor
            settled = False
        taken.add(node)
    for node in nodes:
        if node not in taken:
            _create(local, daemon_set, node, revision)


def _create(local: Local, daemon_set: Json, node: str, revision: str) -> None:
    name = f"{daemon_set['metadata']['name'][:57]}-{local.server.name_suffix()}"
    pod = pod_from(daemon_set, daemon_set["spec"]["template"], name)
    pod["metadata"]["labels"] = {**pod["metadata"]["labels"], REVISION: revision}
    pod["spec"]["nodeName"] = node
    local.create("pods", pod)


def _delete(local: Local, pod: Json) -> None:
    if not is_terminating(pod):
        local.delete("pods", key_of(pod), pod["metadata"]["uid"])


def _status(daemon_set: Json, nodes: list[str], pods: list[Json]) -> Json:
    revision = template_hash(daemon_set["spec"]["template"])
    ready = sum(1 for pod in pods if is_true(pod, "Ready"))
    labels = [pod["metadata"].get("labels") or {} for pod in pods]
    counts = {
        "updatedNumberScheduled": sum(1 for found in labels if found.get(REVISION) == revision),
        "numberAvailable": ready,
        "numberUnavailable": len(nodes) - ready,
    }
    return {
        "observedGeneration": daemon_set["metadata"]["generation"],
        "desiredNumberScheduled": len(nodes),
        "currentNumberScheduled": len(pods),
        "numberMisscheduled": 0,
        "numberReady": ready,
        **{name: count for name, count in counts.items() if count},
    }
