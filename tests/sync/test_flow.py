"""Admission to one API server: as many requests as it bears, and none before it allows them."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.loop import run_virtual
from tmcconsole.kube.errors import (
    KubeError,
    NotFound,
    ServerFailure,
    TooManyRequests,
    Unreachable,
)
from tmcconsole.sync.queue.concurrency_limit import LEAST, NARROW, START, ConcurrencyLimit


def make_flow(most: int = 64) -> ConcurrencyLimit:
    return ConcurrencyLimit(anyio.current_time, anyio.sleep, most)


def too_many(retry_after_s: float | None = None) -> TooManyRequests:
    return TooManyRequests(429, "TooManyRequests", "slow down", retry_after_s=retry_after_s)


async def fail(flow: ConcurrencyLimit, error: KubeError) -> None:
    try:
        async with flow.admitted():
            raise error
    except type(error):
        pass


async def succeed(flow: ConcurrencyLimit, times: int = 1) -> None:
    for _ in range(times):
        async with flow.admitted():
            pass


@pytest.mark.parametrize(
    "error",
    [too_many(), ServerFailure(503, "Unavailable", ""), Unreachable("reset", sent=True)],
    ids=["429", "503", "unreachable"],
)
def test_a_server_in_trouble_halves_the_width(error: KubeError) -> None:
    async def main() -> int:
        flow = make_flow()
        await fail(flow, error)
        return flow.width

    assert run_virtual(main, seed=1, limit_s=60) == START // 2


def test_an_answer_about_one_object_says_nothing_of_the_server() -> None:
    async def main() -> int:
        flow = make_flow()
        await fail(flow, NotFound(404, "NotFound", ""))
        return flow.width

    assert run_virtual(main, seed=1, limit_s=60) == START


def test_one_burst_of_refusals_is_one_sign_and_the_width_never_falls_below_one() -> None:
    async def main() -> list[int]:
        flow = make_flow()
        widths = []
        for _ in range(10):
            await fail(flow, too_many())
            await fail(flow, too_many())
            widths.append(flow.width)
            await anyio.sleep(2)
        return widths

    assert run_virtual(main, seed=1, limit_s=60) == [8, 4, 2] + [LEAST] * 7


def test_answers_in_time_raise_the_width_to_its_ceiling_and_no_further() -> None:
    async def main() -> int:
        flow = make_flow(most=20)
        await succeed(flow, 1000)
        return flow.width

    assert run_virtual(main, seed=1, limit_s=60) == 20


def test_retry_after_closes_the_door_for_those_who_were_already_waiting() -> None:
    """B10: a 429 also holds back the requests that are waiting for a place."""

    async def main() -> list[float]:
        flow = make_flow(most=1)
        began = anyio.current_time()
        entered: list[float] = []

        async def refused() -> None:
            try:
                async with flow.admitted():
                    await anyio.sleep(1)
                    raise too_many(retry_after_s=30)
            except TooManyRequests:
                pass

        async def next_one() -> None:
            async with flow.admitted():
                entered.append(anyio.current_time() - began)

        async with anyio.create_task_group() as group:
            group.start_soon(refused)
            await anyio.sleep(0.5)
            for _ in range(3):
                group.start_soon(next_one)
        return entered

    entered = run_virtual(main, seed=1, limit_s=120)

    assert entered == [31, 31, 31]


@given(
    seed=st.integers(0, 1000),
    cancelled=st.sets(st.integers(0, 9), max_size=9),
    after=st.floats(0, 5),
)
def test_cancelled_waiters_never_cost_the_others_their_turn(
    seed: int, cancelled: set[int], after: float
) -> None:
    async def main() -> set[int]:
        flow = make_flow(most=2)
        scopes = [anyio.CancelScope() for _ in range(10)]
        finished: set[int] = set()

        async def work(number: int) -> None:
            with scopes[number]:
                async with flow.admitted():
                    await anyio.sleep(1)
                finished.add(number)

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(work, number)
            await anyio.sleep(after)
            for number in sorted(cancelled):
                scopes[number].cancel()
        assert flow.waiting == 0
        return finished

    finished = run_virtual(main, seed=seed, limit_s=60)

    assert finished >= set(range(10)) - cancelled


def test_who_is_done_and_asks_again_does_not_push_in_before_those_who_wait() -> None:
    async def main() -> dict[int, int]:
        flow, turns = make_flow(most=1), dict.fromkeys(range(4), 0)

        async def worker(number: int) -> None:
            while True:
                async with flow.admitted():
                    await anyio.sleep(1)
                    turns[number] += 1

        async with anyio.create_task_group() as group:
            for number in turns:
                group.start_soon(worker, number)
            await anyio.sleep(40.5)
            group.cancel_scope.cancel()
        return turns

    assert run_virtual(main, seed=1, limit_s=60) == dict.fromkeys(range(4), 10)


def test_never_more_requests_at_once_than_the_width() -> None:
    async def main() -> int:
        flow = make_flow(most=3)
        running = most = 0

        async def work() -> None:
            nonlocal running, most
            async with flow.admitted():
                running += 1
                most = max(most, running)
                await anyio.sleep(0.1)
                running -= 1

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(work)
        return most

    assert run_virtual(main, seed=1, limit_s=60) == 3


async def answer_in(flow: ConcurrencyLimit, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        async with flow.admitted():
            await anyio.sleep(seconds)


def test_answers_that_queue_up_behind_each_other_narrow_it() -> None:
    async def main() -> list[int]:
        flow = make_flow()
        await answer_in(flow, 0.01, 50)
        before = flow.width
        await answer_in(flow, 1.0, 10)
        return [before, flow.width]

    before, after = run_virtual(main, seed=1, limit_s=60)

    assert before > 16
    assert after <= before // 2


def test_a_server_far_away_is_not_a_slow_one() -> None:
    async def main() -> int:
        flow = make_flow()
        await answer_in(flow, 2.0, 30)
        return flow.width

    assert run_virtual(main, seed=1, limit_s=120) > START


def test_a_server_that_has_moved_away_is_known_by_its_new_distance_soon() -> None:
    async def main() -> list[int]:
        flow = make_flow()
        await answer_in(flow, 0.01, 50)
        widths = []
        for _ in range(60):
            await answer_in(flow, 2.0)
            widths.append(flow.width)
        return widths

    widths = run_virtual(main, seed=1, limit_s=300)

    assert min(widths) == NARROW
    assert widths[-1] > 2 * NARROW
