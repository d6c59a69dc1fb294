"""Deployments: one ReplicaSet per template, rolled over step by step."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import with_condition
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import (
    DependentIndex,
    is_terminating,
    key_of,
    owner_key,
    reference_to,
)
from tmcconsole.sim.controllers.recorder import Recorder
from tmcconsole.sim.storage.store import Commit, StoreKey

KIND: Final = "deployments.apps"
SETS: Final = "replicasets.apps"
FAILURE: Final = "ReplicaFailure"
REVISION: Final = "deployment.kubernetes.io/revision"
_SAFE: Final = "bcdfghjklmnpqrstvwxz2456789"


def deployments(local: Local, owned: DependentIndex, recorder: Recorder) -> ClusterController:
    """Return the Deployment controller."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == KIND:
            return [commit.key]
        return owner_key(commit, "Deployment") if commit.kind_id == SETS else ()

    def reconcile(key: StoreKey) -> None:
        deployment = local.get(KIND, key)
        if deployment is None:
            return
        sets = owned.controlled(deployment, SETS)
        if not is_terminating(deployment):
            deployment, sets = _roll(local, owned, recorder, deployment, sets)
        stamp = local.server.stamp()
        local.set_status(KIND, deployment, _status(deployment, sets, stamp))

    return ClusterController("deployment", keys_of, reconcile)


def template_hash(template: Json) -> str:
    """Return the name suffix that identifies a pod template."""
    body = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
    number = int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big")
    letters = []
    for _ in range(10):
        number, rest = divmod(number, len(_SAFE))
        letters.append(_SAFE[rest])
    return "".join(letters)


def _roll(
    local: Local, owned: DependentIndex, recorder: Recorder, deployment: Json, sets: list[Json]
) -> tuple[Json, list[Json]]:
    """Take one step towards the current template; return the Deployment and its ReplicaSets."""
    suffix = template_hash(deployment["spec"]["template"])
    name = f"{deployment['metadata']['name']}-{suffix}"
    current = next((s for s in sets if s["metadata"]["name"] == name), None)
    older = [s for s in sets if s["metadata"]["name"] != name]
    if current is None:
        current = local.create(SETS, _new_set(deployment, older, name, suffix))
    _mark_revision(local, deployment, current, older)
    if not deployment["spec"].get("paused"):
        for target, replicas in _steps(deployment, current, older):
            if target["spec"]["replicas"] != replicas:
                recorder.tell(deployment, "ScalingReplicaSet", _scaling(target, replicas))
                local.patch(SETS, key_of(target), {"spec": {"replicas": replicas}})
        _prune_history(local, deployment, older)
    fresh = local.get(KIND, key_of(deployment)) or deployment
    return fresh, owned.controlled(deployment, SETS)


def _scaling(replica_set: Json, replicas: int) -> str:
    before, name = replica_set["spec"]["replicas"], replica_set["metadata"]["name"]
    direction = "up" if replicas > before else "down"
    return f"Scaled {direction} replica set {name} from {before} to {replicas}"


