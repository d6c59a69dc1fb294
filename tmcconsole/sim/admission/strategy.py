"""What a write may and may not set: server-owned fields, status, generation, defaults."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.defaults import TEMPLATE_GENERATION, apply_defaults
from tmcconsole.sim.admission.pod_admission import admit_pod
from tmcconsole.sim.schema.declared import without_unknown
from tmcconsole.sim.schema.filling import fill_schema, typed
from tmcconsole.sim.schema.quantities import make_canonical
from tmcconsole.sim.schema.structs import struct_of
from tmcconsole.sim.schema.structural import prune_unknown
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.shapes import METADATA
from tmcconsole.sim.storage.store import Stored

CLAIM_PROTECTION: Final = "kubernetes.io/pvc-protection"  # a finalizer: a pod may use the claim
VOLUME_PROTECTION: Final = "kubernetes.io/pv-protection"
_PROTECTED: Final = {
    "persistentvolumeclaims": CLAIM_PROTECTION,
    "persistentvolumes": VOLUME_PROTECTION,
}
_SERVER_OWNED: Final = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
_ALLOCATED: Final = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
_DAEMONS: Final = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
)
_REQUIRED_COUNTERS: Final = {
    "replicasets.apps": ("replicas",),
    "statefulsets.apps": ("replicas", "availableReplicas"),
    "daemonsets.apps": _DAEMONS,
}
_NODE_INFO: Final = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)
_POINTERS: Final = ("ready", "terminating")  # pointer counters: 0 has a meaning
_FIRST_STATUS: Final[dict[str, Json]] = {
    "deployments.apps": {},
    "replicasets.apps": {"replicas": 0},
    "statefulsets.apps": {"replicas": 0, "availableReplicas": 0},
    "replicationcontrollers": {"replicas": 0},
    "cronjobs.batch": {},
    "resourcequotas": {},
    "ingresses.networking.k8s.io": {"loadBalancer": {}},
    "horizontalpodautoscalers.autoscaling": {"desiredReplicas": 0, "currentMetrics": None},
    "poddisruptionbudgets.policy": {
        "disruptionsAllowed": 0,
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "expectedPods": 0,
    },
}
_TEMPLATE: Final = {"metadata": {}, "spec": {"containers": None}}
_WORKLOAD_SPEC: Final = {"selector": None, "template": _TEMPLATE}
_UNREPORTED: Final = {"eventTime": None, "reportingComponent": "", "reportingInstance": ""}
_SET_SPEC: Final = _WORKLOAD_SPEC | {"serviceName": "", "updateStrategy": {}}
# Fields present even in an empty object of a typed server, so no writer counts as adding them.
_ZERO: Final[dict[str, Json]] = {
    "deployments.apps": {"spec": _WORKLOAD_SPEC | {"strategy": {}}, "status": {}},
    "replicasets.apps": {"spec": _WORKLOAD_SPEC, "status": {}},
    "statefulsets.apps": {"spec": _SET_SPEC, "status": {}},
    "daemonsets.apps": {
        "spec": _WORKLOAD_SPEC | {"updateStrategy": {}},
        "status": dict.fromkeys(_DAEMONS, 0),
    },
    "replicationcontrollers": {"spec": {}, "status": {"replicas": 0}},
    "podtemplates": {"template": _TEMPLATE},
    "endpointslices.discovery.k8s.io": {"ports": None, "endpoints": None},
    "jobs.batch": {"spec": {"template": _TEMPLATE}, "status": {}},
    "cronjobs.batch": {
        "spec": {"jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
        "status": {},
    },
    "pods": {"spec": {"containers": None}, "status": {}},
    "services": {"spec": {}, "status": {"loadBalancer": {}}},
    "persistentvolumeclaims": {"spec": {"resources": {}}, "status": {}},
    "horizontalpodautoscalers.autoscaling": {"spec": {"scaleTargetRef": {}}, "status": {}},
    "customresourcedefinitions.apiextensions.k8s.io": {"spec": {"names": {}}, "status": {}},
    "events": {"involvedObject": {}, "source": {}, **_UNREPORTED},
    "configmaps": {},
    "secrets": {},
}
_SPEC_ONLY: Final[Json] = {"spec": {}, "status": {}}


def empty(kind: SimKind) -> Json:
    """Return what an object of the kind is before anybody writes it."""
    if kind.is_custom:
        return {"metadata": {}}
    return {"metadata": {}, **_ZERO.get(kind.id, _SPEC_ONLY)}


def prepare_new(server: Server, kind: SimKind, tree: Json) -> Json:
    """Return a new object as its writer wants it, with the server's defaults."""
    meta = {k: v for k, v in tree["metadata"].items() if k not in (*_SERVER_OWNED, "managedFields")}
    new = dict(tree) | {"metadata": meta}
    if kind.has_status:
        new.pop("status", None)
    return complete(server, kind, new)


