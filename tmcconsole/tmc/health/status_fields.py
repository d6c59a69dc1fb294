"""Reads fields of an object of any shape: missing or malformed fields read as empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Kubernetes' own groups; a Service in another group is a different kind.
BUILTIN: Final = frozenset(
    {
        "apps",
        "autoscaling",
        "batch",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "extensions",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)


class Fields:
    """A decoded object, read without trusting its shape."""

    __slots__ = ("metadata", "spec", "status", "tree")

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree
        self.metadata = mapping(tree.get("metadata"))
        self.spec = mapping(tree.get("spec"))
        self.status = mapping(tree.get("status"))

    @property
    def is_deleting(self) -> bool:
        """True once the object has a deletionTimestamp."""
        return bool(self.metadata.get("deletionTimestamp"))

    @property
    def is_builtin(self) -> bool:
        """True for Kubernetes' own groups; list items carry no apiVersion and are trusted."""
        group, slash, _ = str(self.tree.get("apiVersion") or "").partition("/")
        return not slash or group in BUILTIN

    @property
    def is_outdated(self) -> bool:
        """True if the status refers to an older spec."""
        observed = self.status.get("observedGeneration")
        return observed is not None and number(observed) < number(self.metadata.get("generation"))

    def count(self, field: str) -> int:
        """Return a counter of the status, 0 if it is missing."""
        return number(self.status.get(field))

    def wanted(self, field: str = "replicas") -> int:
        """Return a count of the spec, 1 if it is missing, as Kubernetes defaults all of them."""
        value = self.spec.get(field)
        return 1 if value is None else number(value)

    def condition(self, kind: str) -> Mapping[str, Any]:
        """Return the condition of that type, {} if there is none."""
        for candidate in self.conditions():
            if candidate.get("type") == kind:
                return candidate
        return {}

    def conditions(self) -> Iterator[Mapping[str, Any]]:
        """Yield the conditions that are objects."""
        yield from mappings(self.status.get("conditions"))

    def has(self, kind: str, status: str = "True") -> bool:
        """Return whether the condition of that type has that status."""
        return bool(self.condition(kind).get("status") == status)


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else {}."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the value if it is a list."""
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def number(value: object) -> int:
    """Return the value if it is a whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def text(value: object, fallback: str = "") -> str:
    """Return the value if it is a non-empty string, else ``fallback``."""
    return value if isinstance(value, str) and value else fallback
