"""Steady state: a shop is deployed everywhere; then nothing changes."""

from __future__ import annotations

import anyio

from tmcconsole.sim.scenarios import shop
from tmcconsole.sim.scenarios.stage import Scenario, Stage


async def _story(world: Stage) -> None:
    await shop.place(world)
    await shop.fill(world)
    world.say("A web shop runs on every cluster. Nothing else happens.")
    await anyio.sleep_forever()


QUIET = Scenario("quiet", "A web shop in steady state", _story)