def initialise(server: Server, kind: SimKind, new: Json) -> None:
    """Set what only the server decides about a new object, in place."""
    meta = new["metadata"]
    meta["uid"] = server.new_uid()
    meta["creationTimestamp"] = server.stamp()
    if kind.has_generation:
        meta["generation"] = 1
    if kind.id in _PROTECTED:  # no manager owns what admission adds
        held = meta.get("finalizers") or []
        meta["finalizers"] = [*held, *({_PROTECTED[kind.id]} - set(held))]
    _initial(server, kind, new)


def complete(server: Server, kind: SimKind, tree: Json) -> Json:
    """Return a tree, normalised and defaulted."""
    if kind.is_custom:
        schema = kind.schema or {}
        tree = without_unknown(kind, tree)
        custom = {**prune_unknown(tree, schema), "metadata": typed(tree["metadata"], METADATA)}
        fill_schema(custom, schema)
        return custom
    new: Json = typed(without_unknown(kind, tree), kind.shape)
    if kind.id == "secrets":
        _encode_string_data(new)
    struct = struct_of(kind.group, kind.version, kind.kind)
    if struct is not None:
        make_canonical(struct.name, new)
    apply_defaults(kind.id, new)
    if kind.group in ("apps", "batch"):
        _drop_zeros(kind, new)
    return new


def _drop_zeros(kind: SimKind, tree: Json) -> None:
    """Typed servers omit zero counters from a status, unless they are required."""
    status = tree.get("status")
    if status:
        required = dict.fromkeys(_REQUIRED_COUNTERS.get(kind.id, ()), 0)
        kept = {k: v for k, v in status.items() if v != 0 or k in _POINTERS}
        tree["status"] = required | kept


def masked(kind: SimKind, subresource: str, old: Json, new: Json) -> Json:
    """Return ``new``, but as in ``old`` where this (sub)resource cannot write."""
    meta = dict(new["metadata"])
    for field in _SERVER_OWNED:
        meta.pop(field, None)
        if field in old["metadata"]:
            meta[field] = old["metadata"][field]
    kept: Json
    if subresource == "status":
        kept = {k: v for k, v in old.items() if k not in ("status", "metadata")}
        meta = _status_metadata(kind, old["metadata"], meta)
        status = {"status": new["status"]} if new.get("status") is not None else {}
        return {**kept, "metadata": meta, **status}
    kept = dict(new) | {"metadata": meta}
    if kind.has_status:
        kept.pop("status", None)
        if "status" in old:
            kept["status"] = old["status"]
    return kept


def reset_fields(kind: SimKind, subresource: str) -> Json:
    """Return the fields that are silently dropped from an apply to this (sub)resource."""
    if subresource == "status":
        if kind.is_custom:
            return {"f:metadata": {}, "f:spec": {}}
        keeps_labels = kind.id == "deployments.apps"
        return {"f:spec": {}} | ({"f:metadata": {"f:labels": {}}} if keeps_labels else {})
    return {"f:status": {}} if kind.has_status else {}


def prepare_change(kind: SimKind, subresource: str, old: Json, new: Json) -> None:
    """Carry over allocated fields and increment the generation if needed, in place."""
    if kind.id == "namespaces" and not subresource:  # finalizers change only through finalize
        new["spec"] = {**(new.get("spec") or {}), **(old.get("spec") or {})}
    if kind.id == "services" and new["spec"].get("type") != "ExternalName":
        for field in _ALLOCATED:
            if field in old["spec"] and not new["spec"].get(field):
                new["spec"][field] = old["spec"][field]
    if kind.id == "daemonsets.apps":
        _count_templates(old, new, int(old["spec"].get("template") != new["spec"].get("template")))
    _next_generation(kind, old, new)


def _count_templates(old: Json, new: Json, more: int) -> None:
    """Only the server counts template changes, whatever a writer says."""
    count = int(_annotations(old).get(TEMPLATE_GENERATION) or "0")
    annotations = {**_annotations(new), TEMPLATE_GENERATION: str(count + more)}
    new["metadata"]["annotations"] = annotations


def prepare_status(server: Server, kind: SimKind, old: Json, new: Json) -> None:
    """Record the time when a volume changes its phase, in place."""
    if kind.id == "daemonsets.apps":
        _count_templates(old, new, 0)
    if kind.id != "persistentvolumes" or "status" not in new:
        return
    field = "lastPhaseTransitionTime"
    before, after = old.get("status") or {}, new["status"]
    if before.get("phase") != after.get("phase") and before.get(field) == after.get(field):
        after[field] = server.stamp()


