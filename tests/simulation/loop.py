"""A seeded event loop in virtual time: equal seeds run identically on any machine.

Nothing outside is waited for. When every task sleeps the clock jumps to the next timer; when no
timer is left the run is a deadlock and fails. What is ready runs in an order drawn from the seed.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

import anyio
import async_solipsism
from async_solipsism.clock import Clock

from tests.simulation.auditor import audited
from tmcconsole.runtime import Dial, Runtime

T = TypeVar("T")

WALL_AT_START: Final = 1_800_000_000.0  # Unix seconds; a clock that begins at 0 hides mistakes
NOW_AT_START: Final = 1_000.0  # monotonic seconds
MAX_TURNS: Final = 200_000  # of the loop without time passing; more is a livelock


class OutOfTime(Exception):
    """The virtual time limit of the run has passed."""


class Livelock(Exception):
    """Tasks keep each other busy without letting time pass."""


class _Task(asyncio.Task[Any]):
    """A task that knows how many were made before it."""

    serial: int


class SeededLoop(async_solipsism.EventLoop):  # type: ignore[misc]  # the package has no types
    """Virtual time, and an order of execution drawn from the seed."""

    def __init__(self, seed: int, limit_s: float) -> None:
        super().__init__()
        self.set_task_factory(self._make_task)
        # A wait, however short, always takes time: a timer that is late by less than
        # the resolution would otherwise be set again and again at the same moment.
        clock = self._selector.clock
        clock.advance = lambda delta: Clock.advance(clock, max(delta, clock.resolution))
        self.turns = 0  # of the loop, since the start
        self._random = random.Random(f"loop {seed}")
        self._limit = NOW_AT_START + limit_s
        self._serial = 0
        self._last_time = 0.0
        self._turns_now = 0  # since time last passed
        self._is_ending = False

    def time(self) -> float:
        """Return virtual monotonic seconds."""
        now: float = NOW_AT_START + super().time()
        return now

    def _make_task(
        self,
        _loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any],
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task = _Task(coroutine, loop=self, context=context)
        self._serial += 1
        task.serial = self._serial
        return task

    def _run_once(self) -> None:
        self._watch_limits()
        if len(self._ready) > 1:
            self._shuffle()
        super()._run_once()

    def _watch_limits(self) -> None:
        self.turns += 1
        self._turns_now += 1
        now = self.time()
        if now > self._last_time:
            self._last_time, self._turns_now = now, 0
        if self._is_ending:
            return
        if now > self._limit:
            self._is_ending = True
            raise OutOfTime(f"still running after {now - NOW_AT_START:.0f} virtual seconds")
        if self._turns_now > MAX_TURNS:
            self._is_ending = True
            raise Livelock(f"{MAX_TURNS} turns without time passing, at {now:.3f}")

    def _shuffle(self) -> None:
        """Draw the order in which ready callbacks run.

        anyio cancels tasks out of sets, in an order that depends on memory addresses: tasks are
        put in the order of their birth first.
        """
        ready = list(self._ready)
        tasks: list[tuple[int, int, asyncio.Handle]] = []
        others: list[asyncio.Handle] = []
        for handle in ready:
            owner = getattr(handle._callback, "__self__", None)
            if isinstance(owner, _Task):
                tasks.append((owner.serial, len(tasks), handle))
            else:
                others.append(handle)
        tasks.sort()
        others += [handle for _, _, handle in tasks]
        self._random.shuffle(others)
        self._ready.clear()
        self._ready.extend(others)


def run_virtual(main: Callable[[], Awaitable[T]], *, seed: int, limit_s: float) -> T:
    """Run ``main`` on a new seeded loop and return its result.

    Raises ``OutOfTime`` after ``limit_s`` virtual seconds, ``Livelock``, async_solipsism's
    ``SleepForeverError`` where nothing can happen any more (a timer a day away counts as never),
    and ``Escape`` where product code used a clock, randomness or a thread of its own. The garbage
    collector rests meanwhile: finalizers run when the last reference goes, not by chance.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    options = {"loop_factory": lambda: SeededLoop(seed, limit_s)}
    try:
        with audited():
            return anyio.run(main, backend="asyncio", backend_options=options)
    finally:
        if was_enabled:
            gc.enable()


def virtual_runtime(
    dial: Dial, *, seed: int, sometimes: Callable[[str], bool] = lambda _name: False
) -> Runtime:
    """Return a runtime on the running seeded loop."""
    loop = asyncio.get_running_loop()
    return Runtime(
        now=loop.time,
        wall=virtual_wall,
        sleep=anyio.sleep,
        rng=random.Random(f"runtime {seed}"),
        dial=dial,
        sometimes=sometimes,
    )


def virtual_wall() -> float:
    """Return Unix seconds of the running seeded loop."""
    return WALL_AT_START + asyncio.get_running_loop().time() - NOW_AT_START
