"""Which part of a collection is meant: a namespace, labels, one name."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.kube.objects import CachedObject, labels_of


@dataclass(frozen=True, slots=True)
class Scope:
    """Empty fields select everything."""

    namespace: str = ""
    label_selector: str = ""  # of the terms ``key=value`` and ``key``, with commas
    name: str = ""  # of one object, in that namespace

    @property
    def field_selector(self) -> str:
        """The same name as the API server is asked for it."""
        return f"metadata.name={self.name}" if self.name else ""

    def holds(self, cached: CachedObject) -> bool:
        """True for an object in the namespace and of the name, whatever its labels."""
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
