"""What an object refers to by name within its namespace. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from tmcconsole.kube.objects import Json
from tmcconsole.kube.plurals import resource_id
from tmcconsole.sync.names.podspecs import containers, entries, part, pod_spec

CONFIGMAPS: Final = "configmaps"
SECRETS: Final = "secrets"
CLAIMS: Final = "persistentvolumeclaims"
ACCOUNTS: Final = "serviceaccounts"
SERVICES: Final = "services"
# What pods cannot start without: whatever refers to one of these goes to a target after it.
AWAITED: Final = frozenset({CONFIGMAPS, SECRETS, CLAIMS, ACCOUNTS})


class Reference(NamedTuple):
    """An object of the same namespace."""

    kind: str  # Kind.id
    name: str


def references(kind: str, tree: Json) -> frozenset[Reference]:
    """Return what an object of kind id ``kind`` refers to, whether it exists or not."""
    found = list(_of_pods(pod_spec(kind, tree)))
    of_kind = _BY_KIND.get(kind)
    if of_kind is not None:
        found += of_kind(tree)
    named = {Reference(one, name) for one, name in found if isinstance(name, str) and name}
    return frozenset(named)


# Any text may be a name here: only references() says which count.
_Found = Iterator[tuple[str, Any]]


def _of_pods(spec: Json) -> _Found:
    yield ACCOUNTS, spec.get("serviceAccountName") or spec.get("serviceAccount")
    for one in entries(spec, "imagePullSecrets"):
        yield SECRETS, one.get("name")
    for volume in entries(spec, "volumes"):
        yield from _of_volume(volume)
    for container in containers(spec):
        yield from _of_container(container)


def _of_volume(volume: Json) -> _Found:
    yield CONFIGMAPS, part(volume, "configMap").get("name")
    yield SECRETS, part(volume, "secret").get("secretName")
    yield CLAIMS, part(volume, "persistentVolumeClaim").get("claimName")
    yield SECRETS, part(volume, "azureFile").get("secretName")
    yield SECRETS, part(volume, "csi", "nodePublishSecretRef").get("name")
    for source in ("cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"):
        yield SECRETS, part(volume, source, "secretRef").get("name")
    for projected in entries(part(volume, "projected"), "sources"):
        yield CONFIGMAPS, part(projected, "configMap").get("name")
        yield SECRETS, part(projected, "secret").get("name")


def _of_container(container: Json) -> _Found:
    for source in entries(container, "envFrom"):
        yield CONFIGMAPS, part(source, "configMapRef").get("name")
        yield SECRETS, part(source, "secretRef").get("name")
    for variable in entries(container, "env"):
        yield CONFIGMAPS, part(variable, "valueFrom", "configMapKeyRef").get("name")
        yield SECRETS, part(variable, "valueFrom", "secretKeyRef").get("name")


def _of_stateful_set(tree: Json) -> _Found:
    yield SERVICES, part(tree, "spec").get("serviceName")


def _of_ingress(tree: Json) -> _Found:
    spec = part(tree, "spec")
    for tls in entries(spec, "tls"):
        yield SECRETS, tls.get("secretName")
    yield SERVICES, part(spec, "defaultBackend", "service").get("name")
    for rule in entries(spec, "rules"):
        for path in entries(part(rule, "http"), "paths"):
            yield SERVICES, part(path, "backend", "service").get("name")


def _of_autoscaler(tree: Json) -> _Found:
    ref = part(tree, "spec", "scaleTargetRef")
    version, kind = ref.get("apiVersion"), ref.get("kind")
    if isinstance(version, str) and isinstance(kind, str):
        yield resource_id(version, kind), ref.get("name")


def _of_account(tree: Json) -> _Found:
    for field in ("secrets", "imagePullSecrets"):
        for one in entries(tree, field):
            yield SECRETS, one.get("name")


def _of_claim(tree: Json) -> _Found:
    source = part(tree, "spec", "dataSource")
    if source.get("kind") == "PersistentVolumeClaim":
        yield CLAIMS, source.get("name")


_BY_KIND: Final[dict[str, Callable[[Json], _Found]]] = {
    "statefulsets.apps": _of_stateful_set,
    "ingresses.networking.k8s.io": _of_ingress,
    "horizontalpodautoscalers.autoscaling": _of_autoscaler,
    ACCOUNTS: _of_account,
    CLAIMS: _of_claim,
}
