"""Merged statuses that a real API server refuses are refused here, and no others."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.engine.virtual import in_virtual_time
from tests.simulation.loop import virtual_wall
from tests.world.reported import KINDS, VALIDATED, Refusals
from tests.world.world import NAMESPACES
from tmcconsole.kube.client.client import Client
from tmcconsole.sim.faces.cluster import SimCluster

SEEDS = 10


def refused(name: str, *, is_adjusted: bool) -> list[str]:
    """Return what a simulated hub refuses of the statuses that are merged for a kind."""

    async def story() -> list[str]:
        now = asyncio.get_running_loop().time
        sim = SimCluster("hub", now=now, wall=virtual_wall, rng=random.Random(1), flavour="hub")
        client = Client(sim.transport(), name="hub")
        await client.create(NAMESPACES, {"metadata": {"name": "shop"}}, manager="test")
        refusals = Refusals(client, "shop", is_adjusted)
        for seed in range(SEEDS):
            await refusals.play(KINDS[name], seed)
        assert refusals.written > SEEDS
        return refusals.refused

    return in_virtual_time(story)


@pytest.mark.parametrize("name", VALIDATED)
def test_what_is_merged_without_regard_to_the_rules_is_refused(name: str) -> None:
    assert refused(name, is_adjusted=False)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_any_merged_status_that_heeds_the_rules_is_accepted(name: str) -> None:
    assert refused(name, is_adjusted=True) == []
