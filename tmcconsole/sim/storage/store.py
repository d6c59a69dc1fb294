"""The objects of one API server, their versions, and a bounded history for watches.

An object is kept once, as JSON without its Kind and version: lists are joins of bytes, and a
custom resource is served in any version without being touched.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import anyio
import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.mishaps import Mishaps

HISTORY: Final = 10_000  # events kept per kind; a watch from before those is answered 410


class StoreKey(NamedTuple):
    """An object's place within its kind; ``namespace`` is "" for cluster-scoped kinds."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One committed version of one object."""

    kind: SimKind  # as which the object was last written
    key: StoreKey
    uid: str
    version: int  # resourceVersion
    labels: dict[str, str]
    body: bytes  # JSON without kind and apiVersion, which a version of the kind supplies

    def raw(self, kind: SimKind | None = None) -> bytes:
        """Return the object's JSON as ``kind`` serves it."""
        return (kind or self.kind).head + self.body[1:]

    def tree(self, kind: SimKind | None = None) -> Json:
        """Return a fresh tree, which the caller may modify."""
        served = kind or self.kind
        fields: Json = orjson.loads(self.body)
        return {"kind": served.kind, "apiVersion": served.api_version, **fields}


@dataclass(frozen=True, slots=True)
class Event:
    """One change. For DELETED ``new`` is the last state, at the version of the deletion."""

    type: str
    version: int
    new: Stored
    old: Stored | None
    lines: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by (type, apiVersion)

    def line(self, kind: SimKind, type_: str) -> bytes:
        """Return the watch line, which is serialised once for all watchers."""
        cached = self.lines.get((type_, kind.api_version))
        if cached is None:
            cached = b'{"type":"%s","object":%s}\n' % (type_.encode(), self.new.raw(kind))
            self.lines[type_, kind.api_version] = cached
        return cached


@dataclass(frozen=True, slots=True)
class Commit:
    """The argument of a commit hook."""

    verb: str  # create, update or delete
    kind_id: str
    key: StoreKey
    old: Json | None
    new: Json | None  # None for a delete
    manager: str  # field manager, or user agent
    subresource: str = ""


