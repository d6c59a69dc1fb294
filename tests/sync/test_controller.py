"""The workers: a failed item is retried after its own delay, an interrupted one is not lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from tests.simulation.loop import run_virtual
from tmcconsole.kube.errors import Unreachable
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.queue.controller import Again, Controller, Gate, Outcomes, Reconciler
from tmcconsole.sync.queue.workqueue import Item, WorkQueue

ITEM = Item("configmaps", ObjectKey("shop", "settings"))
OTHER = Item("configmaps", ObjectKey("shop", "other"))


@dataclass(frozen=True)
class Doing(Reconciler):
    """A reconciler that does what the test tells it."""

    do: Callable[[Item], Awaitable[float | None]]

    async def reconcile(self, item: Item) -> float | None:
        return await self.do(item)


class Room(Gate, Outcomes):
    """A queue and what the workers reported about it."""

    def __init__(self) -> None:
        self.queue = WorkQueue(anyio.current_time)
        self.began = anyio.current_time()
        self.seen: list[tuple[Item, float]] = []
        self.failures: list[int] = []
        self.recovered: list[Item] = []

    def on_error(self, item: Item, error: Exception, attempts: int) -> Again:
        self.failures.append(attempts)
        return Again(10.0 * attempts, is_dead=attempts == 3)

    async def wait_up(self) -> None:
        pass

    def on_success(self, item: Item) -> None:
        self.recovered.append(item)

    def look(self, item: Item) -> int:
        """Count a look at an item; return how many there were before."""
        before = sum(one == item for one, _ in self.seen)
        self.seen.append((item, anyio.current_time() - self.began))
        return before

    def times(self, item: Item) -> list[float]:
        return [at for one, at in self.seen if one == item]

    async def work(
        self, reconcile: Callable[[Item], Awaitable[float | None]], for_s: float = 100.0
    ) -> None:
        controller = Controller(
            name="east",
            queue=self.queue,
            gate=self,
            reconciler=Doing(reconcile),
            outcomes=self,
            workers=2,
        )
        with anyio.move_on_after(for_s):
            await controller.run()


def virtual(story: Callable[[], Awaitable[None]]) -> None:
    run_virtual(story, seed=1, limit_s=600)


def test_a_failure_is_tried_again_when_its_pace_says_and_told_once_it_works() -> None:
    async def story() -> None:
        room = Room()

        async def reconcile(item: Item) -> float | None:
            if room.look(item) < 2:
                raise Unreachable("refused", sent=False)
            return None

        room.queue.add(*ITEM)
        await room.work(reconcile)

        assert room.times(ITEM) == [0, 10, 30]
        assert room.failures == [1, 2]
        assert room.recovered == [ITEM]
        assert room.queue.attempts(ITEM) == 0

    virtual(story)


def test_a_failure_that_the_queue_has_forgotten_ends_with_the_next_success() -> None:
    """A kind that goes takes its keys out of the queue; their failures are still remembered."""

    async def story() -> None:
        room = Room()

        async def fail(item: Item) -> float | None:
            raise Unreachable("refused", sent=False)

        async def succeed(item: Item) -> float | None:
            return None

        room.queue.add(*ITEM)
        await room.work(fail, for_s=5)
        room.queue.drop_lane(ITEM.lane)
        room.queue.add(*ITEM)
        await room.work(succeed, for_s=5)

        assert room.failures == [1]
        assert room.recovered == [ITEM]

    virtual(story)


def test_another_look_is_no_failure() -> None:
    async def story() -> None:
        room = Room()

        async def reconcile(item: Item) -> float | None:
            return 5.0 if room.look(item) < 3 else None

        room.queue.add(*ITEM)
        await room.work(reconcile)

        assert room.times(ITEM) == [0, 5, 10, 15]
        assert room.failures == []
        assert room.queue.counts("configmaps").failed == 0

    virtual(story)


def test_a_bug_in_one_object_stops_neither_the_worker_nor_the_others() -> None:
    """E9: an exception nobody foresaw is counted and tried again."""

    async def story() -> None:
        room = Room()

        async def reconcile(item: Item) -> float | None:
            room.look(item)
            if item == ITEM:
                raise KeyError("nobody thought of this")
            return None

        room.queue.add(*ITEM)
        room.queue.add(*OTHER)
        await room.work(reconcile, for_s=35)

        assert room.times(ITEM) == [0, 10, 30]
        assert room.times(OTHER) == [0]

    virtual(story)


def test_a_key_under_way_when_the_workers_are_stopped_is_there_for_the_next_ones() -> None:
    async def story() -> None:
        room = Room()

        async def hang(item: Item) -> float | None:
            room.look(item)
            await anyio.sleep_forever()
            return None

        async def finish(item: Item) -> float | None:
            room.look(item)
            return None

        room.queue.add(*ITEM)
        await room.work(hang, for_s=5)
        await room.work(finish, for_s=5)

        assert room.times(ITEM) == [0, 5]
        assert room.queue.is_idle

    virtual(story)
