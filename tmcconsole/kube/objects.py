"""Kinds, keys and cached objects: a small typed header, and the rest as bytes.

Decoded trees are not kept: they take ten times the memory and stall the garbage collector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import orjson

Json = dict[str, Any]


class ObjectKey(NamedTuple):
    """Identifies an object within its kind. ``namespace`` is "" for cluster-scoped kinds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Kind(msgspec.Struct, frozen=True, gc=False):
    """One served resource in one version."""

    group: str  # "" = core
    version: str
    resource: str  # plural, lower case: deployments
    kind: str  # Deployment
    namespaced: bool = True
    verbs: frozenset[str] = frozenset()
    subresources: frozenset[str] = frozenset()  # status, scale, ...

    @property
    def id(self) -> str:
        """``resource.group``, or just ``resource`` for the core group: the same in any version."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def api_version(self) -> str:
        """``group/version``, or ``version`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base_path(self) -> str:
        """``/api/v1`` or ``/apis/group/version``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


NAMESPACES: Final = Kind(
    "",
    "v1",
    "namespaces",
    "Namespace",
    False,
    frozenset({"get", "list", "watch", "create", "patch", "delete"}),
    frozenset({"status"}),
)


class CachedObject(msgspec.Struct, frozen=True, gc=False):
    """What a cache holds of one object; ``raw`` lacks managedFields and last-applied."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    deleting: bool  # has a deletionTimestamp
    # Of everything except status, resourceVersion, generation and managedFields. Comparable within
    # one API server only: below the top level, keys are in the server's order.
    content_digest: bytes
    status_digest: bytes  # of status; b"" without one
    raw: bytes  # JSON, exact size, keys as the server sent them

    @property
    def key(self) -> ObjectKey:
        """The object's key."""
        return ObjectKey(self.namespace, self.name)

    def decode(self) -> Json:
        """Return a fresh tree, the caller's to change."""
        tree: Json = orjson.loads(self.raw)
        return tree


def content_changed(old: CachedObject | None, new: CachedObject | None) -> bool:
    """True if an event changed more than status: desired state, labels or annotations, or
    existence.
    """
    if old is None or new is None:
        return old is not new
    return old.content_digest != new.content_digest or old.deleting != new.deleting


def labels_of(tree: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of a decoded object, {} if it has none; the dict belongs to the tree."""
    return _strings(tree, "labels")


def annotations_of(tree: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the annotations of a decoded object, {} if it has none; the dict belongs to the
    tree.
    """
    return _strings(tree, "annotations")


def finalizers_of(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the finalizers of a decoded object."""
    return tuple((tree.get("metadata") or {}).get("finalizers") or ())


def key_of(tree: Mapping[str, Any]) -> ObjectKey:
    """Return the key of a decoded object."""
    meta = tree["metadata"]
    return ObjectKey(meta.get("namespace") or "", meta["name"])


def condition_of(tree: Mapping[str, Any], kind: str) -> Json | None:
    """Return the status condition of that type, or None."""
    for candidate in conditions_of(tree):
        if candidate.get("type") == kind:
            return candidate
    return None


def conditions_of(tree: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the well-formed status conditions of a decoded object."""
    status = tree.get("status")
    found = status.get("conditions") if isinstance(status, dict) else None
    yield from (entry for entry in found or () if isinstance(entry, dict))


def _strings(tree: Mapping[str, Any], field: str) -> Mapping[str, str]:
    value = (tree.get("metadata") or {}).get(field)
    return value if isinstance(value, dict) else {}
