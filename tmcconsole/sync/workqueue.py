"""A work queue of keys: fair between lanes, unique, delayed, backed off.

Promises, client-go's and one more: a key added many times is worked on once; a key is never
worked on twice at once; a key added while it is worked on is worked on again; lanes (kinds) take
turns, so that ten thousand ConfigMaps do not hold up one Deployment.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import anyio

from tmcconsole.kube.objects import ObjectKey

HEAP_SLACK: Final = 1000  # cancelled appointments that are not worth a sweep


class Item(NamedTuple):
    """A key in a lane."""

    lane: str  # a Kind's id
    key: ObjectKey


@dataclass(slots=True)
class LaneCounts:
    """What happened in one lane since the start."""

    done: int = 0
    failed: int = 0
    last_error: str = ""
    last_error_at: float = 0.0
    in_flight: int = 0
    delayed: int = 0
    retrying: int = 0


@dataclass(slots=True)
class _Lane:
    ready: deque[ObjectKey] = field(default_factory=deque)
    counts: LaneCounts = field(default_factory=LaneCounts)


class WorkQueue:
    """The queue of one target, or of the hub. Single-threaded; owned by one event loop."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[str] = deque()  # lanes with ready keys, each once
        self._waiting: dict[Item, float] = {}  # ready or to be re-added: when first asked for
        self._processing: dict[Item, bool] = {}  # value: was added again meanwhile
        self._added: dict[Item, float] = {}  # being worked on: when it had been made ready
        self._due: dict[Item, float] = {}  # delayed keys; the truth behind the heap
        self._heap: list[tuple[float, int, Item]] = []
        self._sequence = 0
        self._attempts: dict[Item, int] = {}  # failures in a row
        self._sleepers: deque[anyio.Event] = deque()
        self._timer = anyio.Event()

    def __repr__(self) -> str:
        return (
            f"<WorkQueue ready={len(self._waiting)} in_flight={len(self._processing)} "
            f"delayed={len(self._due)}>"
        )

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """True where nothing is ready or being worked on (delayed keys may wait)."""
        return not self._waiting and not self._processing

    def lanes(self) -> Iterator[str]:
        """Yield the lanes seen so far, sorted."""
        yield from sorted(self._lanes)

    def add(self, lane: str, key: ObjectKey) -> None:
        """Make ``key`` ready now, however it was delayed."""
        item = Item(lane, key)
        self._undelay(item)
        if item in self._waiting:
            return
        if item in self._processing:
            self._processing[item] = True
            return
        self._make_ready(item)

    def add_after(self, lane: str, key: ObjectKey, delay_s: float) -> None:
        """Make ``key`` ready in ``delay_s`` seconds; an earlier appointment stands."""
        item = Item(lane, key)
        if delay_s <= 0:
            self.add(lane, key)
            return
        due = self.now() + delay_s
        if item in self._waiting or self._due.get(item, due + 1) <= due:
            return
        if item not in self._due:
            self._lane(lane).counts.delayed += 1
        self._due[item] = due
        self._sequence += 1
        heapq.heappush(self._heap, (due, self._sequence, item))
        if len(self._heap) > 2 * len(self._due) + HEAP_SLACK:
            self._sweep_heap()
        self._timer.set()

    async def get(self) -> Item:
        """Wait for the next key; it must be given back with ``done``."""
        while not self._turns:
            event = anyio.Event()
            self._sleepers.append(event)
            try:
                await event.wait()
            except BaseException:
                # A wake-up that reached a cancelled sleeper belongs to the next one.
                if event.is_set():
                    self._wake_one()
                else:
                    self._sleepers.remove(event)
                raise
        return self._take()

    def done(self, item: Item) -> None:
        """Give ``item`` back; it is ready again at once if it was added meanwhile."""
        again = self._processing.pop(item)
        del self._added[item]
        counts = self._lane(item.lane).counts
        counts.in_flight -= 1
        counts.done += 1
        if again:
            self._undelay(item)
            self._make_ready(item)

    def failed(self, item: Item, error: str) -> int:
        """Count a failure of ``item``; return how many it had in a row."""
        counts = self._lane(item.lane).counts
        counts.failed += 1
        counts.last_error, counts.last_error_at = error, self.now()
        if item not in self._attempts:
            counts.retrying += 1
        self._attempts[item] = self._attempts.get(item, 0) + 1
        return self._attempts[item]

    def retry_failed(self) -> None:
        """Make every key that failed ready now: there is reason to think that it succeeds."""
        for item in sorted(self._attempts):
            self.add(*item)

    def succeeded(self, item: Item) -> None:
        """Forget the failures of ``item``."""
        if self._attempts.pop(item, 0):
            self._lane(item.lane).counts.retrying -= 1

    def attempts(self, item: Item) -> int:
        """Return how many times in a row ``item`` failed."""
        return self._attempts.get(item, 0)

    def added_at(self, item: Item) -> float:
        """Return when (monotonic) the item now being worked on had been made ready."""
        return self._added.get(item, self.now())

    def drop_lane(self, lane: str) -> None:
        """Forget every key of a lane that is not being worked on."""
        found = self._lanes.get(lane)
        if found is None:
            return
        for key in found.ready:
            self._waiting.pop(Item(lane, key), None)
        if found.ready:
            found.ready.clear()
            self._turns.remove(lane)
        for item in [item for item in self._due if item.lane == lane]:
            self._undelay(item)
        for item in [item for item in self._attempts if item.lane == lane]:
            self.succeeded(item)

    async def run_timers(self) -> None:
        """Move delayed keys to their lanes when due; runs until cancelled."""
        while True:
            self._timer = anyio.Event()
            wait = self._move_due()
            with anyio.move_on_after(wait):
                await self._timer.wait()

    def counts(self, lane: str) -> LaneCounts:
        """Return the live counters of a lane."""
        return self._seen(lane).counts

    def depth(self, lane: str) -> int:
        """Return how many keys of a lane are ready."""
        return len(self._seen(lane).ready)

    def oldest(self, lane: str) -> float | None:
        """Return since when (monotonic) the oldest ready key of a lane waits."""
        ready = self._seen(lane).ready
        return self._waiting[Item(lane, ready[0])] if ready else None

    def items(self, lane: str) -> Iterator[tuple[ObjectKey, str, int, float]]:
        """Yield (key, ready | in-flight | delayed, attempts, due or waiting since)."""
        for key in self._seen(lane).ready:
            item = Item(lane, key)
            yield key, "ready", self.attempts(item), self._waiting[item]
        for item in self._processing:
            if item.lane == lane:
                yield item.key, "in-flight", self.attempts(item), 0.0
        for item, due in self._due.items():
            if item.lane == lane:
                yield item.key, "delayed", self.attempts(item), due

    def _seen(self, name: str) -> _Lane:
        """Return a lane, an empty one for a name that was never used: asking makes no lanes."""
        return self._lanes.get(name) or _Lane()

    def _lane(self, name: str) -> _Lane:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
        return lane

    def _make_ready(self, item: Item) -> None:
        lane = self._lane(item.lane)
        self._waiting[item] = self.now()
        if not lane.ready:
            self._turns.append(item.lane)
        lane.ready.append(item.key)
        self._wake_one()

    def _take(self) -> Item:
        name = self._turns.popleft()
        lane = self._lanes[name]
        item = Item(name, lane.ready.popleft())
        if lane.ready:
            self._turns.append(name)
        self._added[item] = self._waiting.pop(item)
        self._processing[item] = False
        lane.counts.in_flight += 1
        return item

    def _wake_one(self) -> None:
        if self._sleepers:
            self._sleepers.popleft().set()

    def _undelay(self, item: Item) -> None:
        if self._due.pop(item, None) is not None:
            self._lane(item.lane).counts.delayed -= 1

    def _sweep_heap(self) -> None:
        """Throw out appointments that were cancelled or moved: they may lie far ahead."""
        self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
        heapq.heapify(self._heap)

    def _move_due(self) -> float:
        """Make due keys ready; return seconds until the next one (an hour if none)."""
        now = self.now()
        while self._heap:
            due, _, item = self._heap[0]
            if self._due.get(item) != due:  # cancelled, or moved to another time
                heapq.heappop(self._heap)
                continue
            if due > now:
                return due - now
            heapq.heappop(self._heap)
            self.add(item.lane, item.key)
        return 3600.0
