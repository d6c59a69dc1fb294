"""``why`` answers for anything kubectl can name, from what the API servers say."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, World, make_deployment, place_everywhere
from tmcconsole.contract.commands import Refused, Why
from tmcconsole.kube.objects import Json, Kind

ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount")


async def why(world: World, key: str) -> str:
    reply: Any = await world.engine.request(Why(key=key))
    return f"{reply.reason}: {reply.fix}" if isinstance(reply, Refused) else str(reply.body)


@pytest.mark.parametrize(
    "word",
    ["deploy/shop/web", "Deployment/shop/web", "deployments.apps/shop/web", "deployment/shop/web",
     "deployments.v1.apps/shop/web", "deploy/web"],
)  # fmt: skip
def test_an_object_is_found_by_every_name_that_kubectl_takes(word: str) -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await place_everywhere(world, "shop")
            await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=1))
            await world.on("east", DEPLOYMENTS, "shop", "web")

            assert (await why(world, word)).startswith("deployments.apps shop/web\n")

    in_virtual_time(story)


def test_one_target_is_asked_for_behind_an_at_sign() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await place_everywhere(world, "shop")
            await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=1))
            await world.on("west", DEPLOYMENTS, "shop", "web")

            told = await why(world, "deploy/shop/web@west")
            assert "west: syncing" in told
            assert "east: syncing" not in told
            assert "there is no target 'wets'" in await why(world, "deploy/shop/web@wets")

    in_virtual_time(story)


def test_what_is_not_synced_is_said_to_be_there_and_why_it_stays() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            tree: Json = {"metadata": {"name": "builder", "namespace": "default"}}
            await world.hub.apply(ACCOUNTS, tree)
            await world.hub.apply(CONFIGMAPS, {"metadata": {"name": "a", "namespace": "default"}})
            await world.settle()

            account = await why(world, "sa/default/builder")
            assert "it is there, and the engine does not sync it" in account
            assert "no Placement selects the namespace" in account
            assert "kind not named" in account
            assert "has no such object (asked just now)" in await why(world, "sa/default/nobody")
            assert "not placed here" in await why(world, "cm/default/a")

    in_virtual_time(story)


def test_a_word_that_names_nothing_says_what_to_write() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await world.settle()

            assert "serves a kind 'gizmo'" in await why(world, "gizmo/shop/web")
            assert "write KIND/NAMESPACE/NAME" in await why(world, "web")
            assert "write cm/NAMESPACE/web" in await why(
                world, "cm/web"
            ) or "NAMESPACE" in await why(world, "cm/web")

    in_virtual_time(story)


def test_an_unreachable_copy_is_told_with_cause_last_answer_and_next_try() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await place_everywhere(world, "shop")
            await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=1))
            await world.on("east", DEPLOYMENTS, "shop", "web")
            sim = world.clusters["east"].sim
            assert sim is not None
            sim.faults.switch("outage")

            async def is_told() -> bool:
                told = await why(world, "deploy/shop/web")
                return "last answer" in told and "next try in" in told

            await world.eventually(is_told, "cause, last answer, next try", 120)
            # While it is being retried it is not shown as given up.
            sim.faults.switch("outage", on=False)
            sim.faults.switch("blackhole")
            for _ in range(60):
                assert "next try" in await why(world, "deploy/shop/web")
                await anyio.sleep(0.5)

    in_virtual_time(story)
