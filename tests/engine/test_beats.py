"""What a SyncTarget reports about kinds that cannot be listed."""

from __future__ import annotations

import pytest

from tests.world.world import SYNC_TARGETS, World, open_world
from tmcconsole.kube.objects import Json, condition_of

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


@pytest.mark.parametrize(("side", "where"), [("hub", "in the hub"), ("east", "on east")])
async def test_a_kind_that_may_not_be_listed_on_either_side_is_named(side: str, where: str) -> None:
    async with open_world(("east",)) as world:

        async def told() -> Json | None:
            return await authorized(world, "False")

        refuse(world, side, "configmaps")
        condition = await world.eventually(told, "a condition that is False")

        assert condition["reason"] == "SyncerUnauthorized"
        assert "list" in condition["message"]
        assert f"configmaps {where}" in condition["message"]
        assert "secrets" not in condition["message"]


def refuse(world: World, side: str, kind: str) -> None:
    cluster = world.hub if side == "hub" else world.clusters[side]
    assert cluster.sim is not None
    cluster.sim.faults.forbidden = {("list", kind)}


async def authorized(world: World, status: str) -> Json | None:
    tree = await world.hub.get(SYNC_TARGETS, "", "east")
    found = condition_of(tree or {}, "SyncerAuthorized")
    return found if found and found["status"] == status else None
