"""Replicas divided among targets by a Spread Placement, and kept divided."""

from __future__ import annotations

import anyio
import pytest

from tests.world.world import (
    DEPLOYMENTS,
    PLACEMENTS,
    World,
    make_deployment,
    open_world,
    place_everywhere,
)
from tmcconsole.engine.engine import Engine
from tmcconsole.tmc.audit import MemoryAudit

pytestmark = pytest.mark.anyio


async def replicas(world: World) -> list[int | None]:
    found = [await side.get(DEPLOYMENTS, "shop", "web") for side in world.clusters.values()]
    return [tree["spec"]["replicas"] if tree else None for tree in found]


async def spread(world: World, strategy: str) -> None:
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": strategy}})


async def has_replicas(world: World, *wanted: int) -> bool:
    return sorted(count or 0 for count in await replicas(world)) == sorted(wanted)


async def test_a_change_of_strategy_divides_and_restores_the_replicas_of_settled_copies() -> None:
    async with open_world(("east", "west")) as world:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=5))
        await world.eventually(lambda: has_replicas(world, 5, 5), "whole on both")
        await world.settle()

        await spread(world, "Spread")
        await world.eventually(lambda: has_replicas(world, 3, 2), "divided")

        await spread(world, "OneToMany")
        await world.eventually(lambda: has_replicas(world, 5, 5), "whole again")


async def test_a_restarted_engine_does_not_undo_the_division_before_it_has_decided() -> None:
    async with open_world(("east", "west")) as world:
        await place_everywhere(world)
        await spread(world, "Spread")
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=5))
        await world.eventually(lambda: has_replicas(world, 3, 2), "divided")
        await world.settle()
        before = await generations(world)

        async with anyio.create_task_group() as group:
            engine = world.engine
            again = Engine(engine.runtime, engine.settings, MemoryAudit(engine.runtime.wall))
            group.start_soon(again.run)
            world.engine = again
            await world.settle()
            group.cancel_scope.cancel()

        assert await generations(world) == before


async def generations(world: World) -> list[int]:
    found = [await side.get(DEPLOYMENTS, "shop", "web") for side in world.clusters.values()]
    return [tree["metadata"]["generation"] for tree in found if tree]
