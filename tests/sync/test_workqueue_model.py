"""The work queue against a model: whatever the calls, no key is lost or duplicated."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.queue.workqueue import FRESH_IN_A_ROW, Item, WorkQueue

LANES = st.sampled_from(["configmaps", "deployments.apps", "jobs.batch"])
KEYS = st.sampled_from([ObjectKey("shop", name) for name in "abc"])
DELAYS = st.sampled_from([0.0, 1.0, 5.0, 60.0])


class QueueMachine(RuleBasedStateMachine):
    """``ready``, ``working`` and ``due`` hold what the queue must have by its guarantees."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.loop = asyncio.new_event_loop()
        self.queue = self.loop.run_until_complete(self._make())
        self.ready: set[Item] = set()
        self.working: dict[Item, bool] = {}  # value: added again meanwhile
        self.due: dict[Item, float] = {}
        # Turns that others had while a lane's fresh keys, or its backlog, waited.
        self.passed_over: dict[tuple[str, bool], int] = {}
        self.fresh: set[Item] = set()

    async def _make(self) -> WorkQueue:
        return WorkQueue(lambda: self.time)

    def teardown(self) -> None:
        self.loop.close()

    def _added(self, item: Item) -> None:
        self.due.pop(item, None)
        if item in self.working:
            self.working[item] = True
        else:
            self.ready.add(item)

    @rule(lane=LANES, key=KEYS, backlog=st.booleans())
    def add(self, lane: str, key: ObjectKey, backlog: bool) -> None:
        self.queue.add(lane, key, backlog=backlog)
        item = Item(lane, key)
        if not backlog and item not in self.working:
            self.fresh.add(item)
        self._added(item)

    @rule(lane=LANES, key=KEYS, delay=DELAYS)
    def add_after(self, lane: str, key: ObjectKey, delay: float) -> None:
        self.queue.add_after(lane, key, delay)
        item = Item(lane, key)
        if delay == 0:
            if item not in self.working:
                self.fresh.add(item)
            self._added(item)
        elif item not in self.ready:
            self.due[item] = min(self.due.get(item, float("inf")), self.time + delay)

    @rule(seconds=st.sampled_from([0.5, 2.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.time += seconds
        self.queue._move_due()
        for item in [item for item, at in self.due.items() if at <= self.time]:
            self._added(item)

    @precondition(lambda self: self.ready)
    @rule()
    def take(self) -> None:
        waiting = {(item.lane, item in self.fresh) for item in self.ready}
        item = self.loop.run_until_complete(asyncio.wait_for(self.queue.get(), 1))
        assert item in self.ready, "handed out without having been asked for"
        assert item not in self.working, "worked on twice at once"
        self.ready.remove(item)
        self.working[item] = False
        for lane in waiting:
            self.passed_over[lane] = self.passed_over.get(lane, 0) + 1
        self.passed_over[item.lane, item in self.fresh] = 0
        # Three lanes; one turn in eight is the backlog's where both have something to do.
        most = {True: 4, False: 3 * (FRESH_IN_A_ROW + 1)}
        assert all(self.passed_over[lane] <= most[lane[1]] for lane in waiting), "starved"

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(sorted(self.working)))
        self.queue.done(item)
        if self.working.pop(item):
            self.due.pop(item, None)
            self.ready.add(item)
        elif item not in self.due:
            self.fresh.discard(item)

    @rule(lane=LANES)
    def drop_lane(self, lane: str) -> None:
        self.queue.drop_lane(lane)
        self.ready = {item for item in self.ready if item.lane != lane}
        self.due = {item: at for item, at in self.due.items() if item.lane != lane}
        self.fresh = {item for item in self.fresh if item.lane != lane}
        for is_fresh in (True, False):
            self.passed_over.pop((lane, is_fresh), None)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.queue) == len(self.ready)
        seen = {(row[0], row[1]) for lane in self.queue.lanes() for row in self.queue.items(lane)}
        expected = {(item.key, "ready") for item in self.ready}
        expected |= {(item.key, "in-flight") for item in self.working}
        expected |= {(item.key, "delayed") for item in self.due}
        assert seen == expected

    @invariant()
    def counters_are_right(self) -> None:
        for lane in self.queue.lanes():
            counts = self.queue.counts(lane)
            assert counts.in_flight == sum(item.lane == lane for item in self.working)
            assert counts.delayed == sum(item.lane == lane for item in self.due)
            assert self.queue.depth(lane) == sum(item.lane == lane for item in self.ready)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40)
