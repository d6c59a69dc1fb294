"""The CustomResourceDefinitions of one API server, watched if the account may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.cache.informer_state import InformerState, Phase
from tmcconsole.kube.client.reader import Watcher
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.kube.trees.schema_compatibility import Schema, schema_in
from tmcconsole.runtime import Runtime

CRDS: Final = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)


@dataclass(frozen=True, slots=True)
class KnownDefinitions:
    """Owns the informer. A CRD's name is the id of the kind it defines."""

    informer: Informer

    @property
    def are_known(self) -> bool:
        """True once they are listed, or clearly cannot be for now."""
        return self.informer.synced or self.informer.state.phase is not Phase.LISTING

    @property
    def are_watched(self) -> bool:
        """True if a change is noticed within moments."""
        return self.informer.state.phase is Phase.WATCHING

    def schema(self, kind: Kind) -> Schema | None:
        """Return the schema of a custom resource, or None if none is available."""
        tree = self._tree(kind.id)
        return schema_in(tree, kind.version) if tree else None

    def ending(self) -> frozenset[str]:
        """Return the ids of kinds whose CRD is being deleted, along with all their objects."""
        return frozenset(found.name for found in self.informer.objects() if found.deleting)

    def _tree(self, kind_id: str) -> Json | None:
        cached = self.informer.get(ObjectKey("", kind_id))
        return cached.decode() if cached else None


def watch_definitions(
    client: Watcher, runtime: Runtime, changed: Callable[[], None]
) -> KnownDefinitions:
    """Return the CRDs of a server; ``changed`` is called when they change."""
    informer: Informer

    def on_change(
        _kind: Kind, _key: ObjectKey, _old: CachedObject | None, _new: CachedObject | None
    ) -> None:
        if informer.synced:  # for the first list, on_state is called
            changed()

    def on_state(_kind: Kind, _state: InformerState) -> None:
        changed()

    informer = Informer(client, CRDS, runtime, on_change=on_change, on_state=on_state)
    return KnownDefinitions(informer)
