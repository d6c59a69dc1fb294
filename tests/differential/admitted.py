"""What admission adds, counts and refuses; and bodies in protobuf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.differential.parts import (
    BUDGETS,
    CONFIG_MAPS,
    TIME,
    apply,
    config_map,
    container,
    merge,
)
from tests.differential.trace import Json, Step

CLAIMS = "/api/v1/namespaces/{ns}/persistentvolumeclaims"
PODS = "/api/v1/namespaces/{ns}/pods"
QUOTAS = "/api/v1/namespaces/{ns}/resourcequotas"
RANGES = "/api/v1/namespaces/{ns}/limitranges"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses"
SERVICES = "/api/v1/namespaces/{ns}/services"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def pod(name: str, *containers: Json, **spec: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {
            "containers": list(containers) or [container("app")],
            "serviceAccountName": "default",  # a server without controllers does not fill it in
            **spec,
        },
    }


def claim(name: str, storage: str = "1Gi") -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}}
    return {**head, "spec": spec}


def evictions() -> Iterator[Step]:
    """Without a controller, a budget's status is what a client writes."""
    one = f"{PODS}/one"
    eviction: Json = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "one"}}
    yield Step("POST", f"{PODS}/one/eviction", eviction)
    yield Step("POST", PODS, pod("one"))
    yield Step("POST", f"{one}/eviction", {**eviction, "metadata": {"name": "two"}})
    yield Step("POST", f"{one}/eviction", eviction, query={"dryRun": "All"})
    running: Json = {"status": {"phase": "Running"}}
    ready: Json = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": TIME,
        "lastProbeTime": TIME,
    }
    yield merge(f"{one}/status", running)
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "all"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    yield Step("POST", BUDGETS, budget)
    yield Step("POST", f"{one}/eviction", eviction)
    yield merge(f"{one}/status", {"status": {"conditions": [ready]}})
    counted = {"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 1}
    counts = {**counted, "disruptionsAllowed": 0, "expectedPods": 1}
    yield merge(f"{BUDGETS}/all/status", {"status": counts})
    yield Step("POST", f"{one}/eviction", eviction)
    yield merge(f"{BUDGETS}/all/status", {"status": {"disruptionsAllowed": 1}})
    yield Step("POST", f"{one}/eviction", {**eviction, "deleteOptions": {"gracePeriodSeconds": 0}})
    yield Step("GET", one)
    yield Step("POST", PODS, pod("one"))
    yield merge(f"{one}/status", running)
    yield Step("POST", f"{one}/eviction", eviction, query={"dryRun": "All"})
    yield Step("POST", BUDGETS, {**budget, "metadata": {"name": "other"}})
    yield Step("POST", f"{one}/eviction", eviction)


def claims() -> Iterator[Step]:
    """A claim is protected from its creation; its creator does not own the finalizer."""
    for path, tree in ((CLAIMS, claim("one", "1024Mi")), (CLAIMS, claim("two", "0.5Gi"))):
        yield Step("POST", path, tree)
        yield Step("DELETE", f"{path}/{tree['metadata']['name']}")
    yield apply(CLAIMS, claim("three"), "alice")
    yield apply(CLAIMS, claim("three"), "bob")
    yield merge(f"{CLAIMS}/three", {"metadata": {"labels": {"a": "1"}}})
    yield merge(f"{CLAIMS}/three", {"metadata": {"finalizers": None}})
    yield Step("DELETE", f"{CLAIMS}/three")
    held = claim("four")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    yield Step("POST", CLAIMS, held)
    yield Step("GET", CLAIMS)


def claim_sizes() -> Iterator[Step]:
    """A bound claim may grow if its class allows it, and cannot change otherwise."""
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    grows = {"metadata": {"name": "{ns}-grows"}, "provisioner": "a.test/p"}
    yield Step("POST", classes, {**grows, "allowVolumeExpansion": True})

    def sized(storage: str) -> Json:
        return {"spec": {"resources": {"requests": {"storage": storage}}}}

    bound = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
    for name, of_class in (("static", ""), ("grown", "{ns}-grows")):
        tree = claim(name)
        tree["spec"]["storageClassName"] = of_class
        one = f"{CLAIMS}/{name}"
        yield Step("POST", CLAIMS, tree)
        yield merge(one, sized("2Gi"))
        yield merge(one, {"spec": {"accessModes": ["ReadWriteMany"]}})
        yield merge(one, {"spec": {"volumeName": "v"}})
        yield merge(f"{one}/status", {"status": bound})
        yield merge(one, {"spec": {"volumeName": "w"}})
        yield merge(one, sized("2Gi"))
        yield merge(one, sized("3Gi"))
        yield merge(one, sized("1536Mi"))
        yield merge(one, sized("512Mi"))
        yield Step("GET", one)
    yield Step("DELETE", f"{classes}/{{ns}}-grows")


def quotas() -> Iterator[Step]:
    """A quota that nobody has counted yet, and one whose status a client has written."""
    hard = {"configmaps": "2", "pods": "1", "requests.cpu": "1", "services.nodeports": "1"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    yield Step("POST", QUOTAS, {**quota, "spec": {"hard": hard}})
    yield Step("POST", CONFIG_MAPS, config_map("free"))
    yield merge(f"{QUOTAS}/few/status", {"status": {"hard": hard}})
    # Repeated, since kube-apiserver reads quotas from a cache.
    yield Step("POST", CONFIG_MAPS, config_map("one"), until="status unknown for quota")
    yield Step("DELETE", f"{CONFIG_MAPS}/one", until="not found")
    used = {"configmaps": "1", "pods": "0", "requests.cpu": "0", "services.nodeports": "0"}
    yield merge(f"{QUOTAS}/few/status", {"status": {"hard": hard, "used": used}})
    yield Step("POST", CONFIG_MAPS, config_map("one"), until="'kind': 'ConfigMap'")
    yield Step("GET", f"{QUOTAS}/few")
    yield Step("POST", CONFIG_MAPS, config_map("two"))
    yield apply(CONFIG_MAPS, config_map("two"), "alice")
    yield Step("POST", PODS, pod("vague"))
    asking = container("app", resources={"requests": {"cpu": "1500m"}})
    yield Step("POST", PODS, pod("large", asking))
    modest = container("app", resources={"limits": {"cpu": "250m"}})
    yield Step(
        "POST", PODS, pod("modest", modest, container("side", resources=modest["resources"]))
    )
    yield Step("GET", f"{QUOTAS}/few")
    yield Step("POST", PODS, pod("second", modest))
    ports = [{"port": port, "name": f"p{port}"} for port in (80, 81)]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "two-ports"}}
    yield Step("POST", SERVICES, {**service, "spec": {"type": "NodePort", "ports": ports}})


