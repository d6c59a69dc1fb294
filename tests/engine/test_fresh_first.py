"""A change made now does not wait behind the backlog of objects to be checked."""

from __future__ import annotations

import anyio

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import CONFIGMAPS, NAMESPACES, World, make_configmap, place_everywhere

COUNT = 300


async def arrivals(world: World) -> list[str]:
    """Return the names of the copies on east in the order in which they arrived."""
    user = world.clusters["east"].user
    found = [
        one async for page in user.list_pages(CONFIGMAPS, namespace="shop") for one in page.items
    ]
    trees = [one.decode() for one in found]
    trees.sort(key=lambda tree: int(tree["metadata"]["resourceVersion"]))
    return [tree["metadata"]["name"] for tree in trees]


def test_an_edit_overtakes_the_backlog_of_a_cold_start() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            sim = world.clusters["east"].sim
            assert sim is not None
            await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
            for number in range(COUNT):
                await world.hub.apply(CONFIGMAPS, make_configmap(f"c{number:03}"))
            await world.settle()
            sim.faults.switch("latency", latency_s=0.5, jitter_s=0.0)
            await place_everywhere(world)

            async def has_begun() -> bool:
                return bool(await arrivals(world))

            await world.eventually(has_begun, "the first copies")
            late = f"c{COUNT - 1:03}"
            await world.hub.patch(CONFIGMAPS, "shop", late, {"data": {"colour": "red"}})
            await anyio.sleep(2)
            assert late in await arrivals(world)
            assert len(await arrivals(world)) < COUNT // 2

    in_virtual_time(story)
