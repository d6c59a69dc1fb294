"""Seeded trouble: faults of clusters and networks come and go, and the engine dies."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import anyio

from tests.simulation.swarm import FAULTS, LAG, TIME_TRAVEL
from tests.simulation.wire import Moment
from tests.simulation.world import World
from tmcconsole.sim.storage.fault_injection import Faults

MOMENTS: Final[tuple[Moment, ...]] = ("before", "after", "soon after")
LASTS_S: Final = (1.0, 5.0, 20.0, 60.0)
DOWN_S: Final = (0.0, 0.5, 10.0)  # until somebody starts a new engine


@dataclass(slots=True)
class Chaos:
    """The trouble of one run."""

    world: World
    rng: random.Random

    async def trouble_clusters(self) -> None:
        """Make trouble, of several kinds at once if the seed says so, until cancelled."""
        async with anyio.create_task_group() as group:
            for _ in range(self.world.swarm.streams if self.world.swarm.faults else 0):
                group.start_soon(self._trouble)

    async def _trouble(self) -> None:
        while True:
            await anyio.sleep(self.rng.uniform(0.0, 2 * self.world.swarm.pause_s))
            name = self.rng.choice(sorted(self.world.sims))
            fault = self.rng.choice(self.world.swarm.faults)
            lasts_s = self.rng.choice(LASTS_S) * self.rng.random()
            faults = self.world.sims[name].faults
            self.world.trace.commit(f"FAULT {fault} on {name}")
            if fault == TIME_TRAVEL:
                await self._time_travel(faults, lasts_s)
            elif fault == LAG:
                await self._lag(faults, lasts_s)
            else:
                faults.switch(fault, **FAULTS[fault])
                await anyio.sleep(lasts_s)
                faults.switch(fault, on=False)
            self.world.trace.commit(f"FAULT {fault} off {name}")

    async def _time_travel(self, faults: Faults, lasts_s: float) -> None:
        """Let a server fall behind, and then make everybody list from it."""
        faults.switch("stale_lists")
        await anyio.sleep(lasts_s / 2)
        faults.compact()
        faults.cut_watches()
        await anyio.sleep(lasts_s / 2)
        faults.switch("stale_lists", on=False)

    async def _lag(self, faults: Faults, lasts_s: float) -> None:
        """Delay the events of watches, again and again."""
        for _ in range(int(lasts_s)):
            faults.switch("silent_watches")
            await anyio.sleep(self.rng.uniform(0.1, 2.0))
            faults.switch("silent_watches", on=False)
            await anyio.sleep(self.rng.uniform(0.0, 0.2))

    async def kill_engines(self) -> None:
        """Let engines die at writes, and start new ones."""
        for _ in range(self.world.swarm.crashes):
            await anyio.sleep(self.rng.uniform(0.0, 30.0))
            if self.rng.random() < 0.3:
                await self.world.stop()
            else:
                self.world.crash_at_write(self.rng.randrange(20), self.rng.choice(MOMENTS))
                await self.world.ended.wait()
            await anyio.sleep(self.rng.choice(DOWN_S))
            self.world.start()
