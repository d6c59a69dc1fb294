"""StatefulSets: numbered pods, one after another, each with its own claims."""

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
from tmcconsole.sim.controllers.replicaset import pod_from
from tmcconsole.sim.storage.store import Commit, StoreKey

KIND: Final = "statefulsets.apps"
REVISION: Final = "controller-revision-hash"


def stateful_sets(local: Local, owned: DependentIndex) -> ClusterController:
    """Return the StatefulSet controller."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == KIND:
            return [commit.key]
        return owner_key(commit, "StatefulSet") if commit.kind_id == "pods" else ()

    def reconcile(key: StoreKey) -> None:
        stateful_set = local.get(KIND, key)
        if stateful_set is None:
            return
        pods = {_ordinal(pod): pod for pod in owned.controlled(stateful_set, "pods")}
        if not is_terminating(stateful_set):
            _step(local, stateful_set, pods)
        fresh = {_ordinal(pod): pod for pod in owned.controlled(stateful_set, "pods")}
        local.set_status(KIND, stateful_set, _status(stateful_set, fresh))

    return ClusterController("statefulset", keys_of, reconcile)


def _step(local: Local, stateful_set: Json, pods: dict[int, Json]) -> None:
    """Take one step: create missing pods in order, delete surplus ones, then update."""
    spec = stateful_set["spec"]
    wanted, parallel = spec["replicas"], spec.get("podManagementPolicy") == "Parallel"
    for ordinal in range(wanted):
        if ordinal not in pods:
            _create(local, stateful_set, ordinal)
        elif parallel or is_true(pods[ordinal], "Ready"):
            continue
        if not parallel:
            return
    for ordinal in sorted(pods, reverse=True):
        if ordinal >= wanted:
            _delete(local, pods[ordinal])
            if not parallel:
                return
    _update(local, stateful_set, pods)


def _update(local: Local, stateful_set: Json, pods: dict[int, Json]) -> None:
    """Replace one pod of an older revision, highest number first."""
    strategy = stateful_set["spec"].get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        return
    first = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    revision = _revision(stateful_set)
    for ordinal in sorted(pods, reverse=True):
        if ordinal >= first and _label(pods[ordinal]) != revision:
            _delete(local, pods[ordinal])
            return


def _create(local: Local, stateful_set: Json, ordinal: int) -> None:
    meta, spec = stateful_set["metadata"], stateful_set["spec"]
    name = f"{meta['name']}-{ordinal}"
    pod = pod_from(stateful_set, spec["template"], name)
    labels = {
        **pod["metadata"]["labels"],
        REVISION: _revision(stateful_set),
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    pod["metadata"]["labels"] = labels
    pod["spec"] |= {"hostname": name, "subdomain": spec.get("serviceName") or ""}
    volumes = list(pod["spec"].get("volumes") or ())
    for claim in spec.get("volumeClaimTemplates") or ():
        claim_name = f"{claim['metadata']['name']}-{name}"
        _claim(local, meta["namespace"], claim_name, claim)
        source = {"claimName": claim_name}
        volumes.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": source})
    if volumes:
        pod["spec"]["volumes"] = volumes
    local.create("pods", pod)


def _claim(local: Local, namespace: str, name: str, template: Json) -> None:
    if local.get("persistentvolumeclaims", StoreKey(namespace, name)) is None:
        meta = {**template["metadata"], "name": name, "namespace": namespace}
        local.create("persistentvolumeclaims", {"metadata": meta, "spec": template["spec"]})


def _delete(local: Local, pod: Json) -> None:
    if not is_terminating(pod):
        local.delete("pods", key_of(pod), pod["metadata"]["uid"])


def _ordinal(pod: Json) -> int:
    number = str(pod["metadata"]["name"]).rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def _revision(stateful_set: Json) -> str:
    return f"{stateful_set['metadata']['name']}-{template_hash(stateful_set['spec']['template'])}"


def _label(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REVISION) or "")


def _status(stateful_set: Json, pods: dict[int, Json]) -> Json:
    revision = _revision(stateful_set)
    before = stateful_set.get("status") or {}
    living = [pod for pod in pods.values() if not is_terminating(pod)]
    ready = sum(1 for pod in living if is_true(pod, "Ready"))
    updated = sum(1 for pod in living if _label(pod) == revision)
    done = updated == len(living) == stateful_set["spec"]["replicas"]
    current = revision if done else before.get("currentRevision") or revision
    return {
        "observedGeneration": stateful_set["metadata"]["generation"],
        "replicas": len(living),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": sum(1 for pod in living if _label(pod) == current),
        "updatedReplicas": updated,
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    }
