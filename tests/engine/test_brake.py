"""What the mass-delete brake does for an operator, seen in requests to simulated clusters."""

from __future__ import annotations

import pytest

from tests.simulation.loop import virtual_wall
from tests.world.world import (
    CONFIGMAPS,
    SYNC_TARGETS,
    World,
    make_configmap,
    open_world,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import Accepted, AllowDeletes, DrainTarget
from tmcconsole.contract.records import ObjectRecord, SyncState, TargetRecord
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.names.markers import ALLOW_DELETES
from tmcconsole.sync.names.times import rfc3339

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

NAMES = [f"settings-{number:02}" for number in range(20)]


async def fill(world: World) -> None:
    """Put twenty ConfigMaps on every target."""
    await place_everywhere(world)
    for name in NAMES:
        await world.hub.apply(CONFIGMAPS, make_configmap(name))
    await world.eventually(lambda: has_copies(world, len(NAMES)), "all copies", within_s=20)
    await world.settle()


async def copies(world: World, cluster: str = "east") -> list[str]:
    found = [await world.clusters[cluster].get(CONFIGMAPS, "shop", name) for name in NAMES]
    return [name for name, tree in zip(NAMES, found, strict=True) if tree is not None]


async def has_copies(world: World, count: int) -> bool:
    return len(await copies(world)) == count


async def delete_in_hub(world: World, names: list[str]) -> None:
    for name in names:
        await world.hub.delete(CONFIGMAPS, "shop", name)


async def held_deletions(world: World) -> int:
    changes = await world.engine.changes(NOTHING_SEEN)
    return sum(r.deletes_held for r in changes.upserted if isinstance(r, TargetRecord))


async def brake_has_stopped_two(world: World) -> bool:
    return await held_deletions(world) == 2 and await has_copies(world, 10)


async def stop_after_ten(world: World) -> None:
    await fill(world)
    await delete_in_hub(world, NAMES[:12])
    await world.eventually(lambda: brake_has_stopped_two(world), "ten deleted, two held")
    await world.settle()


async def test_twelve_deletions_stop_after_ten_and_the_rest_waits_in_the_hub() -> None:
    async with open_world(("east",), brake_deletes=1) as world:
        await stop_after_ten(world)

        assert await has_copies(world, 10)
        waiting = [name for name in NAMES[:12] if name in await copies(world)]
        assert len(waiting) == 2
        for name in waiting:
            source = await world.hub.get(CONFIGMAPS, "shop", name)
            assert source is not None
            assert source["metadata"]["deletionTimestamp"]
        changes = await world.engine.changes(NOTHING_SEEN)
        cells = [
            record.cells[0]
            for record in changes.upserted
            if isinstance(record, ObjectRecord) and record.name in waiting
        ]
        assert [cell.state for cell in cells] == [SyncState.HELD, SyncState.HELD]
        assert "more than 10 deletions in ten minutes" in cells[0].message
        assert ALLOW_DELETES in cells[0].message


async def test_an_operators_command_releases_what_is_held() -> None:
    async with open_world(("east",), brake_deletes=1) as world:
        await stop_after_ten(world)

        reply = await world.engine.request(AllowDeletes(target="east", actor="ann"))

        assert isinstance(reply, Accepted)
        await world.eventually(lambda: has_copies(world, 8), "the rest deleted")
        await world.eventually(lambda: hub_has(world, 8), "the hub let go")
        assert await held_deletions(world) == 0
        assert any(b"AllowDeletes" in line and b"ann" in line for line in world.audit.lines)


async def test_the_annotation_alone_releases_what_is_held_without_a_console() -> None:
    async with open_world(("east",), brake_deletes=1) as world:
        await stop_after_ten(world)

        until: Json = {ALLOW_DELETES: rfc3339(virtual_wall() + 60)}
        await world.hub.patch(SYNC_TARGETS, "", "east", {"metadata": {"annotations": until}})

        await world.eventually(lambda: has_copies(world, 8), "the rest deleted")


async def test_an_annotation_whose_time_has_passed_releases_nothing() -> None:
    async with open_world(("east",), brake_deletes=1) as world:
        await stop_after_ten(world)

        until: Json = {ALLOW_DELETES: rfc3339(virtual_wall() - 60)}
        await world.hub.patch(SYNC_TARGETS, "", "east", {"metadata": {"annotations": until}})
        target = next(iter(world.engine.session.shared.targets.values()))  # type: ignore[union-attr]
        target.look_again()
        await world.settle()

        assert await has_copies(world, 10)


async def test_a_drain_is_not_held_and_leaves_the_brake_as_it_was() -> None:
    async with open_world(("east", "west")) as world:
        await fill(world)

        reply = await world.engine.request(DrainTarget(target="east", confirm="east"))

        assert isinstance(reply, Accepted)
        await world.eventually(lambda: has_copies(world, 0), "east is empty", within_s=20)
        assert await copies(world, "west") == NAMES
        targets = world.engine.session.shared.targets.values()  # type: ignore[union-attr]
        assert [(target.brake.tripped, len(target.brake.recent)) for target in targets] == [
            ("", 0),
            ("", 0),
        ]


async def test_each_deletion_is_announced_in_the_audit_log_with_its_uid() -> None:
    async with open_world(("east",), brake_deletes=1) as world:
        await fill(world)
        session = world.engine.session
        assert session is not None
        east = next(iter(session.shared.targets.values()))
        copy = east.copy_of("configmaps", ObjectKey("shop", NAMES[0]))
        assert copy is not None

        await delete_in_hub(world, NAMES[:1])
        await world.eventually(lambda: has_copies(world, 19), "one copy deleted")

        announced = [line for line in world.audit.lines if b'"delete-copy"' in line]
        assert len(announced) == 1
        assert copy.uid.encode() in announced[0]


async def hub_has(world: World, count: int) -> bool:
    found = [await world.hub.get(CONFIGMAPS, "shop", name) for name in NAMES]
    return sum(tree is not None for tree in found) == count
