"""What is declared of the built-in kinds: their fields at the top, and the types of some.

Deeper fields are taken as they come: docs/simulator.md says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.sim.kinds import SimKind
from tmcconsole.sim.structural import unknown_fields

Json = dict[str, Any]

_METADATA: Final = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_HEAD: Final = frozenset({"apiVersion", "kind", "metadata"})
_TOP: Final = {
    "controllerrevisions.apps": {"data", "revision"},
    "configmaps": {"data", "binaryData", "immutable"},
    "secrets": {"data", "stringData", "type", "immutable"},
    "serviceaccounts": {"secrets", "imagePullSecrets", "automountServiceAccountToken"},
    "roles.rbac.authorization.k8s.io": {"rules"},
    "clusterroles.rbac.authorization.k8s.io": {"rules", "aggregationRule"},
    "rolebindings.rbac.authorization.k8s.io": {"subjects", "roleRef"},
    "clusterrolebindings.rbac.authorization.k8s.io": {"subjects", "roleRef"},
    "namespaces": {"spec", "status"},
    "services": {"spec", "status"},
    "pods": {"spec", "status"},
    "persistentvolumeclaims": {"spec", "status"},
    "leases.coordination.k8s.io": {"spec"},
    "networkpolicies.networking.k8s.io": {"spec"},
}
_SPEC_AND_STATUS: Final = {
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "networking.k8s.io",
    "apiextensions.k8s.io",
}
_TEXTS: Final = ("name", "namespace", "generateName", "uid", "resourceVersion")
_TEXT_MAPS: Final = ("labels", "annotations")
_STRUCTS: Final = ("spec", "status")
_DATA_KINDS: Final = ("configmaps", "secrets")
_DATA: Final = ("data", "stringData")


def unknown(kind: SimKind, tree: Json) -> list[str]:
    """Return the paths of the fields that nobody declared."""
    meta = [f"metadata.{name}" for name in tree.get("metadata") or {} if name not in _METADATA]
    if kind.is_custom:
        return meta + (unknown_fields(tree, kind.schema) if kind.schema else [])
    top = _top(kind)
    return meta + [name for name in tree if top is not None and name not in top]


def without_unknown(kind: SimKind, tree: Json) -> Json:
    """Return an object of a built-in kind without them."""
    top = _top(kind)
    kept = {key: value for key, value in tree.items() if top is None or key in top}
    meta = {key: value for key, value in tree["metadata"].items() if key in _METADATA}
    return {**kept, "metadata": meta}


def mistyped(kind: SimKind, tree: Json) -> str:
    """Return the path of a field that has another type than declared, or nothing."""
    return next(_mistyped(kind, tree), "")


def _mistyped(kind: SimKind, tree: Json) -> Iterator[str]:
    meta = tree.get("metadata") or {}
    yield from (f"metadata.{n}" for n in _TEXTS if not isinstance(meta.get(n) or "", str))
    yield from (f"metadata.{n}" for n in _TEXT_MAPS if not _is_text_map(meta.get(n)))
    if not kind.is_custom:
        yield from (n for n in _STRUCTS if not isinstance(tree.get(n) or {}, dict))
    if kind.id in _DATA_KINDS:
        yield from (n for n in _DATA if not _is_text_map(tree.get(n)))


def _is_text_map(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, dict) and all(isinstance(v or "", str) for v in value.values())


def _top(kind: SimKind) -> frozenset[str] | None:
    declared = _TOP.get(kind.id)
    if declared is None and kind.group in _SPEC_AND_STATUS:
        declared = {"spec", "status"}
    return _HEAD | declared if declared is not None else None