def limit_ranges() -> Iterator[Step]:
    """The defaults of a LimitRange itself."""
    for number, item in enumerate(
        (
            {"type": "Container", "max": {"cpu": "2000m"}, "min": {"cpu": "0.1"}},
            {"type": "Container", "default": {"memory": "1024Mi"}, "max": {"memory": "2Gi"}},
            {"type": "Container", "defaultRequest": {"cpu": "100m"}, "default": {"cpu": 1}},
            {"type": "Pod", "max": {"cpu": "4"}},
        )
    ):
        tree = {"metadata": {"name": f"range-{number}"}, "spec": {"limits": [item]}}
        yield Step("POST", RANGES, {"apiVersion": "v1", "kind": "LimitRange", **tree})


def field(number: int, *parts: bytes | str | int) -> bytes:
    """Encode one field; lengths and numbers here are below 128."""
    if len(parts) == 1 and isinstance(parts[0], int):
        return bytes([number << 3, parts[0]])
    whole = b"".join(
        p.encode() if isinstance(p, str) else p for p in parts if not isinstance(p, int)
    )
    return bytes([number << 3 | 2, len(whole)]) + whole


def message(version: str, kind: str, *parts: bytes) -> bytes:
    head = field(1, field(1, version), field(2, kind))
    raw = b"".join(parts)
    assert len(raw) < 128
    return b"k8s\x00" + head + field(2, raw)


def protobuf() -> Iterator[Step]:
    named = field(1, field(1, "one"))
    data = field(2, field(1, "a"), field(2, "b"))
    maps = message("v1", "ConfigMap", named, data)
    yield Step("POST", CONFIG_MAPS, maps, PROTOBUF)
    yield Step("POST", CONFIG_MAPS, b"k8s\x00" + maps[5:], PROTOBUF)
    backend = field(2, field(4, field(1, "web"), field(2, field(2, 80))))
    path = field(1, field(1, "/api"), field(3, "Prefix"), backend)
    rule = field(3, field(1, "shop.example"), field(2, field(1, path)))
    ingress = message("networking.k8s.io/v1", "Ingress", named, field(2, rule, field(4, "nginx")))
    yield Step("POST", INGRESSES, ingress, PROTOBUF)
    yield Step("GET", f"{INGRESSES}/one")
