"""How the cells of the built-in kinds' tables are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.printing import eventcells, networkcells, podcells
from tmcconsole.sim.printing.ages import age, between
from tmcconsole.sim.printing.targetcells import targets
from tmcconsole.sim.schema.jsonpath import at_path
from tmcconsole.sim.storage.list_selectors import text_of


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
    template: Json = spec.get("template") or tree.get("template") or {}
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


def _node_status(tree: Json) -> str:
    ready = at_path(tree, '.status.conditions[?(@.type=="Ready")].status')
    state = "Ready" if ready == "True" else "NotReady" if ready else "Unknown"
    blocked = (tree.get("spec") or {}).get("unschedulable")
    return f"{state},SchedulingDisabled" if blocked else state


def _node_roles(tree: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = tree["metadata"].get("labels") or {}
    roles = {name.removeprefix(prefix) for name in labels if name.startswith(prefix)}
    roles.add(labels.get("kubernetes.io/role") or "")
    return ",".join(sorted(roles - {""})) or "<none>"


def _node_info(name: str) -> Callable[[Json], str]:
    def show(tree: Json) -> str:
        info = (tree.get("status") or {}).get("nodeInfo") or {}
        return info.get(name) or "<unknown>"

    return show


def _kernel(tree: Json) -> str:
    info = (tree.get("status") or {}).get("nodeInfo") or {}
    machine = f" ({info['architecture']})" if info.get("architecture") else ""
    return f"{info['kernelVersion']}{machine}" if info.get("kernelVersion") else "<unknown>"


def _node_address(kind: str) -> Callable[[Json], str]:
    def show(tree: Json) -> str:
        addresses = (tree.get("status") or {}).get("addresses") or ()
        return next((a.get("address", "") for a in addresses if a.get("type") == kind), "<none>")

    return show


def _job_completions(tree: Json) -> str:
    done = _of("status", "succeeded")(tree)
    spec = tree.get("spec") or {}
    parallel = spec.get("parallelism") or 0
    if "completions" not in spec and parallel > 1:
        return f"{done}/1 of {parallel}"
    return f"{done}/{_of('spec', 'completions', default=1)(tree)}"


def _job_status(tree: Json) -> str:
    conditions = (tree.get("status") or {}).get("conditions") or ()
    true = {c.get("type") for c in conditions if c.get("status") == "True"}
    if tree["metadata"].get("deletionTimestamp"):
        true.add("Terminating")
    return next((word for word in _JOB_WORDS if word in true), "Running")


def _job_duration(tree: Json, now: float) -> str:
    status = tree.get("status") or {}
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return between(start, end) if end else age(start, now)


def _last_schedule(tree: Json, now: float) -> str:
    last = (tree.get("status") or {}).get("lastScheduleTime")
    return age(last, now) if last else "<none>"


def _hpa_reference(tree: Json) -> str:
    target = (tree.get("spec") or {}).get("scaleTargetRef") or {}
    return f"{target.get('kind')}/{target.get('name')}"


def _access_modes(modes: Sequence[str]) -> str:
    return ",".join(short for mode, short in _MODES.items() if mode in modes)


def _claim_modes(tree: Json) -> str:
    """Return the access modes of a claim, empty before it is bound."""
    is_bound = (tree.get("spec") or {}).get("volumeName")
    return _access_modes((tree.get("status") or {}).get("accessModes") or ()) if is_bound else ""


def _claim_capacity(tree: Json) -> str:
    is_bound = (tree.get("spec") or {}).get("volumeName")
    return _of("status", "capacity", "storage", default="0")(tree) if is_bound else ""


def _phase(default: str) -> Callable[[Json], str]:
    def show(tree: Json) -> str:
        if tree["metadata"].get("deletionTimestamp"):
            return "Terminating"
        return (tree.get("status") or {}).get("phase") or default

    return show


def _claim_of(tree: Json) -> str:
    claim = (tree.get("spec") or {}).get("claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _quota(*, of_limits: bool) -> Callable[[Json], str]:
    def show(tree: Json) -> str:
        status = tree.get("status") or {}
        used = status.get("used") or {}
        return ", ".join(
            f"{name}: {used.get(name, '0')}/{hard}"
            for name, hard in sorted((status.get("hard") or {}).items())
            if name.startswith("limits.") == of_limits
        )

    return show


def _controller(tree: Json) -> str:
    for owner in tree["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            group = owner["apiVersion"].rpartition("/")[0]
            kind = f"{owner['kind']}.{group}" if group else owner["kind"]
            return f"{kind.lower()}/{owner['name']}"
    return "<none>"


def _parameters(tree: Json) -> str:
    found = (tree.get("spec") or {}).get("parameters")
    if not found:
        return "<none>"
    kind = ".".join(part for part in (found.get("kind"), found.get("apiGroup")) if part)
    return f"{kind}/{found.get('name')}"


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
_WEBHOOKS: Final = {"Webhooks": lambda tree: len(tree.get("webhooks") or ())}
_MODES: Final = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_JOB_WORDS: Final = (
    "Complete",
    "Failed",
    "Terminating",
    "Suspended",
    "FailureTarget",
    "SuccessCriteriaMet",
)
_WORKLOAD: Final = {"Containers": _containers, "Images": _images, "Selector": _selector}
CELLS: Final[dict[str, dict[str, Callable[[Json], Any]]]] = {
    "configmaps": {"Data": lambda t: len(t.get("data") or ()) + len(t.get("binaryData") or ())},
    "secrets": {"Type": _of("type", default="Opaque"), "Data": lambda t: len(t.get("data") or ())},
    "namespaces": {"Status": _of("status", "phase", default="Active")},
    "pods": {
        "Ready": podcells.ready,
        "Status": podcells.status,
        "IP": podcells.address,
        "Node": _of("spec", "nodeName", default="<none>"),
        "Nominated Node": _of("status", "nominatedNodeName", default="<none>"),
        "Readiness Gates": podcells.gates,
    },
    "nodes": {
        "Status": _node_status,
        "Roles": _node_roles,
        "Version": _of("status", "nodeInfo", "kubeletVersion", default=""),
        "Internal-IP": _node_address("InternalIP"),
        "External-IP": _node_address("ExternalIP"),
        "OS-Image": _node_info("osImage"),
        "Kernel-Version": _kernel,
        "Container-Runtime": _node_info("containerRuntimeVersion"),
    },
    "endpoints": {"Endpoints": networkcells.endpoints},
    "services": {
        "Type": _of("spec", "type", default="ClusterIP"),
        "Cluster-IP": _of("spec", "clusterIP", default="<none>"),
        "External-IP": networkcells.external_address,
        "Port(s)": networkcells.service_ports,
        "Selector": _selector,
    },
    "endpointslices.discovery.k8s.io": {
        "AddressType": _of("addressType", default=""),
        "Ports": networkcells.slice_ports,
        "Endpoints": networkcells.slice_addresses,
    },
    "persistentvolumes": {
        "Capacity": _of("spec", "capacity", "storage", default="0"),
        "Access Modes": lambda t: _access_modes((t.get("spec") or {}).get("accessModes") or ()),
        "Reclaim Policy": _of("spec", "persistentVolumeReclaimPolicy", default=""),
        "Status": _phase("Pending"),
        "Claim": _claim_of,
        "StorageClass": _of("spec", "storageClassName", default=""),
        "VolumeAttributesClass": _of("spec", "volumeAttributesClassName", default="<unset>"),
        "Reason": _of("status", "reason", default=""),
        "VolumeMode": _of("spec", "volumeMode", default="<unset>"),
    },
    "persistentvolumeclaims": {
        "Status": _phase("Pending"),
        "Volume": _of("spec", "volumeName", default=""),
        "Capacity": _claim_capacity,
        "Access Modes": _claim_modes,
        "StorageClass": _of("spec", "storageClassName", default=""),
        "VolumeAttributesClass": _of("spec", "volumeAttributesClassName", default="<unset>"),
        "VolumeMode": _of("spec", "volumeMode", default="<unset>"),
    },
    "resourcequotas": {"Request": _quota(of_limits=False), "Limit": _quota(of_limits=True)},
    "replicationcontrollers": {
        "Desired": _of("spec", "replicas"),
        "Current": _of("status", "replicas"),
        "Ready": _of("status", "readyReplicas"),
        **_WORKLOAD,
    },
    "podtemplates": {
        "Containers": _containers,
        "Images": _images,
        "Pod Labels": lambda t: _pairs(_of("template", "metadata", "labels", default={})(t)),
    },
    "controllerrevisions.apps": {"Controller": _controller, "Revision": _of("revision")},
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
        "Hosts": networkcells.hosts,
        "Address": networkcells.balancers,
        "Ports": lambda t: "80, 443" if (t.get("spec") or {}).get("tls") else "80",
    },
    "horizontalpodautoscalers.autoscaling": {
        "Reference": _hpa_reference,
        "Targets": targets,
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
    "ingressclasses.networking.k8s.io": {
        "Controller": _of("spec", "controller", default=""),
        "Parameters": _parameters,
    },
    "priorityclasses.scheduling.k8s.io": {
        "Value": _of("value"),
        "Global-Default": _of("globalDefault", default=False),
        "PreemptionPolicy": _of("preemptionPolicy", default=""),
    },
    "runtimeclasses.node.k8s.io": {"Handler": _of("handler", default="")},
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "poddisruptionbudgets.policy": {
        "Min Available": lambda t: str(_of("spec", "minAvailable", default="N/A")(t)),
        "Max Unavailable": lambda t: str(_of("spec", "maxUnavailable", default="N/A")(t)),
        "Allowed Disruptions": _of("status", "disruptionsAllowed"),
    },
}
CELLS["events"] = CELLS["events.events.k8s.io"] = eventcells.CELLS
# Cells that depend on the time, in Unix seconds.
TIMED: Final[dict[str, dict[str, Callable[[Json, float], Any]]]] = {
    "pods": {"Restarts": podcells.restarts},
    "jobs.batch": {"Duration": _job_duration},
    "cronjobs.batch": {"Last Schedule": _last_schedule},
    "events": eventcells.TIMED,
    "events.events.k8s.io": eventcells.TIMED,
}
