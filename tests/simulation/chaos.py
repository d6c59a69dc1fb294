"""Seeded trouble: faults of clusters and networks come and go, and the engine dies."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import anyio

from tests.simulation.swarm import FAULTS
from tests.simulation.wire import Moment
from tests.simulation.world import World

MOMENTS: Final[tuple[Moment, ...]] = ("before", "after", "soon after")
LASTS_S: Final = (1.0, 5.0, 20.0, 60.0)
DOWN_S: Final = (0.0, 0.5, 10.0)  # until somebody starts a new engine


@dataclass(slots=True)
class Chaos:
    """What goes wrong in one run."""

    world: World
    rng: random.Random

    async def trouble_clusters(self) -> None:
        """Switch faults on and off until cancelled."""
        faults = self.world.swarm.faults
        while faults:
            await anyio.sleep(self.rng.uniform(0.5, 15.0))
            name, fault = self.rng.choice(sorted(self.world.sims)), self.rng.choice(faults)
            self.world.trace.commit(f"FAULT {fault} on {name}")
            self.world.sims[name].faults.switch(fault, **FAULTS[fault])
            await anyio.sleep(self.rng.choice(LASTS_S) * self.rng.random())
            self.world.trace.commit(f"FAULT {fault} off {name}")
            self.world.sims[name].faults.switch(fault, on=False)

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
