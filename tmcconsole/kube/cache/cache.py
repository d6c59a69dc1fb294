"""The cache of one collection, and the rules for which updates it accepts.

A resourceVersion orders what we know of a collection: nothing older replaces anything newer,
whether it arrives late, twice, or from a lagging server. Versions that are not plain numbers cannot
be ordered; then the last to arrive wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey

# (kind, key, old, new): an addition has no old, a deletion no new.
OnChange = Callable[[Kind, ObjectKey, CachedObject | None, CachedObject | None], None]


@dataclass(frozen=True, slots=True)
class WholeList:
    """One complete list."""

    objects: dict[ObjectKey, CachedObject]
    resource_version: str
    # Items of the list that could not be decoded, and why; the key is None if even the name is
    # unreadable.
    quarantined: dict[ObjectKey | None, SafeText]

    def may_hold(self, key: ObjectKey) -> bool:
        """Return whether the object is in the list, or could be among its unreadable items."""
        return key in self.objects or key in self.quarantined or None in self.quarantined


class Shrink(NamedTuple):
    """A list that lost more than half of our objects. Numbered from 1, without gaps."""

    number: int
    before: int  # objects
    kept: int  # of those, still in the list


class Cache:
    """Owns the objects of one collection, their index by namespace, and the stream's position."""

    def __init__(self, kind: Kind, on_change: OnChange) -> None:
        self.objects: dict[ObjectKey, CachedObject] = {}
        self.by_namespace: dict[str, set[ObjectKey]] = {}
        self.position = ""  # list or watch have delivered everything up to here
        self.high_water = ""  # the newest version seen anywhere, including responses to our writes
        self.ignored = 0  # updates rejected as old, duplicate or contradictory
        self._forgotten: dict[ObjectKey, str] = {}  # key -> uid known to be gone for good
        self._kind = kind
        self._on_change = on_change

    def advance(self, version: str) -> None:
        """Move the position and the high-water mark up to ``version``."""
        self.position = newest(self.position, version)
        self.high_water = newest(self.high_water, version)

    def reset(self) -> None:
        """Forget the order but keep the objects: the next list is accepted whatever its version."""
        self.position = self.high_water = ""
        for key, cached in self.objects.items():
            self.objects[key] = msgspec.structs.replace(cached, resource_version="")

    def take_event(self, new: CachedObject) -> bool:
        """Take an ADDED or MODIFIED event; return False if it was rejected."""
        accepted = not is_older(new.resource_version, self.position) and self._take(new)
        if not accepted:
            self.ignored += 1
        self.advance(new.resource_version)
        return accepted

    def take_delete(self, tombstone: CachedObject) -> bool:
        """Take a DELETED event; return False if it is for another uid, or contradicted."""
        key, old = tombstone.key, self.objects.get(tombstone.key)
        if self._forgotten.get(key) == tombstone.uid:
            del self._forgotten[key]
        self.advance(tombstone.resource_version)
        refused = (
            old is None
            or old.uid != tombstone.uid
            or is_older(tombstone.resource_version, old.resource_version)
        )
        if refused:
            self.ignored += 1
            return False
        self.remove(key)
        return True

    def take_answer(self, new: CachedObject) -> bool:
        """Take the response to our own write, unless the stream has already delivered something
        newer.
        """
        delivered = self.position and not is_older(self.position, new.resource_version)
        self.high_water = newest(self.high_water, new.resource_version)
        return not delivered and self._take(new)

    def take_listed(self, new: CachedObject) -> bool:
        """Take one object of a list."""
        return self._take(new)

    def forget(self, key: ObjectKey, uid: str) -> None:
        """Remove an object that a live read showed to be gone; late events for it are ignored."""
        old = self.objects.get(key)
        if old is not None and old.uid == uid:
            self._forgotten[key] = uid
            self.remove(key)

    def missing_from(self, listing: WholeList) -> tuple[ObjectKey, ...]:
        """Return the keys that the list shows to be gone, sorted.

        Objects newer than the list, and those that may be among its unreadable items, are not gone.
        """
        return tuple(sorted(key for key in self.objects if self.is_missing(key, listing)))

    def is_missing(self, key: ObjectKey, listing: WholeList) -> bool:
        """Tell whether the list shows a cached object to be gone."""
        cached = self.objects.get(key)
        return (
            cached is not None
            and not listing.may_hold(key)
            and not is_older(listing.resource_version, cached.resource_version)
        )

    def settle(self, listing: WholeList) -> None:
        """Take the position of a list whose objects have all been taken."""
        gone = [key for key in self._forgotten if key not in listing.objects]
        for key in gone:
            del self._forgotten[key]
        self.position = listing.resource_version
        self.high_water = newest(self.high_water, listing.resource_version)

    def remove(self, key: ObjectKey) -> None:
        """Remove an object and report it."""
        old = self.objects.pop(key, None)
        if old is None:
            return
        names = self.by_namespace[key.namespace]
        names.discard(key)
        if not names:
            del self.by_namespace[key.namespace]
        self._on_change(self._kind, key, old, None)

    def _take(self, new: CachedObject) -> bool:
        key, old = new.key, self.objects.get(new.key)
        if self._forgotten.get(key) == new.uid:
            return False
        if old is not None:
            same_version = old.resource_version == new.resource_version
            if (same_version and old.uid == new.uid) or is_older(
                new.resource_version, old.resource_version
            ):
                return False
            if old.uid != new.uid:  # another object with the same name
                self.remove(key)
                old = None
        self.objects[key] = new
        self.by_namespace.setdefault(key.namespace, set()).add(key)
        self._on_change(self._kind, key, old, new)
        return True


def is_older(version: str, than: str) -> bool:
    """Return whether a resourceVersion is certainly older than another."""
    ordered = _number(version), _number(than)
    return ordered[0] is not None and ordered[1] is not None and ordered[0] < ordered[1]


def newest(one: str, other: str) -> str:
    """Return the newer of two resourceVersions; ``other`` if they cannot be compared."""
    return one if not other or is_older(other, one) else other


def _number(version: str) -> int | None:
    # 64 bits at most on real servers; longer digit strings are an attack on int()
    usable = version.isascii() and version.isdigit() and len(version) <= 20
    return int(version) if usable else None
