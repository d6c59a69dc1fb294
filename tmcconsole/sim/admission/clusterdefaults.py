"""Defaults of volumes, webhooks, events and classes: cluster-level kinds, not applications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tmcconsole.kube.objects import Json


def fill(tree: Json, **values: Any) -> None:
    """Set values that are absent, null or an empty string, in place."""
    for key, value in values.items():
        if tree.get(key) in (None, ""):
            tree[key] = value


def _volume(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    if spec.get("hostPath"):
        spec["hostPath"].setdefault("type", "")


def _node(tree: Json) -> None:
    for condition in (tree.get("status") or {}).get("conditions") or ():
        condition.setdefault("lastHeartbeatTime", None)
        condition.setdefault("lastTransitionTime", None)


def _endpoint_slice(tree: Json) -> None:
    tree.setdefault("endpoints", None)
    tree.setdefault("ports", None)
    for endpoint in tree["endpoints"] or ():
        endpoint.setdefault("conditions", {})
    for port in tree["ports"] or ():
        fill(port, protocol="TCP")
        port.setdefault("name", "")


def _ingress_class(tree: Json) -> None:
    parameters = (tree.get("spec") or {}).get("parameters")
    if parameters:
        fill(parameters, scope="Cluster")


def _mutating(tree: Json) -> None:
    _webhooks(tree, reinvocationPolicy="Never")


def _validating(tree: Json) -> None:
    _webhooks(tree)


def _webhooks(tree: Json, **more: Any) -> None:
    for hook in tree.get("webhooks") or ():
        fill(hook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10, **more)
        fill(hook, namespaceSelector={}, objectSelector={})
        for rule in hook.get("rules") or ():
            fill(rule, scope="*")
        if (hook.get("clientConfig") or {}).get("service"):
            fill(hook["clientConfig"]["service"], port=443)


def _event(tree: Json) -> None:
    tree.setdefault("eventTime", None)
    tree.setdefault("reportingComponent", "")
    tree.setdefault("reportingInstance", "")


def _storage_class(tree: Json) -> None:
    fill(tree, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _priority_class(tree: Json) -> None:
    fill(tree, preemptionPolicy="PreemptLowerPriority")


HOOKS: Final[dict[str, Callable[[Json], None]]] = {
    "nodes": _node,
    "persistentvolumes": _volume,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "ingressclasses.networking.k8s.io": _ingress_class,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _mutating,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _validating,
    "events": _event,
    "storageclasses.storage.k8s.io": _storage_class,
    "priorityclasses.scheduling.k8s.io": _priority_class,
}
