"""A part of a collection: a namespace, labels, one name."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.kube.objects import CachedObject, labels_of


@dataclass(frozen=True, slots=True)
class Scope:
    """Empty fields select everything."""

    namespace: str = ""
    label_selector: str = ""  # terms ``key=value`` and ``key``, with commas
    name: str = ""  # of one object in that namespace

    @property
    def field_selector(self) -> str:
        """The name as a field selector for the API server."""
        return f"metadata.name={self.name}" if self.name else ""

    def holds(self, cached: CachedObject) -> bool:
        """True for an object with the namespace and the name, whatever its labels."""
        return self.namespace in ("", cached.namespace) and self.name in ("", cached.name)

    def selects(self, cached: CachedObject) -> bool:
        """True for an object that also has the labels."""
        if not self.holds(cached):
            return False
        if not self.label_selector:
            return True
        labels = labels_of(cached.decode())
        terms = [term.partition("=") for term in self.label_selector.split(",")]
        return all(
            labels.get(key) == value if equals else key in labels for key, equals, value in terms
        )
