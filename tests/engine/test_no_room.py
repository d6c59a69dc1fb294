"""An object with no room for our marks says so in the hub, with the limit and since when."""

from __future__ import annotations

import anyio
import pytest

from tests.engine.test_old_errors import refuse_writes_on
from tests.faults.stage import SPACE, Stage, open_shop
from tests.simulation.loop import virtual_wall
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.contract.records import Cell, ObjectRecord, SyncState

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

FULL = 262_144 - len("note") - 20  # too little room for what the sync notes


async def cell_of(world: Stage, name: str) -> Cell:
    objects: list[ObjectRecord] = await world.records(ObjectRecord)
    return next(one for one in objects if one.name == name).cells[0]


async def test_annotations_without_room_for_ours_are_refused_with_the_limit() -> None:
    async with open_shop(("east",)) as world:
        tree = make_configmap("full")
        tree["metadata"]["annotations"] = {"note": "x" * FULL}
        made = virtual_wall()
        await world.hub.apply(CONFIGMAPS, tree)
        await anyio.sleep(60)

        cell = await cell_of(world, "full")
        assert (cell.state, cell.reason) == (SyncState.REFUSED, "TooLarge")
        assert "it cannot be marked in the hub" in cell.message
        assert "262,144 bytes" in cell.message
        assert made <= cell.since <= made + 2
        smaller = {"metadata": {"annotations": {"note": "x"}}}
        await world.hub.patch(CONFIGMAPS, SPACE, "full", smaller)
        await world.until(lambda: "full" in world.names_on("east"), "there is room", 30)
        await anyio.sleep(5)
        assert (await cell_of(world, "full")).state is SyncState.IN_SYNC


async def test_what_waits_for_its_marks_says_since_when() -> None:
    async with open_shop(("east",)) as world:
        world.meddle = refuse_writes_on("hub")
        made = virtual_wall()
        await world.hub.apply(CONFIGMAPS, make_configmap("late"))
        await anyio.sleep(20)

        cell = await cell_of(world, "late")
        assert cell.state is SyncState.FAILED
        assert made <= cell.since <= made + 2
        world.meddle = lambda _cluster, _request: None
        await world.until(lambda: "late" in world.names_on("east"), "it goes", 300)
