"""Valid objects of the common kinds, in many variants drawn from a seed."""

from __future__ import annotations

import base64
import random
from typing import Any, Final

from tests.differential.trace import Json

COLORS: Final = ("red", "green", "blue")


def some_object(rng: random.Random, version: str, kind: str, name: str, **rest: Any) -> Json:
    """Return an object with some metadata; parts that are None are left out."""
    metadata: Json = {"name": name}
    if rng.random() < 0.5:
        metadata["labels"] = {"tier": rng.choice(["front", "back"])}
        if rng.random() < 0.4:
            metadata["labels"]["color"] = rng.choice(COLORS)
    if rng.random() < 0.3:
        metadata["annotations"] = {"note": rng.choice(COLORS)}
    if rng.random() < 0.1:
        metadata["finalizers"] = ["example.com/hold"]
    tree = {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
    return {key: value for key, value in tree.items() if value is not None}


def make_config_map(rng: random.Random, name: str) -> Json:
    """Return a ConfigMap."""
    data = {key: rng.choice(COLORS) for key in ("a", "b", "c") if rng.random() < 0.6}
    return some_object(rng, "v1", "ConfigMap", name, data=data or None)


def make_secret(rng: random.Random, name: str) -> Json:
    """Return a Secret, its values encoded or plain."""
    data = {"key": base64.b64encode(rng.choice(COLORS).encode()).decode()}
    plain = {"plain": rng.choice(COLORS)} if rng.random() < 0.3 else None
    return some_object(rng, "v1", "Secret", name, data=data, stringData=plain)


def make_service_account(rng: random.Random, name: str) -> Json:
    """Return a ServiceAccount."""
    pulls = [{"name": rng.choice(COLORS)}] if rng.random() < 0.4 else None
    mounts = rng.choice([True, False, None])
    return some_object(
        rng,
        "v1",
        "ServiceAccount",
        name,
        imagePullSecrets=pulls,
        automountServiceAccountToken=mounts,
    )


def make_service(rng: random.Random, name: str) -> Json:
    """Return a Service with an address of its own."""
    ports: list[Json] = [{"name": "http", "port": 80, "targetPort": rng.choice([8080, "http"])}]
    if rng.random() < 0.4:
        ports.append({"name": "more", "port": 443, "protocol": "TCP"})
    spec: Json = {"selector": {"app": rng.choice(COLORS)}, "ports": ports}
    if rng.random() < 0.2:
        spec["sessionAffinity"] = rng.choice(["None", "ClientIP"])
    if rng.random() < 0.2:
        spec["publishNotReadyAddresses"] = True
    return some_object(rng, "v1", "Service", name, spec=spec)


def make_ingress(rng: random.Random, name: str) -> Json:
    """Return an Ingress of one or two hosts."""
    rules = [_rule(rng, host) for host in ("a.test", "b.test")[: rng.randrange(1, 3)]]
    spec: Json = {"rules": rules}
    if rng.random() < 0.4:
        spec["ingressClassName"] = rng.choice(["nginx", "other"])
    if rng.random() < 0.3:
        spec["tls"] = [{"hosts": ["a.test"], "secretName": "certificate"}]
    return some_object(rng, "networking.k8s.io/v1", "Ingress", name, spec=spec)


def make_autoscaler(rng: random.Random, name: str) -> Json:
    """Return a HorizontalPodAutoscaler."""
    spec: Json = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": rng.randrange(3, 6),
    }
    if rng.random() < 0.6:
        spec["minReplicas"] = rng.randrange(1, 3)
    if rng.random() < 0.6:
        target = {"type": "Utilization", "averageUtilization": rng.choice([50, 80])}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return some_object(rng, "autoscaling/v2", "HorizontalPodAutoscaler", name, spec=spec)


def make_budget(rng: random.Random, name: str) -> Json:
    """Return a PodDisruptionBudget."""
    spec: Json = {"selector": {"matchLabels": {"app": rng.choice(COLORS)}}}
    spec[rng.choice(["minAvailable", "maxUnavailable"])] = rng.choice([1, "50%"])
    return some_object(rng, "policy/v1", "PodDisruptionBudget", name, spec=spec)


def make_lease(rng: random.Random, name: str) -> Json:
    """Return a Lease, held or not."""
    spec: Json = {"leaseDurationSeconds": rng.choice([15, 30])}
    if rng.random() < 0.7:
        spec["holderIdentity"] = rng.choice(COLORS)
        spec["renewTime"] = "2026-01-02T03:04:05.000000Z"
    if rng.random() < 0.4:
        spec["leaseTransitions"] = rng.randrange(3)
    return some_object(rng, "coordination.k8s.io/v1", "Lease", name, spec=spec)


def make_role(rng: random.Random, name: str) -> Json:
    """Return a Role."""
    verbs = rng.sample(["get", "list", "watch"], rng.randrange(1, 4))
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
    return some_object(rng, "rbac.authorization.k8s.io/v1", "Role", name, rules=rules)


def make_network_policy(rng: random.Random, name: str) -> Json:
    """Return a NetworkPolicy."""
    spec: Json = {"podSelector": {"matchLabels": {"app": rng.choice(COLORS)}}}
    if rng.random() < 0.6:
        spec["ingress"] = [{"ports": [{"port": rng.choice([80, "http"])}]}]
    if rng.random() < 0.3:
        spec["egress"] = [{"to": [{"podSelector": {}}]}]
    return some_object(rng, "networking.k8s.io/v1", "NetworkPolicy", name, spec=spec)


def make_role_binding(rng: random.Random, name: str) -> Json:
    """Return a RoleBinding of up to two subjects."""
    account = {"kind": "ServiceAccount", "name": rng.choice(COLORS), "namespace": "elsewhere"}
    subjects = [account, {"kind": "User", "name": "somebody"}][: rng.randrange(3)]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    version = "rbac.authorization.k8s.io/v1"
    return some_object(rng, version, "RoleBinding", name, roleRef=role, subjects=subjects or None)


def make_endpoint_slice(rng: random.Random, name: str) -> Json:
    """Return an EndpointSlice of one address."""
    conditions = {"ready": rng.choice([True, False])}
    point = {"addresses": [f"10.0.0.{rng.randrange(1, 4)}"], "conditions": conditions}
    ports = [{"name": "http", "port": rng.choice([80, 81])}]
    parts: Json = {"addressType": "IPv4", "endpoints": [point], "ports": ports}
    return some_object(rng, "discovery.k8s.io/v1", "EndpointSlice", name, **parts)


def _rule(rng: random.Random, host: str) -> Json:
    port = rng.choice([{"number": 80}, {"name": "http"}])
    backend = {"service": {"name": rng.choice(COLORS), "port": port}}
    path = {"path": rng.choice(["/", "/app"]), "pathType": "Prefix", "backend": backend}
    return {"host": host, "http": {"paths": [path]}}