def _new_set(deployment: Json, older: list[Json], name: str, suffix: str) -> Json:
    spec, meta = deployment["spec"], deployment["metadata"]
    template = orjson.loads(orjson.dumps(spec["template"]))
    labels = {**(template["metadata"].get("labels") or {}), "pod-template-hash": suffix}
    template["metadata"]["labels"] = labels
    selector = orjson.loads(orjson.dumps(spec["selector"]))
    selector.setdefault("matchLabels", {})["pod-template-hash"] = suffix
    revision = 1 + max((_revision(replica_set) for replica_set in older), default=0)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [reference_to(deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }


def _revision(tree: Json) -> int:
    text = (tree["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def _mark_revision(local: Local, deployment: Json, current: Json, older: list[Json]) -> None:
    """Give the current ReplicaSet the highest revision, and record it on the Deployment."""
    newest = max((_revision(replica_set) for replica_set in older), default=0)
    revision = _revision(current)
    if revision <= newest:
        revision = newest + 1
        patch = {"metadata": {"annotations": {REVISION: str(revision)}}}
        local.patch(SETS, key_of(current), patch)
    if _revision(deployment) != revision:
        patch = {"metadata": {"annotations": {REVISION: str(revision)}}}
        local.patch(KIND, key_of(deployment), patch, "status")  # keeps the generation


def _steps(deployment: Json, current: Json, older: list[Json]) -> list[tuple[Json, int]]:
    """Return the replica count of each ReplicaSet after one step."""
    spec = deployment["spec"]
    wanted: int = spec["replicas"]
    running = [s for s in older if s["spec"]["replicas"] or _count(s, "replicas")]
    if spec["strategy"]["type"] == "Recreate":
        gone = not any(_count(s, "replicas") for s in running)
        return [*((s, 0) for s in running), (current, wanted if gone else 0)]
    if not running:
        return [(current, wanted)]
    return _rolling_steps(spec, wanted, current, running)


def _rolling_steps(
    spec: Json, wanted: int, current: Json, running: list[Json]
) -> list[tuple[Json, int]]:
    rolling = spec["strategy"].get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if not surge and not unavailable:
        unavailable = 1
    total = sum(s["spec"]["replicas"] for s in [current, *running])
    room = max(0, wanted + surge - total)
    grown = min(wanted, current["spec"]["replicas"] + room)
    if current["spec"]["replicas"] > wanted:
        grown = wanted
    available = sum(_count(s, "availableReplicas") for s in [current, *running])
    spare = max(0, available - (wanted - unavailable))
    steps = [(current, grown)]
    for replica_set in sorted(running, key=_revision):
        replicas = replica_set["spec"]["replicas"]
        # Pods that never became available can go at once.
        idle = max(0, replicas - _count(replica_set, "availableReplicas"))
        cut = min(replicas, idle + spare)
        spare -= max(0, cut - idle)
        steps.append((replica_set, replicas - cut))
    return steps


def _share(value: Any, of: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        part = int(value[:-1]) * of / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)


def _prune_history(local: Local, deployment: Json, older: list[Json]) -> None:
    limit = deployment["spec"].get("revisionHistoryLimit", 10)
    idle = [s for s in older if not s["spec"]["replicas"] and not _count(s, "replicas")]
    for replica_set in sorted(idle, key=_revision)[: max(0, len(idle) - limit)]:
        local.delete(SETS, key_of(replica_set), replica_set["metadata"]["uid"])


def _count(tree: Json, field: str) -> int:
    return int((tree.get("status") or {}).get(field) or 0)


def _status(deployment: Json, sets: list[Json], stamp: str) -> Json:
    spec, wanted = deployment["spec"], deployment["spec"]["replicas"]
    suffix = template_hash(spec["template"])
    name = f"{deployment['metadata']['name']}-{suffix}"
    total = sum(_count(s, "replicas") for s in sets)
    updated = sum(_count(s, "replicas") for s in sets if s["metadata"]["name"] == name)
    available = sum(_count(s, "availableReplicas") for s in sets)
    counts = {
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": sum(_count(s, "readyReplicas") for s in sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    status: Json = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {field: count for field, count in counts.items() if count}
    conditions = (deployment.get("status") or {}).get("conditions")
    others = [one for one in conditions or () if one.get("type") != FAILURE]
    status["conditions"] = _conditions(deployment, others, counts, name, stamp)
    status["conditions"] += _failures(next((s for s in sets if s["metadata"]["name"] == name), {}))
    return status


def _failures(newest: Json) -> list[Json]:
    """Return why the newest ReplicaSet cannot create pods, as a Deployment condition."""
    found = (newest.get("status") or {}).get("conditions") or ()
    return [
        {**one, "lastUpdateTime": one["lastTransitionTime"]}
        for one in found
        if one["type"] == FAILURE
    ]


def _conditions(
    deployment: Json, present: list[Json] | None, counts: dict[str, int], name: str, stamp: str
) -> list[Json]:
    wanted = deployment["spec"]["replicas"]
    rolling = deployment["spec"]["strategy"].get("rollingUpdate") or {}
    spare = _share(rolling.get("maxUnavailable", 0), wanted, up=False)
    if counts["availableReplicas"] >= wanted - spare:
        text = "Deployment has minimum availability."
        present = with_condition(
            present, "Available", "True", "MinimumReplicasAvailable", text, stamp
        )
    else:
        text = "Deployment does not have minimum availability."
        reason = "MinimumReplicasUnavailable"
        present = with_condition(present, "Available", "False", reason, text, stamp)
    complete = (
        counts["updatedReplicas"] == wanted == counts["replicas"] == counts["availableReplicas"]
    )
    if complete:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        return with_condition(present, "Progressing", "True", "NewReplicaSetAvailable", text, stamp)
    text = f'ReplicaSet "{name}" is progressing.'
    return with_condition(present, "Progressing", "True", "ReplicaSetUpdated", text, stamp)
