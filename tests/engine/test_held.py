"""An application is deleted as a whole; an object held back says so where a user looks."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.stage import SPACE, Stage, open_shop
from tests.simulation.loop import virtual_wall
from tests.world.world import CONFIGMAPS, NAMESPACES, make_configmap, place_everywhere
from tmcconsole.kube.objects import Json, Kind, conditions_of
from tmcconsole.sync.names.markers import ALLOW_DELETES
from tmcconsole.sync.names.times import rfc3339

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

EVENTS = Kind("", "v1", "events", "Event")
APP = tuple(f"part-{number:02}" for number in range(24))
CONDITION = "syncer.kcp.io/DeletionsHeld-east"


async def fill(world: Stage, space: str, names: tuple[str, ...]) -> None:
    await place_everywhere(world, space)
    for name in names:
        await world.hub.apply(CONFIGMAPS, make_configmap(name, space))
    await world.until(
        lambda: world.names_on("east", space=space) == sorted(names), "all there", within_s=60
    )
    await world.settle()


def held_condition(world: Stage, space: str = SPACE) -> Json | None:
    tree = world.sims["hub"].store.get(NAMESPACES.id, "", space) or {}
    return next((one for one in conditions_of(tree) if one["type"] == CONDITION), None)


async def test_an_application_of_24_objects_goes_whole_in_one_go() -> None:
    async with open_shop(("east",), maps=APP) as world:
        for name in APP:
            await world.hub.delete(CONFIGMAPS, SPACE, name)

        await world.until(lambda: world.names_on("east") == [], "no copy is left")
        await world.until(lambda: world.names_on("hub") == [], "nor anything in the hub")
        assert held_condition(world) is None


async def test_what_goes_with_its_namespace_is_held_and_the_namespace_says_so() -> None:
    async with open_shop(("east",), maps=APP) as world:
        await world.hub.delete(NAMESPACES, "", SPACE)
        deleted = virtual_wall()
        await anyio.sleep(60)

        assert len(world.names_on("east")) == 14
        found = held_condition(world)
        assert found is not None
        assert "14 deletions on east wait: more than 10 deletions" in found["message"]
        assert f"annotate namespace {SPACE}" in found["message"]
        assert rfc3339(deleted) <= found["lastTransitionTime"] <= rfc3339(deleted + 20)
        await world.rest()


async def test_an_object_whose_deletion_is_held_has_an_event() -> None:
    async with open_shop(("east",), maps=APP, brake_deletes=1) as world:
        for name in APP:
            await world.hub.delete(CONFIGMAPS, SPACE, name)
        await anyio.sleep(60)

        waiting = world.names_on("east")
        assert len(waiting) == 14
        events = world.sims["hub"].store.trees(EVENTS.id, SPACE)
        told = {one["involvedObject"]["name"]: one for one in events}
        assert sorted(told) == waiting
        one = told[waiting[0]]
        assert (one["type"], one["reason"]) == ("Warning", "DeletionHeld")
        assert "the deletion on east waits: more than 10 deletions" in one["message"]
        await world.restart()
        await anyio.sleep(60)
        assert len(world.sims["hub"].store.trees(EVENTS.id, SPACE)) == len(events)


async def test_one_order_lets_the_deletions_of_one_namespace_go_and_no_others() -> None:
    async with open_shop(("east",), maps=APP, brake_deletes=1) as world:
        await fill(world, "other", APP)
        for name in APP:
            for space in (SPACE, "other"):
                await world.hub.delete(CONFIGMAPS, space, name)
        await anyio.sleep(60)
        others = world.names_on("east", space="other")
        here = world.names_on("east")
        assert len(here) + len(others) == 28  # 20 of 48 may go: ten times five percent
        assert here
        until = {"metadata": {"annotations": {ALLOW_DELETES: rfc3339(virtual_wall() + 60)}}}
        await world.hub.patch(NAMESPACES, "", SPACE, until)
        await world.until(lambda: world.names_on("east") == [], "they go")
        await anyio.sleep(120)

        assert world.names_on("hub") == []
        assert world.names_on("east", space="other") == others
        assert held_condition(world) is None
        assert held_condition(world, "other") is not None
