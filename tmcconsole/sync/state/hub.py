"""The hub, as the reconcilers see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit
from tmcconsole.sync.queue.workqueue import WorkQueue
from tmcconsole.sync.state.hub_writer import HubWriter


@dataclass(slots=True)
class Watched:
    """A kind on one side, with the cache of its objects."""

    kind: Kind
    informer: Informer


@dataclass(slots=True)
class Hub:
    """Where desired state is written. One informer per kind, shared by all targets."""

    client: Reader  # what changes something goes through the writer
    writer: HubWriter
    concurrency: ConcurrencyLimit
    cluster: str  # logical cluster name on kcp, UID of kube-system elsewhere
    flavour: str  # kcp | kubernetes
    namespaces: Informer
    queue: WorkQueue  # objects whose assignment must be reconciled
    statuses: WorkQueue  # objects whose status must be written
    kinds: dict[str, Watched] = field(default_factory=dict)  # by Kind.id
    ending: frozenset[str] = frozenset()  # ids of kinds whose CRD is being deleted with all objects

    def cached(self, kind: str, key: ObjectKey) -> CachedObject | None:
        """Return the hub object from the cache."""
        watched = self.kinds.get(kind)
        return watched.informer.get(key) if watched else None
