"""Installing the APIs in a hub."""

from __future__ import annotations

import pytest

from tests.world.world import SYNC_TARGETS, make_settings, open_world
from tmcconsole.placement.install import install

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_installing_twice_applies_the_same_and_keeps_what_others_set() -> None:
    async with open_world(("east",)) as world:
        targets = make_settings(("east",)).targets
        await world.hub.patch(SYNC_TARGETS, "", "east", {"spec": {"unschedulable": True}})
        before = await world.hub.get(SYNC_TARGETS, "", "east")

        applied = await install(world.hub.user, targets)

        after = await world.hub.get(SYNC_TARGETS, "", "east")
        assert len(applied) == 4
        assert before is not None
        assert after is not None
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["spec"]["unschedulable"] is True