class _Shelf:
    """The objects of one kind in order, and their recent history."""

    def __init__(self) -> None:
        self.objects: dict[StoreKey, Stored] = {}
        self.keys: list[StoreKey] = []
        self.history: deque[Event] = deque(maxlen=HISTORY)
        self.appended = 0  # events ever appended; cursors are such counts
        self.lost_version = 0  # the newest version dropped from the history
        self.waiting: list[anyio.Event] = []

    def append(self, event: Event) -> None:
        if len(self.history) == HISTORY:
            self.lost_version = self.history[0].version
        self.history.append(event)
        self.appended += 1
        self.wake()

    def wake(self) -> None:
        waiting, self.waiting = self.waiting, []
        for watcher in waiting:
            watcher.set()

    def forget(self, version: int) -> None:
        self.history.clear()
        self.lost_version = version


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All objects at one version. Stored objects are immutable, so this is cheap."""

    version: int
    shelves: dict[str, list[Stored]]  # by key

    def items(self, kind_id: str, namespace: str = "") -> list[Stored]:
        """Return the objects of a kind by key, of one namespace or of all."""
        shelf = self.shelves.get(kind_id, [])
        if not namespace:
            return shelf
        first = bisect_left(shelf, StoreKey(namespace, ""), key=_key)
        return shelf[first : bisect_left(shelf, StoreKey(namespace + "\0", ""), key=_key)]

    def at(self, _kind_id: str, version: int) -> Snapshot | None:
        """Return this snapshot if it is of that version, else None."""
        return self if version == self.version else None


def _key(stored: Stored) -> StoreKey:
    return stored.key


class Store:
    """Objects by kind and key. Modified by its methods only; never blocks, never awaits."""

    def __init__(self) -> None:
        self.resource_version = 1
        self._shelves: dict[str, _Shelf] = {}
        self._hooks: list[Callable[[Commit], None]] = []
        self.writes = 0  # commits so far
        self.mishaps = Mishaps()

    def __repr__(self) -> str:
        return f"Store(count={self.count}, resource_version={self.resource_version})"

    @property
    def count(self) -> int:
        """The number of objects of all kinds."""
        return sum(len(shelf.objects) for shelf in self._shelves.values())

    def get(self, kind_id: str, namespace: str, name: str) -> Json | None:
        """Return an object as a fresh tree, or None."""
        found = self.find(kind_id, StoreKey(namespace, name))
        return found.tree() if found else None

    def find(self, kind_id: str, key: StoreKey) -> Stored | None:
        """Return an object as it is stored, or None."""
        return self._shelf(kind_id).objects.get(key)

    def items(self, kind_id: str, namespace: str = "") -> list[Stored]:
        """Return the objects of a kind by key, of one namespace or of all."""
        shelf = self._shelf(kind_id)
        if not namespace:
            return [shelf.objects[key] for key in shelf.keys]
        first = bisect_left(shelf.keys, StoreKey(namespace, ""))
        last = bisect_left(shelf.keys, StoreKey(namespace + "\0", ""))
        return [shelf.objects[key] for key in shelf.keys[first:last]]

    def trees(self, kind_id: str, namespace: str = "") -> list[Json]:
        """Return the objects of a kind as fresh trees, by key."""
        return [stored.tree() for stored in self.items(kind_id, namespace)]

    def kind_ids(self) -> list[str]:
        """Return the kinds that have objects."""
        return sorted(name for name, shelf in self._shelves.items() if shelf.objects)

    def on_commit(self, hook: Callable[[Commit], None]) -> Callable[[], None]:
        """Call ``hook`` after each committed write, before its request is answered.

        The trees it is given are shared between hooks. Returns a function that unsubscribes.
        """
        self._hooks.append(hook)
        return lambda: self._hooks.remove(hook)

    def put(self, kind: SimKind, tree: Json, *, manager: str = "", subresource: str = "") -> Stored:
        """Commit a new object or a new version of one, with the next resourceVersion."""
        meta = tree["metadata"]
        key = StoreKey(meta.get("namespace") or "", meta["name"])
        self.resource_version += 1
        meta["resourceVersion"] = str(self.resource_version)
        stored = self._store(kind, key, tree)
        shelf = self._shelf(kind.id)
        old = shelf.objects.get(key)
        if old is None:
            insort(shelf.keys, key)
        shelf.objects[key] = stored
        verb = "update" if old else "create"
        event = Event("MODIFIED" if old else "ADDED", stored.version, stored, old)
        shelf.append(event)
        self._committed(verb, event, manager, subresource)
        return stored

    def remove(self, stored: Stored, tree: Json | None = None, *, manager: str = "") -> Stored:
        """Commit the removal of an object; return its last state with the removal's version."""
        shelf = self._shelf(stored.kind.id)
        self.resource_version += 1
        last = tree or stored.tree()
        last["metadata"]["resourceVersion"] = str(self.resource_version)
        tombstone = self._store(stored.kind, stored.key, last)
        old = shelf.objects.pop(stored.key)
        shelf.keys.pop(bisect_left(shelf.keys, stored.key))
        event = Event("DELETED", tombstone.version, tombstone, old)
        shelf.append(event)
        self._committed("delete", event, manager, "")
        return tombstone

    def events_after(self, kind_id: str, version: int) -> tuple[list[Event], int] | None:
        """Return the events newer than ``version`` and a cursor behind them.

        None where the history no longer reaches back that far.
        """
        shelf = self._shelf(kind_id)
        if version < shelf.lost_version:
            return None
        return [event for event in shelf.history if event.version > version], shelf.appended

    def events_from(self, kind_id: str, cursor: int) -> tuple[list[Event], int] | None:
        """Return the events from a cursor on and the next cursor; None if some are lost."""
        shelf = self._shelf(kind_id)
        missing = shelf.appended - cursor
        if missing > len(shelf.history):
            return None
        if not missing:
            return [], cursor
        start = len(shelf.history) - missing
        return [shelf.history[index] for index in range(start, len(shelf.history))], shelf.appended

    def newer(self, kind_id: str) -> anyio.Event:
        """Return an anyio event that is set at the kind's next change."""
        awaited = anyio.Event()
        self._shelf(kind_id).waiting.append(awaited)
        return awaited

    def no_longer_waiting(self, kind_id: str, awaited: anyio.Event) -> None:
        """Drop an event from ``newer`` that nobody waits for any more."""
        waiting = self._shelf(kind_id).waiting
        if awaited in waiting:
            waiting.remove(awaited)

    def wake(self, kind_id: str) -> None:
        """Wake up everyone who waits for a kind's next change."""
        self._shelf(kind_id).wake()

    def oldest(self, kind_id: str) -> int:
        """Return the oldest version from which the kind can be watched."""
        return self._shelf(kind_id).lost_version

    def compact(self) -> None:
        """Drop the history: watchers that are behind must list again."""
        for shelf in self._shelves.values():
            shelf.forget(self.resource_version)

    def snapshot(self) -> Snapshot:
        """Return the current state of all objects."""
        shelves = {name: self.items(name) for name in self._shelves}
        return Snapshot(self.resource_version, shelves)

    def at(self, kind_id: str, version: int) -> Snapshot | None:
        """Return the objects of one kind as they were at a version.

        None where the history no longer reaches back that far.
        """
        shelf = self._shelf(kind_id)
        if version < shelf.lost_version:
            return None
        objects = dict(shelf.objects)
        for event in reversed(shelf.history):
            if event.version <= version:
                break
            if event.old is None:
                objects.pop(event.new.key, None)
            else:
                objects[event.new.key] = event.old
        return Snapshot(version, {kind_id: [objects[key] for key in sorted(objects)]})

    def restore(self, backup: Snapshot) -> None:
        """Restore an earlier state with its resourceVersion, as a restored etcd backup does.

        Hooks see the differences; older watches and continue tokens end.
        """
        for kind_id in sorted({*self._shelves, *backup.shelves}):
            shelf = self._shelf(kind_id)
            before = shelf.objects
            shelf.objects = {stored.key: stored for stored in backup.items(kind_id)}
            shelf.keys = sorted(shelf.objects)
            shelf.forget(backup.version)
            for key in sorted({*before, *shelf.objects}):
                self._restored(kind_id, key, before.get(key), shelf.objects.get(key))
        self.resource_version = backup.version

    def _restored(
        self, kind_id: str, key: StoreKey, old: Stored | None, new: Stored | None
    ) -> None:
        if old is new:
            return
        verb = "delete" if new is None else "update" if old else "create"
        before, after = (stored.tree() if stored else None for stored in (old, new))
        self._tell(
            Commit(verb=verb, kind_id=kind_id, key=key, old=before, new=after, manager="restore")
        )

    def _shelf(self, kind_id: str) -> _Shelf:
        shelf = self._shelves.get(kind_id)
        if shelf is None:
            shelf = self._shelves[kind_id] = _Shelf()
        return shelf

    def _store(self, kind: SimKind, key: StoreKey, tree: Json) -> Stored:
        meta = tree["metadata"]
        fields = {name: value for name, value in tree.items() if name not in ("kind", "apiVersion")}
        body = bytes(
            memoryview(orjson.dumps(fields))
        )  # exact size, without the writer's spare capacity
        return Stored(
            kind=kind,
            key=key,
            uid=meta["uid"],
            version=self.resource_version,
            labels=meta.get("labels") or {},
            body=body,
        )

    def _committed(self, verb: str, event: Event, manager: str, subresource: str) -> None:
        self.writes += 1
        if not self._hooks:
            return
        old = event.old.tree() if event.old else None
        new = None if verb == "delete" else event.new.tree()
        commit = Commit(
            verb=verb,
            kind_id=event.new.kind.id,
            key=event.new.key,
            old=old,
            new=new,
            manager=manager,
            subresource=subresource,
        )
        self._tell(commit)

    def _tell(self, commit: Commit) -> None:
        """Call every hook; an exception in one does not affect the write."""
        for hook in self._hooks:
            try:
                hook(commit)
            except Exception as error:  # noqa: BLE001  # told, and the write stands
                self.mishaps.tell(f"after a write of {commit.kind_id} {commit.key}", error)
