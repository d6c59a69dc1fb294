"""ReplicaSets: as many pods as wanted, each from the template."""

from __future__ import annotations

from collections.abc import Iterable

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import is_true
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import RETRY_S, ClusterController
from tmcconsole.sim.controllers.ownership import (
    DependentIndex,
    is_terminating,
    key_of,
    owner_key,
    reference_to,
)
from tmcconsole.sim.controllers.recorder import Recorder
from tmcconsole.sim.storage.status_errors import StatusError
from tmcconsole.sim.storage.store import Commit, StoreKey

KIND = "replicasets.apps"


def replica_sets(local: Local, owned: DependentIndex, recorder: Recorder) -> ClusterController:
    """Return the ReplicaSet controller."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == KIND:
            return [commit.key]
        return owner_key(commit, "ReplicaSet") if commit.kind_id == "pods" else ()

    def reconcile(key: StoreKey) -> float | None:
        replica_set = local.get(KIND, key)
        if replica_set is None:
            return None
        pods = [pod for pod in owned.controlled(replica_set, "pods") if is_active(pod)]
        refused: StatusError | None = None
        if not is_terminating(replica_set):
            pods, refused = _scale(local, replica_set, pods)
        status = _status(replica_set, pods)
        if refused is not None:
            if _has_failed(replica_set):  # keep the first message, as the real one does
                status["conditions"] = replica_set["status"]["conditions"]
            else:
                status["conditions"] = [_failed(local, replica_set, refused)]
                recorder.tell(
                    replica_set, "FailedCreate", f"Error creating: {refused.message}", warning=True
                )
        local.set_status(KIND, local.get(KIND, key) or replica_set, status)
        return RETRY_S if refused is not None else None

    return ClusterController("replicaset", keys_of, reconcile)


def is_active(pod: Json) -> bool:
    """Return whether a pod counts: neither ended nor being deleted."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed") and not is_terminating(pod)


def pod_from(owner: Json, template: Json, name: str) -> Json:
    """Return a pod made from a workload's template, controlled by ``owner``."""
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


def _scale(
    local: Local, replica_set: Json, pods: list[Json]
) -> tuple[list[Json], StatusError | None]:
    """Return the pods after scaling, and why no more could be created, if refused."""
    wanted = replica_set["spec"].get("replicas", 1)
    for pod in sorted(pods, key=_first_to_go)[: max(0, len(pods) - wanted)]:
        local.delete("pods", key_of(pod), pod["metadata"]["uid"])
    kept = sorted(pods, key=_first_to_go)[max(0, len(pods) - wanted) :]
    for _ in range(wanted - len(pods)):
        name = f"{replica_set['metadata']['name'][:57]}-{local.server.name_suffix()}"
        pod = pod_from(replica_set, replica_set["spec"]["template"], name)
        try:
            kept.append(local.create("pods", pod))
        except StatusError as failure:
            if failure.code != 403:
                raise
            return kept, failure
    return kept, None


def _has_failed(replica_set: Json) -> bool:
    return is_true(replica_set, "ReplicaFailure")


def _failed(local: Local, replica_set: Json, refused: StatusError) -> Json:
    """Return the condition, kept from the first try: each message names a different pod."""
    for condition in (replica_set.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure":
            return dict(condition)
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": local.server.stamp(),
        "reason": "FailedCreate",
        "message": refused.message,
    }


def _first_to_go(pod: Json) -> tuple[bool, bool, str]:
    """Sort unscheduled before scheduled, unready before ready, then by name."""
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
