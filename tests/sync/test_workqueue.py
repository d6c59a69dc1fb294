"""What the work queue guarantees."""

from __future__ import annotations

import anyio
import pytest

from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.queue.workqueue import FRESH_IN_A_ROW, Item, WorkQueue

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def key(name: str) -> ObjectKey:
    return ObjectKey("ns", name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    return WorkQueue(clock)


async def take(queue: WorkQueue) -> Item:
    with anyio.fail_after(60):
        return await queue.get()


async def test_a_key_added_many_times_is_worked_on_once(queue: WorkQueue) -> None:
    for _ in range(5):
        queue.add("configmaps", key("a"))

    item = await take(queue)
    queue.done(item)

    assert len(queue) == 0
    assert queue.is_idle


async def test_a_key_added_while_worked_on_is_worked_on_again_but_never_twice_at_once(
    queue: WorkQueue,
) -> None:
    queue.add("configmaps", key("a"))
    item = await take(queue)

    queue.add("configmaps", key("a"))
    assert len(queue) == 0
    queue.done(item)

    assert len(queue) == 1
    assert await take(queue) == item


async def test_lanes_take_turns(queue: WorkQueue) -> None:
    for number in range(3):
        queue.add("configmaps", key(str(number)))
    queue.add("deployments.apps", key("web"))

    order = [(await take(queue)).lane for _ in range(4)]

    assert order == ["configmaps", "deployments.apps", "configmaps", "configmaps"]


async def test_an_earlier_appointment_stands_and_an_add_overrides_it(
    queue: WorkQueue, clock: Clock
) -> None:
    queue.add_after("configmaps", key("a"), 5)
    queue.add_after("configmaps", key("a"), 60)
    queue.add_after("configmaps", key("b"), 60)
    queue.add("configmaps", key("b"))
    assert queue.counts("configmaps").delayed == 1

    async with anyio.create_task_group() as group:
        clock.time = 5.0
        group.start_soon(queue.run_timers)
        names = {(await take(queue)).key.name for _ in range(2)}
        group.cancel_scope.cancel()

    assert names == {"a", "b"}
    assert queue.counts("configmaps").delayed == 0


async def test_failures_in_a_row_are_counted_until_a_success(queue: WorkQueue) -> None:
    item = Item("configmaps", key("a"))

    assert [queue.failed(item, "boom") for _ in range(3)] == [1, 2, 3]
    assert queue.counts("configmaps").retrying == 1
    queue.succeeded(item)

    assert queue.attempts(item) == 0
    assert queue.counts("configmaps").retrying == 0
    assert queue.counts("configmaps").last_error == "boom"


async def test_a_wake_up_lost_to_a_cancelled_worker_reaches_the_next(queue: WorkQueue) -> None:
    taken: list[Item] = []

    async def worker(scope: anyio.CancelScope) -> None:
        with scope:
            taken.append(await queue.get())

    first, second = anyio.CancelScope(), anyio.CancelScope()
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(worker, first)
            group.start_soon(worker, second)
            await anyio.wait_all_tasks_blocked()
            queue.add("configmaps", key("a"))
            first.cancel()
            await anyio.wait_all_tasks_blocked()
            second.cancel()

    assert taken == [Item("configmaps", key("a"))]


async def test_a_dropped_lane_leaves_the_others_alone(queue: WorkQueue) -> None:
    queue.add("widgets.example.com", key("a"))
    queue.add_after("widgets.example.com", key("b"), 60)
    queue.add("configmaps", key("c"))

    queue.drop_lane("widgets.example.com")

    assert (await take(queue)).lane == "configmaps"
    assert len(queue) == 0
    assert queue.counts("widgets.example.com").delayed == 0


async def test_what_was_changed_goes_before_what_is_only_looked_at(queue: WorkQueue) -> None:
    for number in range(5):
        queue.add("configmaps", key(f"old-{number}"), backlog=True)
    queue.add("deployments.apps", key("edited"))
    queue.add("configmaps", key("old-3"))

    order = [(await take(queue)).key.name for _ in range(6)]

    assert order == ["edited", "old-3", "old-0", "old-1", "old-2", "old-4"]


async def test_edits_without_end_do_not_starve_the_backlog(queue: WorkQueue) -> None:
    queue.add("configmaps", key("old"), backlog=True)
    for number in range(3 * FRESH_IN_A_ROW):
        queue.add("configmaps", key(f"edited-{number}"))

    order = [(await take(queue)).key.name for _ in range(FRESH_IN_A_ROW + 1)]

    assert order[-1] == "old"


async def test_the_echo_of_a_write_from_the_backlog_is_not_taken_for_an_edit(
    queue: WorkQueue,
) -> None:
    queue.add("configmaps", key("old"), backlog=True)
    item = await take(queue)
    queue.add("configmaps", key("next"), backlog=True)
    queue.add(*item)
    queue.done(item)

    assert not queue.is_fresh(item)
    assert (await take(queue)).key == key("next")


async def test_an_edit_that_has_to_wait_is_still_an_edit(queue: WorkQueue, clock: Clock) -> None:
    queue.add("configmaps", key("edited"))
    item = await take(queue)
    queue.add_after(*item, 1.0)
    queue.done(item)
    queue.add("configmaps", key("old"), backlog=True)
    clock.time = 2.0
    queue._move_due()

    assert (await take(queue)) == item


async def test_a_dead_letter_is_one_until_it_succeeds(queue: WorkQueue, clock: Clock) -> None:
    queue.add("configmaps", key("a"))
    item = await take(queue)
    clock.time = 5.0
    queue.failed(item, "no")
    queue.bury(item)
    queue.add_after(*item, 600.0)
    queue.done(item)
    ((found, trouble, due),) = queue.dead_letters()

    assert (found, trouble.attempts, trouble.since, trouble.error) == (item, 1, 5.0, "no")
    assert due == 605.0
    assert queue.counts("configmaps").dead == 1

    queue.succeeded(item)

    assert list(queue.dead_letters()) == []
    assert queue.counts("configmaps").dead == 0