def _next_generation(kind: SimKind, old: Json, new: Json) -> None:
    if not kind.has_generation or "generation" not in old["metadata"]:
        return
    ignored = {"metadata", "kind", "apiVersion"} | ({"status"} if kind.has_status else set())
    before = {key: value for key, value in old.items() if key not in ignored}
    after = {key: value for key, value in new.items() if key not in ignored}
    changed = before != after
    if kind.id == "deployments.apps" and not changed:  # its controller copies annotations
        changed = _annotations(old) != _annotations(new)
    if kind.id == "endpointslices.discovery.k8s.io" and not changed:
        changed = old["metadata"].get("labels") != new["metadata"].get("labels")
    if changed:
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1


def _annotations(tree: Json) -> Json:
    found: Json = tree["metadata"].get("annotations") or {}
    return found


def _status_metadata(kind: SimKind, old: Json, new: Json) -> Json:
    if kind.is_custom:
        return dict(old) | (
            {"managedFields": new["managedFields"]} if "managedFields" in new else {}
        )
    if kind.id != "deployments.apps":  # the only built-in whose status writes keep labels
        return new
    kept = {key: value for key, value in new.items() if key != "labels"}
    return kept | ({"labels": old["labels"]} if "labels" in old else {})


def _encode_string_data(tree: Json) -> None:
    plain = tree.pop("stringData", None)
    if plain:
        data = tree.setdefault("data", {})
        for key, value in plain.items():
            data[key] = base64.b64encode(str(value).encode()).decode()


def _initial(server: Server, kind: SimKind, tree: Json) -> None:
    if kind.id in _INITIAL:
        _INITIAL[kind.id](server, tree)
    elif kind.id in _FIRST_STATUS:
        tree.setdefault("status", dict(_FIRST_STATUS[kind.id]))


def _first_namespace(_server: Server, tree: Json) -> None:
    tree.setdefault("spec", {})["finalizers"] = ["kubernetes"]
    tree["status"] = {"phase": "Active"}


def _first_node(_server: Server, tree: Json) -> None:
    """Nothing is scheduled on a node before it is ready."""
    unready = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    spec = tree.get("spec") or {}
    tree["spec"] = {**spec, "taints": [*(spec.get("taints") or ()), unready]}
    port = {"kubeletEndpoint": {"Port": 0}}
    tree["status"] = {"daemonEndpoints": port, "nodeInfo": dict.fromkeys(_NODE_INFO, "")}


def _first_daemon_set(_server: Server, tree: Json) -> None:
    tree["metadata"]["annotations"][TEMPLATE_GENERATION] = "1"
    tree["status"] = dict.fromkeys(_DAEMONS, 0)


def _first_volume(server: Server, tree: Json) -> None:
    tree["status"] = {"phase": "Pending", "lastPhaseTransitionTime": server.stamp()}


def _first_claim(_server: Server, tree: Json) -> None:
    tree["status"] = {"phase": "Pending"}


def _first_service(server: Server, tree: Json) -> None:
    _cluster_address(server, tree["spec"])
    tree["status"] = {"loadBalancer": {}}


def _first_job(_server: Server, tree: Json) -> None:
    _select_own_pods(tree)
    tree.setdefault("status", {})


def _first_definition(_server: Server, tree: Json) -> None:
    storing = [v.get("name") or "" for v in tree["spec"].get("versions") or () if v.get("storage")]
    none = {"plural": "", "kind": ""}
    tree["status"] = {"conditions": None, "acceptedNames": none, "storedVersions": storing}


def _select_own_pods(job: Json) -> None:
    """A job selects its pods by its own uid, unless its writer gives a selector."""
    meta = job["metadata"]
    if job["spec"].get("manualSelector"):
        return
    name = meta.get("name", "")
    own = {"batch.kubernetes.io/controller-uid": meta["uid"]}
    labels = job["spec"]["template"]["metadata"].setdefault("labels", {})
    labels |= own | {"controller-uid": meta["uid"]}
    labels |= {"batch.kubernetes.io/job-name": name, "job-name": name}
    job["spec"].setdefault("selector", {"matchLabels": own})
    apply_defaults("jobs.batch", job)


def _cluster_address(server: Server, spec: Json) -> None:
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("clusterIP"):
        taken = {_address(stored) for stored in server.store.items("services")}
        free = (f"10.96.{n // 250}.{n % 250 + 1}" for n in range(60_000))
        spec["clusterIP"] = next(address for address in free if address not in taken)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    is_anywhere = spec["clusterIP"] == "None" and not spec.get("selector")
    spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if is_anywhere else ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if is_anywhere else "SingleStack")


def _address(stored: Stored) -> str:
    return str((stored.tree().get("spec") or {}).get("clusterIP") or "")


_INITIAL: Final[dict[str, Callable[[Server, Json], None]]] = {
    "namespaces": _first_namespace,
    "nodes": _first_node,
    "pods": admit_pod,
    "daemonsets.apps": _first_daemon_set,
    "persistentvolumes": _first_volume,
    "persistentvolumeclaims": _first_claim,
    "services": _first_service,
    "jobs.batch": _first_job,
    "customresourcedefinitions.apiextensions.k8s.io": _first_definition,
}
