"""The seeded loop has the properties that the simulation rests on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest
from async_solipsism import SleepForeverError

from tests.simulation import auditor
from tests.simulation.auditor import Escape
from tests.simulation.loop import Livelock, OutOfTime, run_virtual, virtual_runtime
from tmcconsole.runtime import Transport, TransportError


async def _no_network(name: str) -> Transport:
    raise TransportError(f"no network for {name}", sent=False)


def _order_of(seed: int, tasks: int = 8) -> list[int]:
    order: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
            order.append(number)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(tasks):
                group.start_soon(one, number)

    run_virtual(main, seed=seed, limit_s=10)
    return order


def test_equal_seeds_run_in_equal_order() -> None:
    assert _order_of(1) == _order_of(1)


def test_different_seeds_run_in_different_order() -> None:
    assert len({tuple(_order_of(seed)) for seed in range(10)}) > 5


def test_cancelled_tasks_end_in_an_order_drawn_from_the_seed_alone() -> None:
    def ends(seed: int) -> list[int]:
        order: list[int] = []

        async def one(number: int) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                order.append(number)

        async def main() -> None:
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(one, number)
                await anyio.sleep(1)
                group.cancel_scope.cancel()

        run_virtual(main, seed=seed, limit_s=10)
        return order

    first = ends(3)
    litter = [[object() for _ in range(number)] for number in range(100)]

    assert ends(3) == first
    assert len(litter) == 100
    assert ends(4) != first


def test_sleeping_takes_virtual_time_only() -> None:
    async def main() -> tuple[float, float]:
        runtime = virtual_runtime(_no_network, seed=1)
        now, wall = runtime.now(), runtime.wall()
        await runtime.sleep(36_000)
        return runtime.now() - now, runtime.wall() - wall

    assert run_virtual(main, seed=1, limit_s=100_000) == pytest.approx((36_000, 36_000))


def test_a_deadlock_is_an_error() -> None:
    with pytest.raises(SleepForeverError):
        run_virtual(anyio.sleep_forever, seed=1, limit_s=10)


def test_the_limit_ends_a_run() -> None:
    async def main() -> None:
        await anyio.sleep(20)

    with pytest.raises(OutOfTime):
        run_virtual(main, seed=1, limit_s=10)


def test_a_livelock_is_an_error() -> None:
    async def main() -> None:
        for _ in range(10**9):
            await anyio.lowlevel.checkpoint()

    with pytest.raises(Livelock):
        run_virtual(main, seed=1, limit_s=10)


def _as_product(source: str) -> Callable[[], None]:
    """Compile a function that seems to be part of the product."""
    space: dict[str, object] = {"__name__": "tmcconsole.imagined"}
    exec(source, space)
    found = space["escape"]
    assert callable(found)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef escape(): time.time()",
        "import time\ndef escape(): time.monotonic()",
        "import random\ndef escape(): random.random()",
        "import uuid\ndef escape(): uuid.uuid4()",
        "import os\ndef escape(): os.urandom(4)",
        "import secrets\ndef escape(): secrets.token_hex()",
        "import threading\ndef escape(): threading.Thread(target=print).start()",
    ],
)
def test_product_code_that_reaches_around_its_runtime_is_caught(source: str) -> None:
    escape = _as_product(source)

    async def main() -> None:
        escape()

    with pytest.raises(Escape, match=r"tmcconsole\.imagined"):
        run_virtual(main, seed=1, limit_s=1)


def test_an_escape_that_product_code_swallows_fails_the_run() -> None:
    source = "import time\ndef escape():\n try: time.time()\n except Exception: pass"
    escape = _as_product(source)

    async def main() -> None:
        escape()

    with pytest.raises(Escape):
        run_virtual(main, seed=1, limit_s=1)


def test_others_may_use_clocks_and_threads() -> None:
    async def main() -> None:
        time.monotonic()
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

    run_virtual(main, seed=1, limit_s=1)

    assert time.monotonic.__module__ != auditor.__name__
