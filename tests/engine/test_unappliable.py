"""Valid objects that an apply cannot carry are refused in words, with the place, and once."""

from __future__ import annotations

import anyio
import pytest

from tests.engine.test_no_room import cell_of
from tests.faults.stage import SPACE, open_shop
from tests.world.world import DEPLOYMENTS, make_deployment
from tmcconsole.contract.records import SyncState

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_a_variable_that_stands_twice_is_refused_with_its_place_and_tried_once() -> None:
    async with open_shop(("east",)) as world:
        tree = make_deployment("twice")
        variables = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
        tree["spec"]["template"]["spec"]["containers"][0]["env"] = variables
        await world.hub.user.create(DEPLOYMENTS, tree, manager="user")
        await anyio.sleep(60)

        cell = await cell_of(world, "twice")
        assert (cell.state, cell.reason) == (SyncState.REFUSED, "DuplicateEntries")
        assert '.env: duplicate entries for key [name="A"]' in cell.message
        attempts = [one for one in world.tried if "/deployments/twice" in one.path]
        assert len([one for one in attempts if one.cluster == "east"]) == 1

        variables.pop()
        env = {"containers": tree["spec"]["template"]["spec"]["containers"]}
        await world.hub.patch(DEPLOYMENTS, SPACE, "twice", {"spec": {"template": {"spec": env}}})
        await anyio.sleep(10)
        assert (await cell_of(world, "twice")).state is SyncState.IN_SYNC
