"""One seed, from the first desired state to the last check."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import anyio

from tests.simulation.calm import Calm
from tests.simulation.chaos import Chaos
from tests.simulation.loop import NOW_AT_START, run_virtual
from tests.simulation.marks import PAUSE
from tests.simulation.people import People
from tests.simulation.swarm import TARGETS, Swarm, draw
from tests.simulation.trace import Violation
from tests.simulation.world import World, open_world
from tmcconsole.contract.commands import AllowDeletes, AnyCommand, ResumeTarget, UncordonTarget
from tmcconsole.runtime import first_error

LIMIT_S = 6000.0
BRAKE_EVERY_S = 30.0
SHOWN = 40  # of the last commits
ORDER_TRIES = 300  # one second apart: by the last, a healthy hub is connected


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run. Runs of one seed have equal outcomes."""

    digest: str
    lines: int
    virtual_s: float
    settled_s: float  # from the end of trouble until nothing was wrong
    commits: int
    lives: int


class Broken(AssertionError):
    """A seed broke an invariant; the text has all that is needed to find out why."""

    def __init__(self, swarm: Swarm, violation: Exception, commits: list[str]) -> None:
        shown = "\n".join(commits[-SHOWN:])
        if not isinstance(violation, Violation):
            shown += "\n" + "".join(traceback.format_exception(violation))
        super().__init__(
            f"seed {swarm.seed}: {violation}\n{swarm}\nlast commits:\n{shown}\n"
            f"replay: python -m tests.simulation {swarm.seed} --verbose"
        )
        self.violation = violation


def run_seed(seed: int, say: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Run one seed. Raises ``Broken``."""
    return run_swarm(draw(seed), say)


def run_swarm(swarm: Swarm, say: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Run a swarm, whether drawn by a seed or made by hand. Raises ``Broken``."""
    worlds: list[World] = []

    async def main() -> Outcome:
        async with open_world(swarm, say) as world:
            worlds.append(world)
            settled_s = await _story(world)
        return _outcome(world, settled_s)

    try:
        return run_virtual(main, seed=swarm.seed, limit_s=LIMIT_S)
    except Exception as error:
        commits = list(worlds[0].trace.commits) if worlds else []
        found = first_error(error) if isinstance(error, ExceptionGroup) else error
        raise Broken(swarm, found, commits) from error


async def _story(world: World) -> float:
    """Run trouble, then calm; return how long it took to become calm."""
    seed = world.swarm.seed
    people = People(world, random.Random(f"people {seed}"))
    chaos = Chaos(world, random.Random(f"chaos {seed}"))
    tasks_before = len(asyncio.all_tasks())
    world.start()
    await people.begin()
    async with anyio.create_task_group() as group:
        group.start_soon(chaos.trouble_clusters)
        group.start_soon(chaos.kill_engines)
        await people.live()
        group.cancel_scope.cancel()
    await _heal(world, people)
    calm, began = Calm(world), asyncio.get_running_loop().time()
    async with anyio.create_task_group() as group:
        group.start_soon(_allow_deletes, world, people)
        await calm.settle()
        settled_s = asyncio.get_running_loop().time() - began
        await calm.stay_still()
        group.cancel_scope.cancel()
    await world.stop()
    await anyio.sleep(1)
    left = len(asyncio.all_tasks()) - tasks_before
    if left:
        raise Violation("L6", f"{left} tasks outlive the engine")
    return settled_s


async def _heal(world: World, people: People) -> None:
    """End all trouble: people repair what only people can."""
    world.trace.commit("HEAL")
    for sim in world.sims.values():
        sim.faults.clear()
    await people.let_copies_go()
    assert world.life is not None
    world.life.writes_left = -1
    if "empty_lists" in world.swarm.faults and not world.life.is_over:
        # An engine that starts with an empty list has no reason to doubt it: operators restart it.
        await world.stop()
    if world.life.is_over:
        await world.ended.wait()
        world.start()
    for name in TARGETS:
        target = world.sims["hub"].store.get("synctargets.workload.kcp.io", "", name)
        assert target is not None
        if PAUSE in (target["metadata"].get("annotations") or {}):
            await _insist(people, ResumeTarget(target=name))
        if (target.get("spec") or {}).get("unschedulable") and people.rng.random() < 0.7:
            await _insist(people, UncordonTarget(target=name))


async def _allow_deletes(world: World, people: People) -> None:
    """Allow deletions wherever the brake holds them, until cancelled.

    Nothing else is ordered in calm times: an order would wake what the engine should remember.
    """
    while True:
        await anyio.sleep(BRAKE_EVERY_S)
        for name in world.braking():
            await people.order(AllowDeletes(target=name))


async def _insist(people: People, order: AnyCommand) -> None:
    for _ in range(ORDER_TRIES):
        if await people.order(order):
            return
        await anyio.sleep(1)
    raise Violation("L5", f"no engine takes {order}")


def _outcome(world: World, settled_s: float) -> Outcome:
    return Outcome(
        world.trace.digest,
        world.trace.count,
        asyncio.get_running_loop().time() - NOW_AT_START,
        settled_s,
        sum(sim.store.writes for sim in world.sims.values()),
        world.lives,
    )
