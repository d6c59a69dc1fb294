"""The world of the end-to-end tests in virtual time: waiting ten minutes costs nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio

from tests.simulation.loop import run_virtual, virtual_runtime, virtual_wall
from tests.world.world import Side, World, make_settings
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.client.client import Client
from tmcconsole.placement.install import install
from tmcconsole.runtime import Transport
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.tmc.history.audit import MemoryAudit

T = TypeVar("T")


def in_virtual_time(story: Callable[[], Awaitable[T]], *, seed: int = 1) -> T:
    """Run a scenario on the seeded loop; it may take at most an hour of virtual time."""
    return run_virtual(story, seed=seed, limit_s=3600)


@asynccontextmanager
async def open_virtual_world(
    names: tuple[str, ...] = ("east",), **sync: object
) -> AsyncIterator[World]:
    """Run a hub, clusters with their controllers, and an engine on the current virtual loop."""
    now = asyncio.get_running_loop().time
    sims = {
        name: SimCluster(
            name,
            now=now,
            wall=virtual_wall,
            rng=random.Random(name),
            flavour="hub" if name == "hub" else "workload",
        )
        for name in ("hub", *names)
    }

    async def dial(name: str) -> Transport:
        return sims[name].transport()

    settings = make_settings(names, **sync)
    audit = MemoryAudit(virtual_wall)
    engine = Engine(virtual_runtime(dial, seed=1), settings, audit)
    sides = {
        name: Side(user=Client(sim.transport(), name=name), sim=sim) for name, sim in sims.items()
    }
    hub = sides.pop("hub")
    async with anyio.create_task_group() as group:
        for sim in sims.values():
            group.start_soon(sim.run)
        await install(hub.user, settings.targets)
        group.start_soon(engine.run)
        yield World(hub, sides, engine, audit)
        group.cancel_scope.cancel()
