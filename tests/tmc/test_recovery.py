"""Every error has a strategy; recoveries are bounded, ordered, and escalate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import async_solipsism
import pytest

from tmcconsole.tmc.errors import ErrorType, Failure, failure
from tmcconsole.tmc.recovery.recovery import STRATEGIES, RecoveryAction, choose
from tmcconsole.tmc.recovery.runner import (
    COOL_DOWN_S,
    FORGET_S,
    MAX_ACTIVE,
    MAX_COOL_DOWN_S,
    MAX_PENDING,
    Recovery,
    RecoveryRunner,
    RecoveryState,
)

UNREACHABLE = failure(ErrorType.CLUSTER_UNREACHABLE, "refused")
TIMED_OUT = failure(ErrorType.SYNC_TIMEOUT, "late")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ErrorType.CLUSTER_AUTHENTICATION, "ClusterAuth"),
        (ErrorType.MIGRATION_TIMEOUT, "Migration"),
        (ErrorType.CLUSTER_UNAVAILABLE, "ClusterConnectivity"),
        (ErrorType.SYNC_CONFLICT, "ResourceConflict"),
        (ErrorType.PLACEMENT_CAPACITY, "Placement"),
        (ErrorType.SYNC_TIMEOUT, "Sync"),
        (ErrorType.AGGREGATION_FAILURE, "Generic"),
        (ErrorType.INTERNAL_ERROR, "Generic"),
        (ErrorType.RESOURCE_VALIDATION, None),
        (ErrorType.CONFIGURATION_ERROR, None),
    ],
)
def test_each_error_has_its_strategy(kind: ErrorType, name: str | None) -> None:
    strategy = choose(failure(kind, "x"))

    assert (strategy and strategy.name) == name


def test_there_are_seven_strategies_in_order_of_priority_and_no_action_is_idle() -> None:
    assert [s.priority for s in STRATEGIES] == [90, 85, 80, 70, 60, 50, 10]
    assert {step.action for s in STRATEGIES for step in s.steps} == set(RecoveryAction)
    assert all(s.actions(1) and s.timeout_s > 0 for s in STRATEGIES)


def test_heavier_steps_come_in_with_later_attempts() -> None:
    strategy = choose(UNREACHABLE)

    assert strategy is not None
    assert strategy.actions(1) == (RecoveryAction.PROBE,)
    assert strategy.actions(2) == (RecoveryAction.REBUILD_CLIENT, RecoveryAction.PROBE)
    assert strategy.actions(9) == (
        RecoveryAction.REBUILD_CLIENT,
        RecoveryAction.PROBE,
        RecoveryAction.REDISCOVER,
    )


class World:
    """Recovery actions that work, fail or hang, and their clock."""

    def __init__(self) -> None:
        self.clock = 100.0
        self.done: list[tuple[RecoveryAction, str, str]] = []
        self.broken: set[RecoveryAction] = set()
        self.gate = anyio.Event()
        self.gate.set()
        self.active = self.most_active = 0
        self.seen: list[Recovery] = []
        self.runner = RecoveryRunner(self, lambda: self.clock, self.seen.append)

    async def _act(self, action: RecoveryAction, target: str, subject: str) -> None:
        self.active += 1
        self.most_active = max(self.active, self.most_active)
        try:
            await self.gate.wait()
        finally:
            self.active -= 1
        if action in self.broken:
            raise RuntimeError("it is broken")
        self.done.append((action, target, subject))

    async def rebuild_client(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.REBUILD_CLIENT, target, subject)

    async def reload_credentials(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.RELOAD_CREDENTIALS, target, subject)

    async def relist(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.RELIST, target, subject)

    async def rediscover(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.REDISCOVER, target, subject)

    async def replace(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.REPLACE, target, subject)

    async def reapply(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.REAPPLY, target, subject)

    async def probe(self, target: str, subject: str) -> None:
        await self._act(RecoveryAction.PROBE, target, subject)

    async def recover(self, what: Failure, target: str, subject: str = "") -> Recovery:
        assert self.runner.request(what, target=target, subject=subject) is not None
        await anyio.wait_all_tasks_blocked()
        return self.seen[-1]


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    world = World()
    async with anyio.create_task_group() as group:
        group.start_soon(world.runner.run)
        yield world
        group.cancel_scope.cancel()


async def test_a_recovery_does_the_steps_in_order_and_shows_each_state() -> None:
    async with running() as world:
        ended = await world.recover(TIMED_OUT, "eu", "pods/a/b")

    assert world.done == [
        (RecoveryAction.PROBE, "eu", "pods/a/b"),
        (RecoveryAction.REAPPLY, "eu", "pods/a/b"),
    ]
    assert [r.state for r in world.seen] == [
        RecoveryState.PENDING,
        RecoveryState.IN_PROGRESS,
        RecoveryState.IN_PROGRESS,
        RecoveryState.IN_PROGRESS,
        RecoveryState.COMPLETED,
    ]
    assert ended.done == (RecoveryAction.PROBE, RecoveryAction.REAPPLY)


async def test_a_failing_step_ends_the_recovery_and_says_why() -> None:
    async with running() as world:
        world.broken.add(RecoveryAction.PROBE)
        ended = await world.recover(TIMED_OUT, "eu", "pods/a/b")

    assert (ended.state, ended.done) == (RecoveryState.FAILED, ())
    assert ended.message == "probe: RuntimeError: it is broken"


async def test_later_attempts_go_further() -> None:
    async with running() as world:
        world.broken.add(RecoveryAction.PROBE)
        first = await world.recover(UNREACHABLE, "eu")
        world.clock += COOL_DOWN_S
        second = await world.recover(UNREACHABLE, "eu")

    assert (first.attempt, second.attempt) == (1, 2)
    assert second.done == (RecoveryAction.REBUILD_CLIENT,)


async def test_the_cool_down_doubles_and_is_forgotten_after_quiet() -> None:
    async with running() as world:
        world.broken.add(RecoveryAction.PROBE)
        for attempt in range(1, 10):
            wait = min(MAX_COOL_DOWN_S, COOL_DOWN_S * 2 ** (attempt - 1))
            await world.recover(UNREACHABLE, "eu")
            world.clock += wait - 0.1
            assert world.runner.request(UNREACHABLE, target="eu") is None
            world.clock += 0.1
        world.clock += FORGET_S + 1

        assert (await world.recover(UNREACHABLE, "eu")).attempt == 1


async def test_one_trouble_is_worked_on_once_whatever_its_subject() -> None:
    async with running() as world:
        world.gate = anyio.Event()
        first = world.runner.request(UNREACHABLE, target="eu", subject="pods/a/b")
        again = world.runner.request(UNREACHABLE, target="eu", subject="pods/a/c")
        other = world.runner.request(UNREACHABLE, target="us")

    assert first is not None
    assert first.subject == ""
    assert again is None
    assert other is not None


async def test_at_most_five_run_at_once_and_the_gravest_goes_first() -> None:
    async with running() as world:
        world.gate = anyio.Event()
        for number in range(MAX_ACTIVE):
            world.runner.request(TIMED_OUT, target="eu", subject=f"pods/a/{number}")
        await anyio.wait_all_tasks_blocked()
        world.runner.request(TIMED_OUT, target="eu", subject="pods/a/late")
        world.runner.request(UNREACHABLE, target="us")
        await anyio.wait_all_tasks_blocked()
        waiting = [r for r in world.runner.recoveries() if r.state is RecoveryState.PENDING]

        world.gate.set()
        await anyio.wait_all_tasks_blocked()

    started = [r.target for r in world.seen if r.state is RecoveryState.IN_PROGRESS and not r.done]
    assert len(waiting) == 2
    assert world.most_active == MAX_ACTIVE
    assert started.index("us") == MAX_ACTIVE
    assert all(r.state is RecoveryState.COMPLETED for r in world.runner.recoveries())


async def test_too_many_waiting_are_refused() -> None:
    world = World()

    asked = [
        world.runner.request(TIMED_OUT, target="eu", subject=f"pods/a/{number}")
        for number in range(MAX_PENDING + 1)
    ]

    assert asked[MAX_PENDING - 1] is not None
    assert asked[MAX_PENDING] is None


async def test_what_mends_by_a_change_only_is_not_recovered_from() -> None:
    invalid = failure(ErrorType.RESOURCE_VALIDATION, "bad")

    assert World().runner.request(invalid, target="eu") is None


def test_a_recovery_that_hangs_ends_at_its_deadline() -> None:
    async def story() -> list[RecoveryState]:
        states = []
        async with running() as world:
            world.gate = anyio.Event()
            world.runner.request(UNREACHABLE, target="eu")
            for seconds in (299, 2):
                await anyio.sleep(seconds)
                states.append(world.seen[-1].state)
        return states

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as virtual_time:
        states = virtual_time.run(story())

    assert states == [RecoveryState.IN_PROGRESS, RecoveryState.TIMEOUT]


async def test_stopping_cancels_what_runs_and_what_waits() -> None:
    async with running() as world:
        world.gate = anyio.Event()
        for number in range(MAX_ACTIVE + 2):
            world.runner.request(TIMED_OUT, target="eu", subject=f"pods/a/{number}")
        await anyio.wait_all_tasks_blocked()

    states = [recovery.state for recovery in world.runner.recoveries()]
    assert states == [RecoveryState.CANCELLED] * (MAX_ACTIVE + 2)
    assert world.done == []
