"""Keys that are ready, in lanes that take turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

from tmcconsole.kube.objects import ObjectKey


class Item(NamedTuple):
    """A key in a lane."""

    lane: str  # a Kind's id
    key: ObjectKey


class Lanes:
    """First in, first out within a lane; lanes in turn. A key is in one lane at most."""

    def __init__(self) -> None:
        # Ordered, since a key may be removed from the middle: ten thousand may be waiting.
        self._lanes: dict[str, OrderedDict[ObjectKey, None]] = {}
        self._turns: deque[str] = deque()  # lanes with keys, each once

    def __bool__(self) -> bool:
        return bool(self._turns)

    def keys(self, lane: str) -> list[ObjectKey]:
        """Return the keys of a lane, oldest first."""
        return list(self._lanes.get(lane, ()))

    def count(self, lane: str) -> int:
        """Return how many keys of a lane wait."""
        return len(self._lanes.get(lane, ()))

    def first(self, lane: str) -> ObjectKey | None:
        """Return the oldest key of a lane."""
        return next(iter(self._lanes.get(lane, ())), None)

    def put(self, item: Item) -> None:
        """Add a key at the end of its lane."""
        keys = self._lanes.setdefault(item.lane, OrderedDict())
        if not keys:
            self._turns.append(item.lane)
        keys[item.key] = None

    def take(self) -> Item:
        """Remove and return the first key of the next lane in turn."""
        lane = self._turns.popleft()
        keys = self._lanes[lane]
        key, _ = keys.popitem(last=False)
        if keys:
            self._turns.append(lane)
        return Item(lane, key)

    def remove(self, item: Item) -> bool:
        """Remove a key; return whether it was present."""
        keys = self._lanes.get(item.lane, OrderedDict())
        if item.key not in keys:
            return False
        del keys[item.key]
        if not keys:
            self._turns.remove(item.lane)
        return True

    def drop(self, lane: str) -> list[ObjectKey]:
        """Empty a lane; return what was in it."""
        keys = self._lanes.pop(lane, None)
        if keys:
            self._turns.remove(lane)
        return list(keys or ())
