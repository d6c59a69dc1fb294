"""Tables of each built-in kind: their columns, and the cells of objects in many states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.differential.admitted import CLAIMS, PODS, QUOTAS, SERVICES
from tests.differential.parts import TIME, merge
from tests.differential.trace import TABLE, Json, Step

LATER: Final = "2026-01-02T05:09:05Z"
APPS: Final = "/apis/apps/v1/namespaces/{ns}"
JOBS: Final = "/apis/batch/v1/namespaces/{ns}/jobs"
CRON_JOBS: Final = "/apis/batch/v1/namespaces/{ns}/cronjobs"
INGRESSES: Final = "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses"
SCALERS: Final = "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers"
SLICES: Final = "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices"
EVENTS: Final = "/api/v1/namespaces/{ns}/events"
NODES: Final = "/api/v1/nodes"
VOLUMES: Final = "/api/v1/persistentvolumes"
RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"

EMPTY: Final = (
    "/api/v1/namespaces/{ns}/configmaps",
    "/api/v1/namespaces/{ns}/endpoints",
    EVENTS,
    "/api/v1/namespaces/{ns}/limitranges",
    "/api/v1/namespaces",
    NODES,
    CLAIMS,
    VOLUMES,
    PODS,
    "/api/v1/namespaces/{ns}/podtemplates",
    "/api/v1/namespaces/{ns}/replicationcontrollers",
    QUOTAS,
    "/api/v1/namespaces/{ns}/secrets",
    "/api/v1/namespaces/{ns}/serviceaccounts",
    SERVICES,
    *(
        f"{APPS}/{kind}"
        for kind in (
            "controllerrevisions",
            "daemonsets",
            "deployments",
            "replicasets",
            "statefulsets",
        )
    ),
    JOBS,
    CRON_JOBS,
    SCALERS,
    INGRESSES,
    "/apis/networking.k8s.io/v1/ingressclasses",
    "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies",
    "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
    "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases",
    SLICES,
    "/apis/events.k8s.io/v1/namespaces/{ns}/events",
    f"{RBAC}/namespaces/{{ns}}/roles",
    f"{RBAC}/namespaces/{{ns}}/rolebindings",
    f"{RBAC}/clusterroles",
    f"{RBAC}/clusterrolebindings",
    "/apis/storage.k8s.io/v1/storageclasses",
    "/apis/scheduling.k8s.io/v1/priorityclasses",
    "/apis/node.k8s.io/v1/runtimeclasses",
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/apiregistration.k8s.io/v1/apiservices",
)


def columns() -> Iterator[Step]:
    for path in EMPTY:
        yield Step("GET", path, query={"labelSelector": "nobody=has-it"}, accept=TABLE)


def shown(path: str, tree: Json, *statuses: Json) -> Iterator[Step]:
    """Create an object, and read its row without a status and with each status in turn."""
    name = tree["metadata"]["name"]
    yield Step("POST", path, tree)
    yield Step("GET", f"{path}/{name}", accept=TABLE)
    for status in statuses:
        yield merge(f"{path}/{name}/status", {"status": status})
        yield Step("GET", f"{path}/{name}", accept=TABLE)


def named(name: str, **parts: Any) -> Json:
    return {"metadata": {"name": name, **parts.pop("metadata", {})}, **parts}


def nodes() -> Iterator[Step]:
    roles = {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "x"}
    info = dict.fromkeys(
        ("machineID", "systemUUID", "bootID", "operatingSystem", "architecture"), "x"
    )
    info |= {
        "kernelVersion": "6.1",
        "osImage": "Linux",
        "containerRuntimeVersion": "containerd://2",
        "kubeletVersion": "v1.36.0",
        "kubeProxyVersion": "",
    }
    addresses = [
        {"type": "InternalIP", "address": "10.0.0.1"},
        {"type": "ExternalIP", "address": "192.0.2.1"},
    ]
    condition = {"type": "Ready", "status": "Unknown", "reason": "x", "message": "x"}
    yield from shown(
        NODES,
        named("{ns}-one", metadata={"labels": roles}, spec={"unschedulable": True}),
        {"nodeInfo": info, "addresses": addresses},
        {"conditions": [condition]},
        {"conditions": [{**condition, "status": "True"}]},
    )
    yield Step("DELETE", f"{NODES}/{{ns}}-one")


def volumes() -> Iterator[Step]:
    spec: Json = {
        "capacity": {"storage": "1024Mi"},
        "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
        "persistentVolumeReclaimPolicy": "Delete",
        "hostPath": {"path": "/x"},
    }
    reference = {"namespace": "{ns}", "name": "one"}
    yield from shown(VOLUMES, named("{ns}-free", spec=spec), {"phase": "Available"})
    bound = {**spec, "claimRef": reference, "storageClassName": "fast"}
    yield from shown(
        VOLUMES, named("{ns}-bound", spec=bound), {"phase": "Failed", "reason": "Because"}
    )
    for name in ("free", "bound"):
        yield merge(f"{VOLUMES}/{{ns}}-{name}", {"metadata": {"finalizers": None}})
        yield Step("DELETE", f"{VOLUMES}/{{ns}}-{name}")
    claim: Json = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeName": "{ns}-bound",
        "storageClassName": "",
    }
    status = {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteMany"]}
    yield from shown(CLAIMS, named("one", spec=claim), status)
    yield Step("DELETE", f"{CLAIMS}/one")
    yield Step("GET", f"{CLAIMS}/one", accept=TABLE)


def others() -> Iterator[Step]:
    yield from shown(
        QUOTAS,
        named("one", spec={"hard": {"pods": "4", "limits.cpu": "2", "configmaps": "7"}}),
        {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1", "limits.cpu": "500m"}},
    )
    yield from shown(
        EVENTS,
        {
            **named("one"),
            "involvedObject": {
                "kind": "Pod",
                "namespace": "{ns}",
                "name": "p",
                "fieldPath": "spec.x",
            },
            "type": "Warning",
            "reason": "Because",
            "message": " of that\n",
            "firstTimestamp": TIME,
            "lastTimestamp": LATER,
            "count": 3,
            "source": {"component": "kubelet", "host": "node-1"},
        },
    )
    subjects = [
        {"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"},
        {"kind": "Group", "name": "g", "apiGroup": "rbac.authorization.k8s.io"},
        {"kind": "ServiceAccount", "name": "s", "namespace": "{ns}"},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    bindings = f"{RBAC}/namespaces/{{ns}}/rolebindings"
    yield from shown(bindings, named("one", roleRef=role, subjects=subjects))
    yield from shown(bindings, named("nobody", roleRef=role))
    for path, tree in (
        ("/apis/networking.k8s.io/v1/ingressclasses", {"spec": {"controller": "a.test/c"}}),
        ("/apis/storage.k8s.io/v1/storageclasses", {"provisioner": "a.test/p"}),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", {"value": 5}),
        ("/apis/node.k8s.io/v1/runtimeclasses", {"handler": "runc"}),
    ):
        yield from shown(path, named("{ns}-one", **tree))
        yield Step("DELETE", f"{path}/{{ns}}-one")
    parameters = {"apiGroup": "a.test", "kind": "P", "name": "p"}
    spec = {"controller": "a.test/c", "parameters": parameters}
    path = "/apis/networking.k8s.io/v1/ingressclasses"
    yield from shown(path, named("{ns}-two", spec=spec))
    yield Step("DELETE", f"{path}/{{ns}}-two")
    yield from shown(
        "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases",
        named("one", spec={"holderIdentity": "me"}),
    )


def webhooks() -> Iterator[Step]:
    for kind in ("mutating", "validating"):
        path = f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations"
        hook = {
            "name": "a.b.test",
            "clientConfig": {"url": "https://a.test"},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "rules": [],
        }
        yield from shown(path, named("{ns}-one", webhooks=[hook]))
        yield Step("DELETE", f"{path}/{{ns}}-one")
