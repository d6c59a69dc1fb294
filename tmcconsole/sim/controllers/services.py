"""Services: the EndpointSlices of their ready pods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import is_true
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import (
    DependentIndex,
    is_terminating,
    key_of,
    reference_to,
)
from tmcconsole.sim.storage.store import Commit, StoreKey

SLICES: Final = "endpointslices.discovery.k8s.io"


def services(local: Local, owned: DependentIndex) -> ClusterController:
    """Return the controller that keeps one EndpointSlice for each Service with a selector."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == "services":
            return [commit.key]
        if commit.kind_id != "pods":
            return ()
        labels = ((commit.new or commit.old or {}).get("metadata") or {}).get("labels") or {}
        return [
            stored.key
            for stored in local.server.store.items("services", commit.key.namespace)
            if _selects(stored.tree(), labels)
        ]

    def reconcile(key: StoreKey) -> None:
        service = local.get("services", key)
        if service is None or is_terminating(service) or not service["spec"].get("selector"):
            return
        pods = [
            pod
            for pod in local.items("pods", key.namespace)
            if _selects(service, pod["metadata"].get("labels") or {}) and _address(pod)
        ]
        wanted = {
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod) for pod in pods if not is_terminating(pod)],
            "ports": [_port(port) for port in service["spec"].get("ports") or ()],
        }
        _write(local, service, owned.controlled(service, SLICES), wanted)

    return ClusterController("service", keys_of, reconcile)


def _selects(service: Json, labels: Json) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _address(pod: Json) -> str:
    return str((pod.get("status") or {}).get("podIP") or "")


def _endpoint(pod: Json) -> Json:
    ready = is_true(pod, "Ready")
    meta = pod["metadata"]
    reference = {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"]}
    return {
        "addresses": [_address(pod)],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": {**reference, "uid": meta["uid"]},
    }


def _port(port: Json) -> Json:
    number = port.get("targetPort")
    return {
        "name": port.get("name") or "",
        "port": number if isinstance(number, int) else port["port"],
        "protocol": port.get("protocol") or "TCP",
    }


def _write(local: Local, service: Json, present: list[Json], wanted: Json) -> None:
    meta = service["metadata"]
    if not present:
        metadata = {
            "name": f"{meta['name'][:57]}-{local.server.name_suffix()}",
            "namespace": meta["namespace"],
            "labels": {
                "kubernetes.io/service-name": meta["name"],
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [reference_to(service)],
        }
        local.create(SLICES, {"metadata": metadata, **wanted})
        return
    local.patch(SLICES, key_of(present[0]), wanted)
