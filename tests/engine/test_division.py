"""A Spread Placement divides replicas among targets, and keeps them divided."""

from __future__ import annotations

import anyio

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import (
    DEPLOYMENTS,
    PLACEMENTS,
    World,
    make_deployment,
    place_everywhere,
)
from tmcconsole.engine.engine import Engine
from tmcconsole.tmc.history.audit import MemoryAudit


async def replicas(world: World) -> list[int | None]:
    found = [await side.get(DEPLOYMENTS, "shop", "web") for side in world.clusters.values()]
    return [tree["spec"]["replicas"] if tree else None for tree in found]


async def spread(world: World, strategy: str) -> None:
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": strategy}})


async def has_replicas(world: World, *wanted: int) -> bool:
    return sorted(count or 0 for count in await replicas(world)) == sorted(wanted)


def test_a_change_of_strategy_divides_and_restores_the_replicas_of_settled_copies() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=5))
            await world.eventually(lambda: has_replicas(world, 5, 5), "whole on both")
            await world.settle()

            await spread(world, "Spread")
            await world.eventually(lambda: has_replicas(world, 3, 2), "divided")

            await spread(world, "OneToMany")
            await world.eventually(lambda: has_replicas(world, 5, 5), "whole again")

    in_virtual_time(story)


def test_an_engine_that_cannot_read_placements_yet_leaves_divided_copies_as_they_are() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await place_everywhere(world)
            await spread(world, "Spread")
            await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=5))
            await world.eventually(lambda: has_replicas(world, 3, 2), "divided")
            await world.settle()
            before = await generations(world)
            assert world.hub.sim is not None
            world.hub.sim.faults.failing_kinds = {"placements.scheduling.kcp.io"}

            async with anyio.create_task_group() as group:
                engine = world.engine
                again = Engine(engine.runtime, engine.settings, MemoryAudit(engine.runtime.wall))
                group.start_soon(again.run)
                await anyio.sleep(60)
                assert await generations(world) == before

                world.hub.sim.faults.failing_kinds = set()
                await anyio.sleep(60)
                group.cancel_scope.cancel()

            assert await generations(world) == before

    in_virtual_time(story)


async def generations(world: World) -> list[int]:
    found = [await side.get(DEPLOYMENTS, "shop", "web") for side in world.clusters.values()]
    return [tree["metadata"]["generation"] for tree in found if tree]
