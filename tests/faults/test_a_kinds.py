"""A14 and A15: kinds come, go and fail; the others do not mind."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.stage import Stage, open_shop, open_stage
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    make_configmap,
    make_deployment,
    place_everywhere,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_A14_a_kind_that_goes_and_comes_back_takes_nothing_with_it(side: str) -> None:
    async with open_shop(("east",)) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")))
        sim = world.sims[side]
        sim.faults.switch("kind_gone", hidden_kinds={"configmaps"})
        sim.faults.switch("cut_watches")
        await anyio.sleep(60)
        began = world.now()
        await anyio.sleep(600)
        assert len(world.lists(side, CONFIGMAPS, began)) <= 2 * 600 / 25
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 5}})
        await world.until(lambda: _replicas(world) == 5, "other kinds flow")
        sim.faults.switch("kind_gone", on=False)
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, within_s=130)

        assert world.deletions() == []
        assert world.creations("east", CONFIGMAPS, "settings") == 1


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_A15_a_kind_that_cannot_be_listed_degrades_only_itself(side: str) -> None:
    async with open_stage(("east",)) as world:
        world.sims[side].faults.switch("kind_500", failing_kinds={"configmaps"})
        await world.restart()
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.hub.apply(DEPLOYMENTS, make_deployment())

        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")), "others flow")
        assert world.names_on("east") == []
        assert world.conditions("east")["Ready"] == "True OK"
        world.sims[side].faults.switch("kind_500", on=False)
        await world.until(lambda: bool(world.data_on("east")), "it recovers", 65)


def _replicas(world: Stage) -> int:
    tree = world.copy("east", DEPLOYMENTS, "web")
    return int(tree["spec"]["replicas"]) if tree else 0
