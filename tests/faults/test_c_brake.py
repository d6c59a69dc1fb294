"""C10: the mass-delete brake in processes that do not live long."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.hands import audited
from tests.faults.stage import Stage, open_shop
from tests.world.world import CONFIGMAPS
from tmcconsole.contract.commands import Accepted, AllowDeletes
from tmcconsole.contract.records import SyncState

pytestmark = pytest.mark.anyio

MANY = tuple(f"map-{number:02}" for number in range(30))


async def empty(world: Stage) -> None:
    """Delete everything in the hub, as if by mistake."""
    for name in MANY:
        await world.hub.delete(CONFIGMAPS, "shop", name)


def accepted(world: Stage) -> int:
    return len([one for one in world.deletions("east") if one.status == 200])


async def test_C10_a_crash_loop_does_not_empty_a_cluster_ten_at_a_time() -> None:
    async with open_shop(("east",), maps=MANY, brake_deletes=1) as world:
        await empty(world)
        await anyio.sleep(30)
        assert accepted(world) == 10
        for _ in range(6):
            await world.restart()
            await anyio.sleep(300)

        assert accepted(world) == 10
        assert len(world.names_on("east")) == 20
        held = world.standing("east", name=world.names_on("east")[0])
        assert (held.state, held.reason) == (SyncState.HELD, "DeletionHeld")
        assert "more than 10 deletions" in held.message
        assert len(audited(world, "brake-tripped")) == 1


async def test_C10_deletions_before_a_restart_count_after_it() -> None:
    async with open_shop(("east",), maps=MANY, brake_deletes=1) as world:
        for name in MANY[:6]:
            await world.hub.delete(CONFIGMAPS, "shop", name)
        await world.until(lambda: len(world.names_on("east")) == 24, "six are gone")
        await world.restart()
        await anyio.sleep(10)
        await empty_rest(world)
        await anyio.sleep(120)

        assert accepted(world) == 10


async def empty_rest(world: Stage) -> None:
    for name in MANY[6:]:
        await world.hub.delete(CONFIGMAPS, "shop", name)


async def test_C10_what_an_operator_allowed_stays_allowed_after_a_restart() -> None:
    async with open_shop(("east",), maps=MANY, brake_deletes=1) as world:
        await empty(world)
        await anyio.sleep(30)
        await world.restart()
        await anyio.sleep(30)
        assert accepted(world) == 10
        reply = await world.engine.request(AllowDeletes(target="east", actor="ada"))
        assert isinstance(reply, Accepted)
        await world.restart()

        await world.until(lambda: world.names_on("east") == [], "allowed", 120)
        await world.until(lambda: world.names_on("hub") == [], "released", 120)
