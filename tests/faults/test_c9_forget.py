"""C9: a cluster that is gone for good is forgotten only when an operator says so."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tests.faults.stage import Stage, open_shop
from tests.world.world import CONFIGMAPS, SYNC_TARGETS
from tmcconsole.contract.commands import (
    AnyReply,
    ForgetPlan,
    ForgetTarget,
    PlanForget,
    Refused,
    Text,
    Why,
)
from tmcconsole.contract.records import TargetState

pytestmark = pytest.mark.anyio


async def lose(world: Stage, name: str = "west") -> None:
    """Remove a cluster for good, and delete an object in the hub that has a copy there."""
    world.sims[name].faults.switch("outage")
    supervisor = world.engine.supervisors[name]
    await world.until(lambda: supervisor.standing.state is TargetState.UNREACHABLE, "unreachable")
    await world.hub.delete(CONFIGMAPS, "shop", "gone")


async def order(world: Stage, target: str, confirm: str = "") -> AnyReply:
    return await world.engine.request(
        ForgetTarget(target=target, confirm=confirm or target, actor="ann")
    )


def counted(reply: AnyReply) -> dict[str, int]:
    assert isinstance(reply, ForgetPlan), reply
    return {str(one.kind): one.count for one in reply.kinds}


async def test_C9_what_a_lost_cluster_holds_is_released_on_order_and_on_no_other_occasion() -> None:
    async with open_shop(("east", "west"), maps=("gone", "settings")) as world:
        await lose(world)
        on_west = world.sims["west"].store.trees("configmaps", "shop")
        await anyio.sleep(3600)
        assert world.finalizers(CONFIGMAPS, "gone") == ["west"]

        plan = await world.engine.request(PlanForget(target="west"))
        assert counted(plan) == {"configmaps": 2, "namespaces": 1}
        assert world.finalizers(CONFIGMAPS, "gone") == ["west"]
        assert counted(await order(world, "west")) == counted(plan)
        await anyio.sleep(60)

        assert world.copy("hub", CONFIGMAPS, "gone") is None
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        kept = world.copy("hub", CONFIGMAPS, "settings")
        assert kept is not None
        assert world.key_of("west") not in orjson.dumps(kept).decode()
        assert world.names_on("east") == ["settings"]
        assert world.sims["west"].store.trees("configmaps", "shop") == on_west
        lines = [orjson.loads(line) for line in world.audit.lines]
        assert ("ForgetTarget", "ann", "west") in [
            (line.get("action"), line.get("actor"), line.get("target")) for line in lines
        ]
        await world.rest()


async def test_C9_a_cluster_that_answers_is_not_forgotten_nor_one_named_wrongly() -> None:
    async with open_shop(("east", "west"), maps=("gone", "settings")) as world:
        refused = await order(world, "west")
        assert isinstance(refused, Refused)
        assert "drain it instead" in refused.reason
        await lose(world)
        await anyio.sleep(5)
        assert isinstance(await order(world, "west", "east"), Refused)
        assert world.finalizers(CONFIGMAPS, "gone") == ["west"]


async def test_C9_a_target_that_is_gone_is_named_by_why_and_forgotten_by_its_key() -> None:
    async with open_shop(("east", "west"), maps=("gone", "settings")) as world:
        await lose(world)
        await world.hub.delete(SYNC_TARGETS, "", "west")
        await world.restart()
        await world.until(lambda: "east" in world.engine.supervisors, "started")
        await anyio.sleep(120)
        key = world.key_of("west")
        told = await world.engine.request(Why(key="configmaps/shop/gone"))
        assert isinstance(told, Text)
        assert f"tmc-console forget {key}" in told.body
        assert world.finalizers(CONFIGMAPS, "gone") == ["west"]

        assert counted(await order(world, key))["configmaps"] == 2
        await anyio.sleep(60)
        assert world.copy("hub", CONFIGMAPS, "gone") is None
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]


@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_C9_an_engine_that_dies_over_it_leaves_what_the_next_order_finishes(
    writes: int,
) -> None:
    async with open_shop(("east", "west"), maps=("gone", "settings")) as world:
        await lose(world)
        world.life.moment, world.life.writes_left = "after", writes
        async with anyio.create_task_group() as group:
            group.start_soon(order, world, "west")
            await world.ended.wait()
            group.cancel_scope.cancel()
        world.start()
        supervisor = world.engine.supervisors
        await world.until(
            lambda: (
                "west" in supervisor
                and supervisor["west"].standing.state is TargetState.UNREACHABLE
            )
        )
        await order(world, "west")
        await anyio.sleep(60)

        assert world.copy("hub", CONFIGMAPS, "gone") is None
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        assert world.names_on("east") == ["settings"]
