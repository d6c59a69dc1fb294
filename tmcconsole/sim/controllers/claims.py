"""Claims: each gets a volume, and none is removed while a pod uses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.quota import is_done
from tmcconsole.sim.admission.strategy import CLAIM_PROTECTION, VOLUME_PROTECTION
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import is_terminating
from tmcconsole.sim.storage.store import Commit, StoreKey

CLAIMS: Final = "persistentvolumeclaims"
VOLUMES: Final = "persistentvolumes"


def claims(local: Local) -> ClusterController:
    """Return the controller that binds every claim to a new volume."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        return [commit.key] if commit.kind_id == CLAIMS else ()

    def reconcile(key: StoreKey) -> None:
        claim = local.get(CLAIMS, key)
        if claim and not is_terminating(claim) and not claim["spec"].get("volumeName"):
            _bind(local, key, claim)

    return ClusterController("claim", keys_of, reconcile)


def claim_protection(local: Local) -> ClusterController:
    """Return the controller that releases a deleted claim once no pod uses it."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == "pods" and commit.verb != "create":
            used = claims_of(commit.new or commit.old or {})
            return [StoreKey(commit.key.namespace, name) for name in used]
        return [commit.key] if commit.kind_id == CLAIMS else ()

    def reconcile(key: StoreKey) -> None:
        claim = local.get(CLAIMS, key)
        if claim and is_terminating(claim) and not _is_used(local, key):
            _release(local, CLAIMS, key, claim, CLAIM_PROTECTION)

    return ClusterController("claim-protection", keys_of, reconcile)


def volumes(local: Local) -> ClusterController:
    """Return the controller that deletes a volume once its claim is gone."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == CLAIMS and commit.verb == "delete":
            name = ((commit.old or {}).get("spec") or {}).get("volumeName")
            return [StoreKey("", name)] if name else ()
        return [commit.key] if commit.kind_id == VOLUMES else ()

    def reconcile(key: StoreKey) -> None:
        volume = local.get(VOLUMES, key)
        if volume is None or _has_claim(local, volume):
            return
        if is_terminating(volume):
            _release(local, VOLUMES, key, volume, VOLUME_PROTECTION)
        elif volume["spec"].get("claimRef"):
            local.delete(VOLUMES, key, volume["metadata"]["uid"])

    return ClusterController("volume", keys_of, reconcile)


def _has_claim(local: Local, volume: Json) -> bool:
    reference = volume["spec"].get("claimRef") or {}
    claim = local.get(CLAIMS, StoreKey(reference.get("namespace", ""), reference.get("name", "")))
    return claim is not None and claim["metadata"]["uid"] == reference.get("uid")


def claims_of(pod: Json) -> list[str]:
    """Return the names of the claims that a pod uses."""
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    named = [(volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in volumes]
    return [name for name in named if name]


def _is_used(local: Local, claim: StoreKey) -> bool:
    return any(
        claim.name in claims_of(pod) and not is_done(pod)
        for pod in local.items("pods", claim.namespace)
    )


def _release(local: Local, kind_id: str, key: StoreKey, tree: Json, finalizer: str) -> None:
    finalizers = tree["metadata"].get("finalizers") or []
    if finalizer in finalizers:
        left = [name for name in finalizers if name != finalizer]
        local.patch(kind_id, key, {"metadata": {"finalizers": left or None}})


def _bind(local: Local, key: StoreKey, claim: Json) -> None:
    name = f"pvc-{claim['metadata']['uid']}"
    size = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
    if local.get(VOLUMES, StoreKey("", name)) is None:
        local.create(VOLUMES, _volume(name, claim, size))
        local.patch(VOLUMES, StoreKey("", name), {"status": {"phase": "Bound"}}, "status")
    bound = local.patch(CLAIMS, key, {"spec": {"volumeName": name}})
    status = {
        "phase": "Bound",
        "accessModes": claim["spec"].get("accessModes") or [],
        "capacity": {"storage": size},
    }
    local.set_status(CLAIMS, bound, status)


def _volume(name: str, claim: Json, size: str) -> Json:
    meta = claim["metadata"]
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "accessModes": claim["spec"].get("accessModes") or ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "claimRef": reference,
            "hostPath": {"path": f"/simulated/{name}"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim["spec"].get("storageClassName") or "",
            "volumeMode": "Filesystem",
        },
    }
