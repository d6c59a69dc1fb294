"""A work queue of keys: fair between lanes, fresh before backlog, unique, delayed, backed off.

client-go's guarantees and two more. A key added many times is reconciled once; never twice at the
same time; and again if it was added meanwhile. Lanes (kinds) take turns, so that ten thousand
ConfigMaps do not delay one Deployment; and changed objects go before those only checked again, so
that an edit does not wait for a cold start.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio

from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.queue.lanes import Item as Item
from tmcconsole.sync.queue.lanes import Lanes

HEAP_SLACK: Final = 1000  # cancelled appointments that are not worth a sweep
FRESH_IN_A_ROW: Final = 7  # then one of the backlog, so that endless edits do not starve it


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
    dead: int = 0


@dataclass(slots=True)
class Trouble:
    """A key that failed and has not succeeded since."""

    attempts: int = 0  # in a row
    since: float = 0.0  # monotonic: when the first of them failed
    error: str = ""  # of the last one
    is_dead: bool = False  # only retried rarely, until somebody acts


class WorkQueue:
    """The queue of one target, or of the hub. Single-threaded; owned by one event loop."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._counts: dict[str, LaneCounts] = {}  # by lane
        self._ready = Lanes()
        self._backlog = Lanes()
        self._in_a_row = 0  # fresh keys taken while a backlog waited
        # Added because somebody changed something, until it succeeds: retries count as fresh, too.
        self._fresh: set[Item] = set()
        self._waiting: dict[Item, float] = {}  # ready or to be re-added: when first requested
        self._processing: dict[Item, bool] = {}  # value: added again meanwhile
        self._added: dict[Item, float] = {}  # in progress: when it had become ready
        self._due: dict[Item, float] = {}  # delayed keys; authoritative over the heap
        self._heap: list[tuple[float, int, Item]] = []
        self._sequence = 0
        self._troubles: dict[Item, Trouble] = {}
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
        """True if nothing is ready or in progress (delayed keys may wait)."""
        return not self._waiting and not self._processing

    def lanes(self) -> Iterator[str]:
        """Yield the lanes seen so far, sorted."""
        yield from sorted(self._counts)

    def add(self, lane: str, key: ObjectKey, *, backlog: bool = False) -> None:
        """Make ``key`` ready now, even if it was delayed.

        ``backlog`` is for keys queued because of a start, or a change of something they depend on:
        objects that changed themselves go first. A key added while in progress keeps its class,
        since that is mostly the echo of our own write.
        """
        item = Item(lane, key)
        self._undelay(item)
        if item in self._processing:
            self._processing[item] = True
            return
        if not backlog and item not in self._fresh:
            self._fresh.add(item)
            if self._backlog.remove(item):
                self._ready.put(item)
        if item not in self._waiting:
            self._make_ready(item)

    def add_after(self, lane: str, key: ObjectKey, delay_s: float) -> None:
        """Make ``key`` ready in ``delay_s`` seconds; an earlier appointment takes precedence."""
        item = Item(lane, key)
        if delay_s <= 0:
            self.add(lane, key)
            return
        due = self.now() + delay_s
        if item in self._waiting or self._due.get(item, due + 1) <= due:
            return
        if item not in self._due:
            self._of(lane).delayed += 1
        self._due[item] = due
        self._sequence += 1
        heapq.heappush(self._heap, (due, self._sequence, item))
        if len(self._heap) > 2 * len(self._due) + HEAP_SLACK:
            self._sweep_heap()
        self._timer.set()

    async def get(self) -> Item:
        """Wait for the next key; it must be given back with ``done``."""
        while not (self._ready or self._backlog):
            event = anyio.Event()
            self._sleepers.append(event)
            try:
                await event.wait()
            except BaseException:
                # A wake-up that reached a cancelled waiter is passed on to the next one.
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
        counts = self._of(item.lane)
        counts.in_flight -= 1
        counts.done += 1
        if again:
            self._undelay(item)
            self._make_ready(item)
        elif item not in self._due:
            self._fresh.discard(item)

    def failed(self, item: Item, error: str) -> int:
        """Count a failure of ``item``; return its consecutive failures."""
        counts = self._of(item.lane)
        counts.failed += 1
        counts.last_error, counts.last_error_at = error, self.now()
        if item not in self._troubles:
            counts.retrying += 1
            self._troubles[item] = Trouble(since=self.now())
        trouble = self._troubles[item]
        trouble.attempts += 1
        trouble.error = error
        return trouble.attempts

    def bury(self, item: Item) -> None:
        """Mark a failed key as a dead letter, until it succeeds."""
        trouble = self._troubles.get(item)
        if trouble is not None and not trouble.is_dead:
            trouble.is_dead = True
            self._of(item.lane).dead += 1

    def retry_failed(self) -> None:
        """Make every failed key ready now: there is reason to expect success."""
        for item in sorted(self._troubles):
            self.add(*item, backlog=True)

    def succeeded(self, item: Item) -> None:
        """Forget the failures of ``item``."""
        trouble = self._troubles.pop(item, None)
        if trouble is not None:
            counts = self._of(item.lane)
            counts.retrying -= 1
            counts.dead -= trouble.is_dead

    def attempts(self, item: Item) -> int:
        """Return how many times in a row ``item`` failed."""
        return self._troubles[item].attempts if item in self._troubles else 0

    def dead_letters(self) -> Iterator[tuple[Item, Trouble, float]]:
        """Yield (item, its trouble, when it is retried next), sorted; 0 = in progress."""
        for item in sorted(self._troubles):
            if self._troubles[item].is_dead:
                yield item, self._troubles[item], self._due.get(item, 0.0)

    def is_fresh(self, item: Item) -> bool:
        """True if a change brought the item in, not a check of everything."""
        return item in self._fresh

    def added_at(self, item: Item) -> float:
        """Return when (monotonic) the item in progress had become ready."""
        return self._added.get(item, self.now())

    def drop_lane(self, lane: str) -> None:
        """Forget every key of a lane that is not in progress."""
        for key in (*self._ready.drop(lane), *self._backlog.drop(lane)):
            self._waiting.pop(Item(lane, key), None)
        for item in [item for item in self._due if item.lane == lane]:
            self._undelay(item)
        for item in [item for item in self._troubles if item.lane == lane]:
            self.succeeded(item)
        self._fresh = {item for item in self._fresh if item.lane != lane}

    async def run_timers(self) -> None:
        """Move delayed keys to their lanes when due; runs until cancelled."""
        while True:
            self._timer = anyio.Event()
            wait = self._move_due()
            with anyio.move_on_after(wait):
                await self._timer.wait()

    def counts(self, lane: str) -> LaneCounts:
        """Return the live counters of a lane; this does not create the lane."""
        return self._counts.get(lane) or LaneCounts()

    def depth(self, lane: str) -> int:
        """Return how many keys of a lane are ready."""
        return self._ready.count(lane) + self._backlog.count(lane)

    def oldest(self, lane: str) -> float | None:
        """Return since when (monotonic) the oldest ready key of a lane has been waiting."""
        firsts = (self._ready.first(lane), self._backlog.first(lane))
        return min(
            (self._waiting[Item(lane, key)] for key in firsts if key is not None), default=None
        )

    def items(self, lane: str) -> Iterator[tuple[ObjectKey, str, int, float]]:
        """Yield (key, ready | in-flight | delayed, attempts, due or waiting since)."""
        for key in (*self._ready.keys(lane), *self._backlog.keys(lane)):
            item = Item(lane, key)
            yield key, "ready", self.attempts(item), self._waiting[item]
        for item in self._processing:
            if item.lane == lane:
                yield item.key, "in-flight", self.attempts(item), 0.0
        for item, due in self._due.items():
            if item.lane == lane:
                yield item.key, "delayed", self.attempts(item), due

    def _of(self, lane: str) -> LaneCounts:
        return self._counts.setdefault(lane, LaneCounts())

    def _make_ready(self, item: Item) -> None:
        self._of(item.lane)
        self._waiting[item] = self.now()
        (self._ready if item in self._fresh else self._backlog).put(item)
        self._wake_one()

    def _take(self) -> Item:
        item = self._next().take()
        self._added[item] = self._waiting.pop(item)
        self._processing[item] = False
        self._of(item.lane).in_flight += 1
        return item

    def _next(self) -> Lanes:
        """Return where the next key comes from: fresh ones, and sometimes the backlog."""
        if not self._ready or (self._backlog and self._in_a_row >= FRESH_IN_A_ROW):
            self._in_a_row = 0
            return self._backlog
        self._in_a_row += bool(self._backlog)
        return self._ready

    def _wake_one(self) -> None:
        if self._sleepers:
            self._sleepers.popleft().set()

    def _undelay(self, item: Item) -> None:
        if self._due.pop(item, None) is not None:
            self._of(item.lane).delayed -= 1

    def _sweep_heap(self) -> None:
        """Remove appointments that were cancelled or moved: they may be far in the future."""
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
            self.add(item.lane, item.key, backlog=True)
        return 3600.0
