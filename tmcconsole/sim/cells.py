"""How the cells of the built-in kinds' tables are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tmcconsole.sim.jsonpath import at_path
from tmcconsole.sim.selectors import text_of

Json = dict[str, Any]


def _of(*path: str, default: Any = 0) -> Callable[[Json], Any]:
    def look(tree: Json) -> Any:
        found: Any = tree
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return default if found is None else found

    return look


def _pod_spec(tree: Json) -> Json:
    spec: Json = tree.get("spec") or {}
    spec = (spec.get("jobTemplate") or {}).get("spec") or spec  # of a CronJob
    template: Json = spec.get("template") or {}
    return template.get("spec") or spec


def _containers(tree: Json) -> str:
    return ",".join(c.get("name", "") for c in _pod_spec(tree).get("containers") or ())


def _images(tree: Json) -> str:
    return ",".join(c.get("image", "") for c in _pod_spec(tree).get("containers") or ())


def _selector(tree: Json) -> str:
    selector = (tree.get("spec") or {}).get("selector")
    if isinstance(selector, dict) and ("matchLabels" in selector or "matchExpressions" in selector):
        return text_of(selector)
    return ",".join(f"{k}={v}" for k, v in sorted((selector or {}).items())) or "<none>"


def _ready_of(wanted: str) -> Callable[[Json], str]:
    def show(tree: Json) -> str:
        ready = _of("status", "readyReplicas")(tree)
        return f"{ready}/{_of('spec', wanted, default=1)(tree)}"

    return show


def _pod_ready(tree: Json) -> str:
    statuses = (tree.get("status") or {}).get("containerStatuses") or ()
    ready = sum(1 for status in statuses if status.get("ready"))
    return f"{ready}/{len(_pod_spec(tree).get('containers') or ())}"


def _pod_status(tree: Json) -> str:
    if tree["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = tree.get("status") or {}
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            return str(waiting["reason"])
    return str(status.get("reason") or status.get("phase") or "Unknown")


def _pod_restarts(tree: Json) -> str:
    statuses = (tree.get("status") or {}).get("containerStatuses") or ()
    return str(sum(status.get("restartCount") or 0 for status in statuses))


def _ports(tree: Json) -> str:
    ports = (tree.get("spec") or {}).get("ports") or ()
    return ",".join(_port(port) for port in ports) or "<none>"


def _port(port: Json) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}"


def _node_status(tree: Json) -> str:
    ready = at_path(tree, '.status.conditions[?(@.type=="Ready")].status')
    state = "Ready" if ready == "True" else "NotReady"
    blocked = (tree.get("spec") or {}).get("unschedulable")
    return f"{state},SchedulingDisabled" if blocked else state


def _job_completions(tree: Json) -> str:
    done = _of("status", "succeeded")(tree)
    spec = tree.get("spec") or {}
    parallel = spec.get("parallelism") or 0
    if "completions" not in spec and parallel > 1:
        return f"{done}/1 of {parallel}"
    return f"{done}/{_of('spec', 'completions', default=1)(tree)}"


def _job_status(tree: Json) -> str:
    for kind in ("Complete", "Failed", "Suspended"):
        if at_path(tree, f'.status.conditions[?(@.type=="{kind}")].status') == "True":
            return kind
    if tree["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return "Running"


def _event_object(tree: Json) -> str:
    about = tree.get("involvedObject") or tree.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _hosts(tree: Json) -> str:
    rules = (tree.get("spec") or {}).get("rules") or ()
    return ",".join(rule.get("host") or "*" for rule in rules) or "*"


def _hpa_reference(tree: Json) -> str:
    target = (tree.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind')}/{target.get('name')}"


def _hpa_targets(tree: Json) -> str:
    metrics = (tree.get("spec") or {}).get("metrics") or ()
    return ", ".join(_hpa_target(metric) for metric in metrics) or "<none>"


def _hpa_target(metric: Json) -> str:
    resource = metric.get("resource") or {}
    target = resource.get("target") or {}
    wanted = f"{target['averageUtilization']}%" if "averageUtilization" in target else "<auto>"
    return f"{resource.get('name')}: <unknown>/{wanted}"


def _addresses(tree: Json) -> str:
    balancer = (tree.get("status") or {}).get("loadBalancer") or {}
    return ",".join(p.get("ip") or p.get("hostname") or "" for p in balancer.get("ingress") or ())


def _access_modes(tree: Json) -> str:
    """What a claim got: nothing before it is bound."""
    short = {
        "ReadWriteOnce": "RWO",
        "ReadOnlyMany": "ROX",
        "ReadWriteMany": "RWX",
        "ReadWriteOncePod": "RWOP",
    }
    if not (tree.get("spec") or {}).get("volumeName"):
        return ""
    return ",".join(short.get(m, m) for m in (tree.get("status") or {}).get("accessModes") or ())


def _pairs(labels: Json | None) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((labels or {}).items())) or "<none>"


def _role(tree: Json) -> str:
    reference = tree.get("roleRef") or {}
    return f"{reference.get('kind')}/{reference.get('name')}"


def _subjects(kind: str) -> Callable[[Json], str]:
    def show(tree: Json) -> str:
        found = [s for s in tree.get("subjects") or () if s.get("kind") == kind]
        names = (
            f"{s.get('namespace')}/{s['name']}" if s.get("namespace") else s["name"] for s in found
        )
        return ", ".join(names)

    return show


_BINDING: Final = {
    "Role": _role,
    "Users": _subjects("User"),
    "Groups": _subjects("Group"),
    "ServiceAccounts": _subjects("ServiceAccount"),
}
_WORKLOAD: Final = {"Containers": _containers, "Images": _images, "Selector": _selector}
CELLS: Final[dict[str, dict[str, Callable[[Json], Any]]]] = {
    "configmaps": {"Data": lambda t: len(t.get("data") or ()) + len(t.get("binaryData") or ())},
    "secrets": {"Type": _of("type", default="Opaque"), "Data": lambda t: len(t.get("data") or ())},
    "namespaces": {"Status": _of("status", "phase", default="Active")},
    "pods": {
        "Ready": _pod_ready,
        "Status": _pod_status,
        "Restarts": _pod_restarts,
        "IP": _of("status", "podIP", default="<none>"),
        "Node": _of("spec", "nodeName", default="<none>"),
        "Nominated Node": lambda _: "<none>",
        "Readiness Gates": lambda _: "<none>",
    },
    "nodes": {
        "Status": _node_status,
        "Roles": lambda _: "<none>",
        "Version": _of("status", "nodeInfo", "kubeletVersion", default=""),
        "Internal-IP": lambda _: "<none>",
        "External-IP": lambda _: "<none>",
        "OS-Image": _of("status", "nodeInfo", "osImage", default="<unknown>"),
        "Kernel-Version": _of("status", "nodeInfo", "kernelVersion", default="<unknown>"),
        "Container-Runtime": _of(
            "status", "nodeInfo", "containerRuntimeVersion", default="<unknown>"
        ),
    },
    "services": {
        "Type": _of("spec", "type", default="ClusterIP"),
        "Cluster-IP": _of("spec", "clusterIP", default="<none>"),
        "External-IP": lambda _: "<none>",
        "Port(s)": _ports,
        "Selector": _selector,
    },
    "events": {
        "Type": _of("type", default=""),
        "Reason": _of("reason", default=""),
        "Object": _event_object,
        "Message": lambda t: str(t.get("message") or t.get("note") or "").strip(),
    },
    "persistentvolumeclaims": {
        "Status": _of("status", "phase", default="Pending"),
        "Volume": _of("spec", "volumeName", default=""),
        "Capacity": _of("status", "capacity", "storage", default=""),
        "Access Modes": _access_modes,
        "StorageClass": _of("spec", "storageClassName", default=""),
        "VolumeAttributesClass": _of("spec", "volumeAttributesClassName", default="<unset>"),
        "VolumeMode": _of("spec", "volumeMode", default="<unset>"),
    },
    "deployments.apps": {
        "Ready": _ready_of("replicas"),
        "Up-to-date": _of("status", "updatedReplicas"),
        "Available": _of("status", "availableReplicas"),
        **_WORKLOAD,
    },
    "replicasets.apps": {
        "Desired": _of("spec", "replicas"),
        "Current": _of("status", "replicas"),
        "Ready": _of("status", "readyReplicas"),
        **_WORKLOAD,
    },
    "statefulsets.apps": {"Ready": _ready_of("replicas"), **_WORKLOAD},
    "daemonsets.apps": {
        "Desired": _of("status", "desiredNumberScheduled"),
        "Current": _of("status", "currentNumberScheduled"),
        "Ready": _of("status", "numberReady"),
        "Up-to-date": _of("status", "updatedNumberScheduled"),
        "Available": _of("status", "numberAvailable"),
        "Node Selector": lambda t: _pairs(_pod_spec(t).get("nodeSelector")),
        **_WORKLOAD,
    },
    "jobs.batch": {"Status": _job_status, "Completions": _job_completions, **_WORKLOAD},
    "cronjobs.batch": {
        "Schedule": _of("spec", "schedule", default=""),
        "Timezone": _of("spec", "timeZone", default="<none>"),
        "Suspend": lambda t: str(_of("spec", "suspend", default="<unset>")(t)),
        "Active": lambda t: len((t.get("status") or {}).get("active") or ()),
        **_WORKLOAD,
        "Selector": lambda _: "<none>",
    },
    "ingresses.networking.k8s.io": {
        "Class": _of("spec", "ingressClassName", default="<none>"),
        "Hosts": _hosts,
        "Address": _addresses,
        "Ports": lambda t: "80, 443" if (t.get("spec") or {}).get("tls") else "80",
    },
    "horizontalpodautoscalers.autoscaling": {
        "Reference": _hpa_reference,
        "Targets": _hpa_targets,
        "MinPods": lambda t: str(_of("spec", "minReplicas", default=1)(t)),
        "MaxPods": _of("spec", "maxReplicas"),
        "Replicas": _of("status", "currentReplicas"),
    },
    "leases.coordination.k8s.io": {"Holder": _of("spec", "holderIdentity", default="")},
    "networkpolicies.networking.k8s.io": {
        "Pod-Selector": lambda t: text_of((t.get("spec") or {}).get("podSelector")) or "<none>"
    },
    "rolebindings.rbac.authorization.k8s.io": _BINDING,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDING,
    "storageclasses.storage.k8s.io": {
        "Provisioner": _of("provisioner", default=""),
        "ReclaimPolicy": _of("reclaimPolicy", default="Delete"),
        "VolumeBindingMode": _of("volumeBindingMode", default="<unset>"),
        "AllowVolumeExpansion": _of("allowVolumeExpansion", default=False),
    },
    "poddisruptionbudgets.policy": {
        "Min Available": lambda t: str(_of("spec", "minAvailable", default="N/A")(t)),
        "Max Unavailable": lambda t: str(_of("spec", "maxUnavailable", default="N/A")(t)),
        "Allowed Disruptions": _of("status", "disruptionsAllowed"),
    },
}
CELLS["events.events.k8s.io"] = CELLS["events"]
