"""C10 again: a hub or a cluster that was restored to an earlier state."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.stage import open_shop
from tests.world.world import CONFIGMAPS, make_configmap

pytestmark = pytest.mark.anyio

OLD = tuple(f"old-{number:02}" for number in range(15))
NEW = tuple(f"new-{number:02}" for number in range(15))


async def test_C10_a_hub_restored_from_a_backup_takes_no_copy_away() -> None:
    async with open_shop(("east", "west"), maps=OLD) as world:
        hub = world.sims["hub"]
        hub.faults.switch("back_up")
        for name in NEW:
            await world.hub.apply(CONFIGMAPS, make_configmap(name))
        await world.until(lambda: len(world.names_on("west")) == len(OLD) + len(NEW), "synced", 60)
        await world.settle()
        began = world.now()
        hub.faults.switch("restore")
        await anyio.sleep(3600)

        assert world.deletions(since=began) == []
        for side in ("east", "west"):
            assert world.names_on(side) == sorted((*NEW, *OLD))


async def test_C10_a_cluster_restored_from_a_backup_loses_no_object_of_ours() -> None:
    async with open_shop(("east",), maps=OLD) as world:
        cluster = world.sims["east"]
        cluster.faults.switch("back_up")
        for name in NEW:
            await world.hub.apply(CONFIGMAPS, make_configmap(name))
        await world.until(lambda: len(world.names_on("east")) == len(OLD) + len(NEW), "synced", 60)
        await world.settle()
        began = world.now()
        cluster.faults.switch("restore")
        await anyio.sleep(600)

        assert world.deletions(since=began) == []
        assert world.names_on("hub") == sorted((*NEW, *OLD))
        assert set(OLD) <= set(world.names_on("east"))
