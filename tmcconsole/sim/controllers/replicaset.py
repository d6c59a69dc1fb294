"""ReplicaSets: as many pods as wanted, each from the template."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmcconsole.sim.controllers.conditions import is_true
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import Controller
from tmcconsole.sim.controllers.ownership import (
    Ownership,
    is_terminating,
    key_of,
    owner_key,
    reference_to,
)
from tmcconsole.sim.store import Commit, Key

Json = dict[str, Any]
KIND = "replicasets.apps"


def replica_sets(local: Local, owned: Ownership) -> Controller:
    """Return the ReplicaSet controller."""

    def keys_of(commit: Commit) -> Iterable[Key]:
        if commit.kind_id == KIND:
            return [commit.key]
        return owner_key(commit, "ReplicaSet") if commit.kind_id == "pods" else ()

    def reconcile(key: Key) -> None:
        replica_set = local.get(KIND, key)
        if replica_set is None:
            return
        pods = [pod for pod in owned.controlled(replica_set, "pods") if is_active(pod)]
        if not is_terminating(replica_set):
            pods = _scale(local, replica_set, pods)
        local.set_status(KIND, local.get(KIND, key) or replica_set, _status(replica_set, pods))

    return Controller("replicaset", keys_of, reconcile)


def is_active(pod: Json) -> bool:
    """Return whether a pod counts: not ended, not on its way out."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed") and not is_terminating(pod)


def pod_from(owner: Json, template: Json, name: str) -> Json:
    """Return a pod as a workload's template wants it, controlled by ``owner``."""
    meta = template.get("metadata") or {}
    metadata = {
        "name": name,
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
        "labels": meta.get("labels") or {},
        "ownerReferences": [reference_to(owner)],
    }
    if meta.get("annotations"):
        metadata["annotations"] = meta["annotations"]
    spec = dict(template.get("spec") or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _scale(local: Local, replica_set: Json, pods: list[Json]) -> list[Json]:
    wanted = replica_set["spec"].get("replicas", 1)
    for pod in sorted(pods, key=_first_to_go)[: max(0, len(pods) - wanted)]:
        local.delete("pods", key_of(pod), pod["metadata"]["uid"])
    kept = sorted(pods, key=_first_to_go)[max(0, len(pods) - wanted) :]
    for _ in range(wanted - len(pods)):
        name = f"{replica_set['metadata']['name'][:57]}-{local.server.name_suffix()}"
        kept.append(
            local.create("pods", pod_from(replica_set, replica_set["spec"]["template"], name))
        )
    return kept


def _first_to_go(pod: Json) -> tuple[bool, bool, str]:
    """Unscheduled before scheduled, unready before ready, then by name."""
    has_node = bool(pod["spec"].get("nodeName"))
    return (has_node, is_true(pod, "Ready"), pod["metadata"]["name"])


def _status(replica_set: Json, pods: list[Json]) -> Json:
    ready = sum(1 for pod in pods if is_true(pod, "Ready"))
    status: Json = {
        "replicas": len(pods),
        "observedGeneration": replica_set["metadata"].get("generation", 1),
    }
    if pods:
        status["fullyLabeledReplicas"] = len(pods)
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    return status
