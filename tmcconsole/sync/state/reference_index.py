"""What workloads take along, for namespaces of which a Placement takes only that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.sync.assignment.closure import Closure, Links, closure, links_of
from tmcconsole.sync.assignment.references import Reference
from tmcconsole.sync.policy import POD_MAKERS
from tmcconsole.sync.queue.workqueue import Item

if TYPE_CHECKING:
    from tmcconsole.sync.state.hub import Hub


@dataclass(slots=True)
class _Space:
    """One namespace. ``objects`` follows the caches by their events."""

    objects: dict[Reference, Links]
    taken: Closure = field(default_factory=dict)
    is_stale: bool = True  # an object's links changed since ``taken`` was found
    # Some of the workloads, and what those take along; None once a link changed.
    needs: tuple[frozenset[Reference], Closure] | None = None


@dataclass(slots=True)
class ReferenceIndex:
    """Knows the links of namespaces that were asked about. Owned by the engine's loop."""

    hub: Hub
    _spaces: dict[str, _Space] = field(default_factory=dict)
    _undecided: set[Item] = field(default_factory=set)  # asked about before every kind was listed

    def is_taken(self, item: Item) -> bool | None:
        """Return whether a workload takes an object along.

        None if none is known to, but not every kind has been listed: an unseen workload may.
        """
        space = self.refresh(item.key.namespace, make=True)
        assert space is not None
        if Reference(item.lane, item.key.name) in space.taken:
            return True
        if all(watched.informer.synced for watched in self.hub.kinds.values()):
            return False
        self._undecided.add(item)
        return None

    def is_needed(self, item: Item, workloads: frozenset[Reference]) -> bool:
        """Tell whether one of these workloads of its namespace may need an object.

        What a custom resource needs nobody can tell: it may be anything.
        """
        space = self.refresh(item.key.namespace, make=True)
        assert space is not None
        if any(one.kind not in POD_MAKERS for one in workloads):
            return True
        if space.needs is None or space.needs[0] != workloads:
            some = {
                one: links
                for one, links in space.objects.items()
                if not links.is_workload or one in workloads
            }
            space.needs = workloads, closure(some)
        return Reference(item.lane, item.key.name) in space.needs[1]

    def with_whom(self, item: Item) -> Reference | None:
        """Return the object that a taken object goes with; None for a workload."""
        space = self.refresh(item.key.namespace, make=True)
        assert space is not None
        return space.taken.get(Reference(item.lane, item.key.name))

    def note(self, kind: str, key: ObjectKey, new: CachedObject | None) -> None:
        """Handle an event of the hub."""
        space = self._spaces.get(key.namespace)
        if space is None:
            return
        one = Reference(kind, key.name)
        before = space.objects.pop(one, None)
        after = links_of(kind, new.decode()) if new is not None else None
        if after is not None:
            space.objects[one] = after
        if before != after:
            space.is_stale, space.needs = True, None

    def refresh(self, namespace: str, *, make: bool = False) -> _Space | None:
        """Recompute what is taken after changes of links; queue the objects concerned."""
        space = self._spaces.get(namespace)
        if space is None and make:
            space = self._spaces[namespace] = _Space(self._read(namespace))
            space.taken, space.is_stale = closure(space.objects), False
        elif space is not None and space.is_stale:
            before, space.taken, space.is_stale = space.taken, closure(space.objects), False
            for one in sorted(before.keys() ^ space.taken.keys()):
                self.hub.queue.add(one.kind, ObjectKey(namespace, one.name))
        return space

    def forget(self, namespace: str) -> None:
        """Drop a namespace that is gone."""
        self._spaces.pop(namespace, None)

    def look_again(self) -> None:
        """Queue what could not be decided: another kind has been listed."""
        undecided, self._undecided = self._undecided, set()
        for item in sorted(undecided):
            self.hub.queue.add(*item)

    def _read(self, namespace: str) -> dict[Reference, Links]:
        return {
            Reference(kind, cached.name): links_of(kind, cached.decode())
            for kind, watched in sorted(self.hub.kinds.items())
            for cached in watched.informer.in_namespace(namespace)
        }
