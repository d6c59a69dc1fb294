"""What is told of the state of copies: why they wait, and what is not known of them now."""

from __future__ import annotations

import json

import anyio
import pytest

from tests.faults.stage import open_shop
from tests.world.world import SYNC_TARGETS
from tmcconsole.contract.commands import Text, Why
from tmcconsole.sync.names.markers import PAUSE

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_a_copy_that_waits_says_who_paused_its_target_and_why() -> None:
    async with open_shop(("east",)) as world:

        async def pause(by: str, why: str) -> str:
            note = {"metadata": {"annotations": {PAUSE: json.dumps({"by": by, "why": why})}}}
            await world.hub.patch(SYNC_TARGETS, "", "east", note)
            await world.paint(why)
            await anyio.sleep(20)
            reply = await world.engine.request(Why(key="configmaps/shop/settings"))
            assert isinstance(reply, Text)
            return str(reply.body)

        assert "east is paused by kim: maintenance" in await pause("kim", "maintenance")
        assert "east is paused by lee: audit" in await pause("lee", "audit")
