"""Drains, edits of Placements and Locations, and targets that refuse: no other trouble.

So pods that were ready stop being ready only where the engine takes a copy away.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from tests.faults.stage import Stage, open_stage
from tests.simulation.loop import run_virtual
from tests.world.world import (
    DEPLOYMENTS,
    PLACEMENTS,
    SYNC_TARGETS,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.commands import CordonTarget, DrainTarget, UncordonTarget
from tmcconsole.placement.api import LOCATIONS
from tmcconsole.sim.storage.store import Commit

NAMES: Final = ("east", "north", "west")
STRATEGIES: Final = ("OneToAny", "OneToMany", "Spread")
LIMIT_S: Final = 3600.0
SPACE: Final = "shop"


@dataclass(slots=True)
class Moved:
    """The outcome of one world."""

    seed: int
    fewer: list[str] = field(default_factory=list)  # moments with fewer ready pods than before
    removed: int = 0  # copies that the engine took away


@dataclass(slots=True)
class Watch:
    """Counts the Deployment's ready pods over all targets, at every commit of any cluster."""

    world: Stage
    moved: Moved
    replicas: int
    has_begun: bool = False

    def committed(self, target: str, commit: Commit) -> None:
        if not self.has_begun or commit.kind_id != DEPLOYMENTS.id:
            return
        self.moved.removed += commit.verb == "delete"
        ready = self.ready()
        if ready < self.replicas:
            told = f"{ready} of {self.replicas} ready after a {commit.verb} on {target}"
            self.moved.fewer.append(told)

    def ready(self) -> int:
        copies = [self.world.copy(name, DEPLOYMENTS, "web") or {} for name in NAMES]
        return sum(int((one.get("status") or {}).get("readyReplicas") or 0) for one in copies)


def move(seed: int) -> Moved:
    """Play one world of drains and edits; return what was seen."""
    return run_virtual(partial(_story, seed), seed=seed, limit_s=LIMIT_S)


async def _story(seed: int) -> Moved:
    rng, moved = random.Random(f"drains {seed}"), Moved(seed)
    async with open_stage(NAMES, seed=seed) as world:
        replicas = rng.randint(1, 4)
        watch = Watch(world, moved, replicas)
        for name in NAMES:
            world.sims[name].store.on_commit(partial(watch.committed, name))
        await place_everywhere(world)
        await _strategy(world, rng)
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=replicas))
        await world.until(lambda: watch.ready() >= replicas, "ready", 120)
        await anyio.sleep(30)
        watch.has_begun = True
        for _ in range(rng.randint(4, 9)):
            await rng.choice(_DEEDS)(world, rng)
            await anyio.sleep(rng.expovariate(1 / 30))
        for name in NAMES:
            world.sims[name].faults.clear()
        await anyio.sleep(120)
    return moved


async def _strategy(world: Stage, rng: random.Random) -> None:
    spec = {"strategy": rng.choice(STRATEGIES)}
    await world.hub.patch(PLACEMENTS, "", SPACE, {"spec": spec})


async def _drain(world: Stage, rng: random.Random) -> None:
    name = rng.choice(NAMES)
    await world.engine.request(DrainTarget(target=name, confirm=name))


async def _cordon(world: Stage, rng: random.Random) -> None:
    await world.engine.request(CordonTarget(target=rng.choice(NAMES)))


async def _uncordon(world: Stage, rng: random.Random) -> None:
    await world.engine.request(UncordonTarget(target=rng.choice(NAMES)))


async def _narrow(world: Stage, rng: random.Random) -> None:
    """Make the Location select only some of the targets, by their labels."""
    for name in NAMES:
        pool = {"metadata": {"labels": {"pool": rng.choice(("a", "a", "b"))}}}
        await world.hub.patch(SYNC_TARGETS, "", name, pool)
    chosen = {"matchLabels": {"pool": "a"}}
    await world.hub.patch(LOCATIONS, "", "default", {"spec": {"instanceSelector": chosen}})


async def _widen(world: Stage, rng: random.Random) -> None:
    await world.hub.patch(LOCATIONS, "", "default", {"spec": {"instanceSelector": None}})


async def _refuse(world: Stage, rng: random.Random) -> None:
    """Make a target refuse to create anything."""
    world.sims[rng.choice(NAMES)].faults.switch("quota")


async def _take_again(world: Stage, rng: random.Random) -> None:
    world.sims[rng.choice(NAMES)].faults.clear()


_DEEDS: Final[tuple[Callable[[Stage, random.Random], Awaitable[None]], ...]] = (
    _drain, _drain, _strategy, _cordon, _uncordon, _narrow, _widen, _refuse, _take_again,
)  # fmt: skip
