"""What a fresh server already has: namespaces, nodes, a logical cluster."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.strategy import initialise, prepare_new
from tmcconsole.sim.storage.server import Server

NODES: Final = 3  # in a workload cluster
NODE_CAPACITY: Final = {"cpu": "16", "memory": "64Gi", "pods": "250"}
_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


def populate(server: Server, base_path: str) -> None:
    """Create what every server of this flavour has from the start."""
    names = _NAMESPACES if server.flavour != "kcp" else ("default", "kube-system")
    for name in names:
        _put(server, "namespaces", {"metadata": {"name": name}})
    if server.flavour == "kcp":
        _logical_cluster(server, base_path)
    if server.flavour == "workload":
        for number in range(1, NODES + 1):
            _node(server, f"{server.name}-node-{number}", number)


def _logical_cluster(server: Server, base_path: str) -> None:
    path = base_path.removeprefix("/clusters/") or server.name
    annotations = {"kcp.io/cluster": _cluster_name(path), "kcp.io/path": path}
    meta = {"name": "cluster", "annotations": annotations}
    status = {"phase": "Ready", "URL": base_path}
    tree = {"metadata": meta, "spec": {}}
    _put(server, "logicalclusters.core.kcp.io", tree, status)


def _cluster_name(path: str) -> str:
    """Return the cluster's name: kcp would generate 16 base-36 characters; here it is the path."""
    return path.rpartition(":")[2]


def _node(server: Server, name: str, number: int) -> None:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    conditions = [
        {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": server.stamp(),
            "lastTransitionTime": server.stamp(),
        }
    ]
    status = {
        "capacity": dict(NODE_CAPACITY),
        "allocatable": dict(NODE_CAPACITY),
        "conditions": conditions,
        "nodeInfo": _node_info(name),
        "addresses": [
            {"type": "InternalIP", "address": f"10.0.{number // 250}.{number % 250 + 1}"},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    }
    _put(server, "nodes", {"metadata": {"name": name, "labels": labels}, "spec": {}}, status)


def _node_info(name: str) -> Json:
    machine, boot = _identity(name), _identity(f"{name} boot")
    return {
        "machineID": machine.hex,
        "systemUUID": str(machine),
        "bootID": str(boot),
        "kernelVersion": "6.12.0-tmc.sim",
        "osImage": "Simulated Linux",
        "containerRuntimeVersion": "containerd://2.1.0-tmc.sim",
        "kubeletVersion": "v1.36.0-tmc.sim",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def _identity(text: str) -> UUID:
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


def _put(server: Server, kind_id: str, tree: Json, status: Json | None = None) -> None:
    kind = server.kinds.by_id(kind_id)
    if kind is None:
        return
    new = prepare_new(server, kind, tree)
    initialise(server, kind, new)
    if status is not None:
        new["status"] = status
        new["spec"].pop("taints", None)  # the node is ready, so not tainted
    server.store.put(kind, new, manager="kube-apiserver")
