"""A running engine with one ConfigMap in sync everywhere, and an operator who sends it requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import (
    CONFIGMAPS,
    World,
    make_configmap,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import (
    Accepted,
    AnyCommand,
    AnyReply,
)
from tmcconsole.contract.records import ObjectRecord, SyncState, TargetRecord

KEY = "configmaps/shop/settings"
Story = Callable[[World], Awaitable[None]]


def tell(story: Story, *names: str, **sync: object) -> None:
    """Run a scenario in a world where one ConfigMap is in sync on every target."""

    async def main() -> None:
        async with open_virtual_world(names or ("east", "west"), **sync) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            for cluster in world.clusters:
                await world.on(cluster, CONFIGMAPS, "shop", "settings")
            await world.settle()
            await story(world)

    in_virtual_time(main)


async def ask(world: World, command: AnyCommand) -> AnyReply:
    return await world.engine.request(command)


async def accept(world: World, command: AnyCommand) -> None:
    reply = await ask(world, command)
    assert isinstance(reply, Accepted), reply


async def target_record(world: World, name: str) -> TargetRecord:
    changes = await world.engine.changes(NOTHING_SEEN)
    found = [r for r in changes.upserted if isinstance(r, TargetRecord) and r.name == name]
    return found[0]


async def cell_state(world: World, target: str, name: str = "settings") -> SyncState | None:
    changes = await world.engine.changes(NOTHING_SEEN)
    for record in changes.upserted:
        if isinstance(record, ObjectRecord) and record.name == name:
            return next((cell.state for cell in record.cells if cell.target == target), None)
    return None


async def colour(world: World, cluster: str) -> str | None:
    found = await world.clusters[cluster].get(CONFIGMAPS, "shop", "settings")
    return found["data"]["colour"] if found else None


def is_colour(world: World, cluster: str, wanted: str) -> Callable[[], Awaitable[bool]]:
    async def claim() -> bool:
        return await colour(world, cluster) == wanted

    return claim


async def paint(world: World, value: str) -> None:
    await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": value}})


async def is_absent(world: World, cluster: str) -> bool:
    return await colour(world, cluster) is None
