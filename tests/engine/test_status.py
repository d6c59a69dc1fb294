"""Statuses of several targets in the hub: who counts, what is left when they go."""

from __future__ import annotations

import anyio

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.faults.stage import Stage, open_stage
from tests.world.world import (
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    World,
    make_deployment,
    place_everywhere,
)
from tmcconsole.config.settings import StatusRule
from tmcconsole.contract.commands import Why
from tmcconsole.kube.objects import Json, ObjectKey

WEB = ("shop", "web")


async def status_of(world: World) -> Json:
    tree = await world.hub.get(DEPLOYMENTS, *WEB)
    return dict((tree or {}).get("status") or {})


async def deployed(world: World, ready: int) -> None:
    await world.hub.apply(DEPLOYMENTS, make_deployment())
    await is_ready(world, ready)


async def is_ready(world: World, wanted: int) -> None:
    async def so() -> bool:
        return int((await status_of(world)).get("readyReplicas", 0)) == wanted

    await world.eventually(so, f"{wanted} ready", 60)


async def assign(world: Stage, *targets: str) -> None:
    """Say on the object itself where it belongs."""
    labels = {
        f"state.workload.kcp.io/{world.key_of(name)}": "Sync" if name in targets else None
        for name in world.clusters
    }
    await world.hub.patch(DEPLOYMENTS, *WEB, {"metadata": {"labels": labels}})


def test_a_target_that_the_object_leaves_is_not_counted_any_more() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await assign(world, "east", "west")
            await is_ready(world, 4)
            world.sims["east"].faults.switch("outage")
            await assign(world, "west")

            await is_ready(world, 2)
            assert sorted(world.finalizers(DEPLOYMENTS, "web")) == ["east", "west"]

    in_virtual_time(story)


def test_after_a_drain_nothing_stale_is_left() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await deployed(world, 4)
            await place_nowhere(world)

            await is_ready(world, 0)
            await world.until(lambda: not world.finalizers(DEPLOYMENTS, "web"), "released", 60)
            await world.settle()
            assert blank(await status_of(world))
            await world.restart()
            await anyio.sleep(150)  # the empty namespaces are tidied away meanwhile
            await world.rest()

    in_virtual_time(story)


def test_a_status_that_somebody_else_wrote_stays_when_the_copies_are_gone() -> None:
    async def story() -> None:
        async with open_stage(("east",)) as world:
            await place_everywhere(world)
            await deployed(world, 2)
            await world.hub.user.merge_patch(
                DEPLOYMENTS,
                ObjectKey(*WEB),
                {"status": {"collisionCount": 7}},
                manager="someone",
                subresource="status",
            )
            await place_nowhere(world)
            await world.until(lambda: not world.finalizers(DEPLOYMENTS, "web"), "released", 60)
            await is_ready(world, 0)
            await world.settle()

            assert "readyReplicas" not in await status_of(world)

    in_virtual_time(story)


def test_a_silent_target_s_last_word_stands() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await deployed(world, 4)
            world.sims["east"].faults.switch("outage")
            await anyio.sleep(600)

            assert (await status_of(world))["readyReplicas"] == 4

    in_virtual_time(story)


def test_the_hub_s_api_server_stamps_when_it_was_observed() -> None:
    async def story() -> None:
        async with open_stage(("east",)) as world:
            await place_everywhere(world)
            await deployed(world, 2)

            tree = world.copy("hub", DEPLOYMENTS, "web") or {}
            ours = [
                one
                for one in tree["metadata"]["managedFields"]
                if one["manager"] == "tmc-console" and one.get("subresource") == "status"
            ]
            assert len(ours) == 1
            assert ours[0]["time"]

    in_virtual_time(story)


def test_a_rule_that_fails_is_told_and_the_field_keeps_its_value() -> None:
    rule = StatusRule("deployments.apps", "updatedReplicas", cel="values[9]")

    async def story() -> None:
        async with open_virtual_world(("east", "west"), status_rules=(rule,)) as world:
            await place_everywhere(world)
            await deployed(world, 4)

            assert "updatedReplicas" not in await status_of(world)
            reply = await world.engine.request(Why(key="deployments.apps/shop/web"))
            assert "AggregationFailure" in str(reply)
            assert "updatedReplicas = values[9]" in str(reply)

    in_virtual_time(story)


def test_a_placement_says_how_its_statuses_are_merged_and_may_change_its_mind() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await is_ready(world, 4)
            for function, ready in (("max", 2), ("sum", 4)):
                rules = [
                    {"kind": "deployments.apps", "field": "readyReplicas", "function": function}
                ]
                await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"statusRules": rules}})
                await is_ready(world, ready)
            await world.restart()
            await anyio.sleep(30)
            await world.rest()

    in_virtual_time(story)


def blank(status: Json) -> bool:
    return not any(status.values())


async def place_nowhere(world: Stage) -> None:
    nothing = {"spec": {"namespaceSelector": {"matchLabels": {"app": "nothing"}}}}
    await world.hub.patch(PLACEMENTS, "", "shop", nothing)
