"""The health of one object, from its own status: a status and a short summary.

Kubernetes' own kinds have rules; other kinds are judged by their conditions, then their phase, and
are Unknown without either. A status older than the spec (``observedGeneration``) is never Healthy.
Nothing is raised, whatever the object contains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tmcconsole.contract.records import Health
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.tmc.health.status_fields import BUILTIN, Fields, mapping, mappings, text
from tmcconsole.tmc.health.workload_health import (
    cron_job,
    daemon_set,
    deployment,
    job,
    pod,
    replica_set,
    stateful_set,
)

_Found = tuple[Health, str]


def object_health(kind: str, tree: Json) -> tuple[Health, SafeText]:
    """Return the health of an object of that kind and a summary such as ``3/3 ready``."""
    fields = Fields(tree)
    if fields.is_deleting:
        return Health.DEGRADED, SafeText("terminating")
    rule = _RULES.get(kind, _by_conditions) if fields.is_builtin else _by_conditions
    health, summary = rule(fields)
    if health is Health.HEALTHY and fields.is_outdated:
        return Health.DEGRADED, SafeText(f"{summary}, change not observed yet")
    return health, SafeText(summary)


def ill_times(tree: Json) -> list[str]:
    """Return the object's own time for when its conditions began to report their present trouble.

    Whatever stands there is returned; an object whose conditions tell of none has no such time.
    """
    fields = Fields(tree)
    bad = [kind for kind, _ in _BAD if fields.has(kind)]
    bad += [kind for kind in (*_GOOD, "Progressing") if fields.has(kind, "False")]
    return [text(fields.condition(kind).get("lastTransitionTime")) for kind in bad]


def is_only_present(kind: str, group: str) -> bool:
    """Return whether objects of a kind are healthy if they exist, so that none has to be
    decoded.
    """
    return (not group or group in BUILTIN) and _RULES.get(kind) is _present


def _present(_fields: Fields) -> _Found:
    return Health.HEALTHY, "present"


def _service(fields: Fields) -> _Found:
    kind = text(fields.spec.get("type"), "ClusterIP")
    if kind != "LoadBalancer":
        return Health.HEALTHY, kind
    return _with_address(fields, kind)


def _ingress(fields: Fields) -> _Found:
    return _with_address(fields, "Ingress")


def _with_address(fields: Fields, kind: str) -> _Found:
    for entry in mappings(mapping(fields.status.get("loadBalancer")).get("ingress")):
        address = text(entry.get("ip")) or text(entry.get("hostname"))
        if address:
            return Health.HEALTHY, address
    return Health.DEGRADED, f"{kind} has no address yet"


def _claim(fields: Fields) -> _Found:
    phase = text(fields.status.get("phase"))
    match phase:
        case "Bound":
            size = text(mapping(fields.status.get("capacity")).get("storage"))
            return Health.HEALTHY, f"Bound {size}".rstrip()
        case "Pending":
            return Health.DEGRADED, phase
        case "Lost":
            return Health.UNHEALTHY, "its volume is lost"
        case _:
            return Health.UNKNOWN, phase or "no status yet"


def _autoscaler(fields: Fields) -> _Found:
    current, desired = fields.count("currentReplicas"), fields.count("desiredReplicas")
    summary = f"{current}/{desired} replicas"
    for kind, health in (("AbleToScale", Health.UNHEALTHY), ("ScalingActive", Health.DEGRADED)):
        condition = fields.condition(kind)
        if condition.get("status") == "False":
            return health, f"{summary}, {text(condition.get('reason'), f'not {kind}')}"
    if not fields.status:
        return Health.UNKNOWN, "no status yet"
    limited = ", at its limit" if fields.has("ScalingLimited") else ""
    return Health.HEALTHY, summary + limited


def _disruption_budget(fields: Fields) -> _Found:
    if not fields.status:
        return Health.UNKNOWN, "no status yet"
    current, desired = fields.count("currentHealthy"), fields.count("desiredHealthy")
    summary = (
        f"{current}/{desired} healthy, {fields.count('disruptionsAllowed')} disruptions allowed"
    )
    return (Health.HEALTHY if current >= desired else Health.DEGRADED), summary


def _namespace(fields: Fields) -> _Found:
    phase = text(fields.status.get("phase"))
    if phase == "Active":
        return Health.HEALTHY, phase
    return (Health.DEGRADED if phase else Health.UNKNOWN), phase or "no status yet"


def _node(fields: Fields) -> _Found:
    ready = fields.condition("Ready").get("status")
    if ready is None:
        return Health.UNKNOWN, "no status yet"
    if ready != "True":  # Unknown: its kubelet has stopped reporting
        return Health.UNHEALTHY, "not ready" if ready == "False" else "silent"
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
    pressed = [kind for kind in pressures if fields.has(kind)]
    if pressed:
        return Health.DEGRADED, ", ".join(pressed)
    cordoned = fields.spec.get("unschedulable") is True
    return Health.HEALTHY, "ready, cordoned" if cordoned else "ready"


# Condition types and what True means; Degraded takes precedence over Ready, Failed over both.
_BAD: Final = (
    ("Failed", Health.UNHEALTHY),
    ("Error", Health.UNHEALTHY),
    ("Stalled", Health.UNHEALTHY),
    ("Degraded", Health.DEGRADED),
)
_GOOD: Final = ("Ready", "Available", "Healthy", "Synced", "Established", "Succeeded")
_PHASES: Final[dict[str, Health]] = {
    **dict.fromkeys(("Running", "Active", "Bound", "Available", "Ready"), Health.HEALTHY),
    **dict.fromkeys(("Succeeded", "Complete", "Completed", "Healthy"), Health.HEALTHY),
    **dict.fromkeys(("Failed", "Error", "Lost"), Health.UNHEALTHY),
    **dict.fromkeys(("Pending", "Provisioning", "Creating", "Updating"), Health.DEGRADED),
    **dict.fromkeys(("Progressing", "Terminating", "Degraded"), Health.DEGRADED),
}


def _by_conditions(fields: Fields) -> _Found:
    for kind, health in _BAD:
        if fields.has(kind):
            return health, _say(fields, kind)
    good = [kind for kind in _GOOD if fields.condition(kind)]
    for kind in good:
        if fields.has(kind, "False"):
            return Health.UNHEALTHY, _say(fields, kind, prefix="not ")
    for kind in good:
        if not fields.has(kind):
            return Health.UNKNOWN, f"{kind} unknown"
    if good:
        return Health.HEALTHY, good[0]
    phase = text(fields.status.get("phase"))
    return _PHASES.get(phase, Health.UNKNOWN), phase or "reports no health"


def _say(fields: Fields, kind: str, prefix: str = "") -> str:
    reason = text(fields.condition(kind).get("reason"))
    return f"{prefix}{kind}: {reason}" if reason else f"{prefix}{kind}"


_RULES: Final[dict[str, Callable[[Fields], _Found]]] = {
    "CronJob": cron_job,
    "DaemonSet": daemon_set,
    "Deployment": deployment,
    "Job": job,
    "Pod": pod,
    "ReplicaSet": replica_set,
    "StatefulSet": stateful_set,
    "HorizontalPodAutoscaler": _autoscaler,
    "Ingress": _ingress,
    "Namespace": _namespace,
    "Node": _node,
    "PersistentVolumeClaim": _claim,
    "PodDisruptionBudget": _disruption_budget,
    "Service": _service,
    **dict.fromkeys(
        (
            "ClusterRole",
            "ClusterRoleBinding",
            "ConfigMap",
            "EndpointSlice",
            "Endpoints",
            "Event",
            "IngressClass",
            "Lease",
            "LimitRange",
            "NetworkPolicy",
            "PriorityClass",
            "ResourceQuota",
            "Role",
            "RoleBinding",
            "Secret",
            "ServiceAccount",
            "StorageClass",
        ),
        _present,
    ),
}
