"""What admission adds to a new pod: service account, priority, tolerations, QoS class."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.schema.quantities import amount
from tmcconsole.sim.storage.server import Server

_CLASSES: Final = "priorityclasses.scheduling.k8s.io"
_EVICTED_FROM: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_PATIENCE_S: Final = 300  # how long a pod tolerates a node that is not ready
_SYSTEM: Final = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_GUARANTEED: Final = ("cpu", "memory")


def admit_pod(server: Server, pod: Json) -> None:
    """Complete a new pod, in place."""
    spec = pod["spec"]
    account = spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", account)
    value, policy = _priority(server, spec.get("priorityClassName") or "")
    spec.setdefault("priority", value)
    spec.setdefault("preemptionPolicy", policy)
    _tolerate(spec)
    pod["status"] = {"phase": "Pending", "qosClass": _service_class(spec)}
    if spec.get("schedulingGates"):
        pod["status"]["conditions"] = [_gated(server)]


def _gated(server: Server) -> Json:
    return {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": server.stamp(),
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }


def _priority(server: Server, name: str) -> tuple[int, str]:
    policy = "PreemptLowerPriority"
    if name in _SYSTEM:
        return _SYSTEM[name], policy
    for stored in server.store.items(_CLASSES):
        tree = stored.tree()
        if stored.key.name == name or (not name and tree.get("globalDefault")):
            return tree.get("value") or 0, tree.get("preemptionPolicy") or policy
    return 0, policy


def _tolerate(spec: Json) -> None:
    present = spec.get("tolerations") or []
    known = {entry.get("key") for entry in present if entry.get("effect") in (None, "NoExecute")}
    if None in known:
        return
    spec["tolerations"] = [
        *present,
        *(
            {
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": _PATIENCE_S,
            }
            for key in _EVICTED_FROM
            if key not in known
        ),
    ]


def _service_class(spec: Json) -> str:
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [container.get("resources") or {} for container in containers]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    return "Guaranteed" if all(map(_is_guaranteed, resources)) else "Burstable"


def _is_guaranteed(resources: Json) -> bool:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return all(
        name in limits and amount(requests.get(name, limits[name])) == amount(limits[name])
        for name in _GUARANTEED
    )
