"""kcp's end-to-end scenarios of status (26, 31, 32, 34), on simulated servers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import orjson
import pytest

from tests.faults.stage import Stage, open_stage
from tests.simulation.wire import Moment
from tests.world.world import (
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    make_deployment,
    place_everywhere,
)
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.markers import PROMOTED, STATE, STATUS_DIFF, SUMMARIZING

pytestmark = pytest.mark.anyio

WEB = ("shop", "web")


def web(world: Stage, side: str = "hub") -> Json:
    return world.copy(side, DEPLOYMENTS, "web") or {"metadata": {}}


def ready(world: Stage, side: str = "hub") -> int:
    return int((web(world, side).get("status") or {}).get("readyReplicas", 0))


def said(world: Stage, target: str) -> Any:
    text = annotations_of(web(world)).get(STATUS_DIFF + world.key_of(target))
    return orjson.loads(text)["status"] if text else None


async def assign(world: Stage, *targets: str) -> None:
    labels = {STATE + world.key_of(n): "Sync" if n in targets else None for n in world.clusters}
    await world.hub.patch(DEPLOYMENTS, *WEB, {"metadata": {"labels": labels}})


async def deploy(world: Stage, *targets: str, **notes: str) -> None:
    await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
    tree = make_deployment()
    tree["metadata"]["annotations"] = notes
    await world.hub.apply(DEPLOYMENTS, tree)
    await assign(world, *targets)
    await world.until(lambda: all(ready(world, name) == 2 for name in targets), "runs", 60)


async def quiet_and_after_a_restart(world: Stage) -> None:
    await world.settle()
    await anyio.sleep(150)  # meanwhile empty namespaces are deleted
    await world.rest()
    await world.restart()
    await anyio.sleep(30)
    await world.rest()


async def test_26_TestDeploymentCoordinator_an_even_split_and_the_status_summed() -> None:
    async with open_stage(("east", "west")) as world:
        await place_everywhere(world)
        await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "Spread"}})
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=6))
        await world.until(lambda: ready(world, "east") == ready(world, "west") == 3, "split", 60)

        await world.until(lambda: ready(world) == 6, "summed", 60)
        counters = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        assert [web(world)["status"][name] for name in counters] == [6, 6, 6, 6]
        assert web(world)["status"].get("unavailableReplicas", 0) == 0
        available = {c["type"]: c["status"] for c in web(world)["status"]["conditions"]}
        assert available["Available"] == "True"
        await quiet_and_after_a_restart(world)


async def test_31_two_targets_status_never_promoted() -> None:
    async with open_stage(("east", "west"), status="promote") as world:
        await deploy(world, "east", "west")
        await world.until(lambda: said(world, "east") and said(world, "west"), "reported", 60)
        await world.until(
            lambda: all(said(world, n).get("readyReplicas") == 2 for n in ("east", "west")), "ready"
        )

        assert PROMOTED not in (said(world, "east"), said(world, "west"))
        assert not any((web(world).get("status") or {}).values())
        promoted = [
            one
            for one in world.committed
            if one.by_engine and one.cluster == "hub" and one.kind == DEPLOYMENTS.id and one.new
            if any((one.new.get("status") or {}).values())
        ]
        assert promoted == []
        await quiet_and_after_a_restart(world)


async def test_32_moving_between_targets_promotes_and_unpromotes() -> None:
    async with open_stage(("east", "west"), status="promote") as world:
        await deploy(world, "east")
        await world.until(lambda: ready(world) == 2, "promoted", 60)
        await world.until(lambda: said(world, "east") == PROMOTED, "marked")
        assert web(world)["status"]["observedGeneration"] == web(world)["metadata"]["generation"]
        await quiet_and_after_a_restart(world)

        await assign(world, "east", "west")
        await world.until(
            lambda: isinstance(said(world, "east"), dict) and isinstance(said(world, "west"), dict),
            "each has its own",
            60,
        )
        await world.until(lambda: ready(world) == 0, "unpromoted", 60)
        assert said(world, "east")["readyReplicas"] == 2
        await quiet_and_after_a_restart(world)

        await assign(world, "west")
        await world.until(
            lambda: said(world, "west") == PROMOTED and ready(world) == 2, "moved", 60
        )
        assert said(world, "east") is None
        assert STATUS_DIFF + world.key_of("east") not in annotations_of(web(world))
        await quiet_and_after_a_restart(world)


async def test_34_a_summarizing_annotation_disables_promotion() -> None:
    rules = orjson.dumps([{"fieldPath": "status", "promoteToUpstream": False}]).decode()
    async with open_stage(("east", "west"), status="promote") as world:
        await deploy(world, "east", **{SUMMARIZING: rules})
        await world.until(lambda: said(world, "east") and said(world, "east") != PROMOTED, "", 60)
        await world.until(lambda: said(world, "east").get("readyReplicas") == 2, "ready", 60)

        assert not any((web(world).get("status") or {}).values())
        await quiet_and_after_a_restart(world)


@pytest.mark.parametrize("writes", [0, 1, 2])
@pytest.mark.parametrize("moment", ["before", "after", "soon after"])
async def test_32_a_crash_between_the_two_requests_converges(writes: int, moment: Moment) -> None:
    async with open_stage(("east", "west"), status="promote") as world:
        await deploy(world, "east")
        await world.until(lambda: said(world, "east") == PROMOTED and ready(world) == 2, "", 60)
        for targets, marked in ((("east", "west"), False), (("west",), True)):
            await crash_after(world, writes, moment)
            await assign(world, *targets)
            done = partial(is_done, world, marked)
            await until_over(world, done)
            await world.restart()
            await world.until(done, "converges", 120)
        await anyio.sleep(150)
        await world.rest()


def is_done(world: Stage, marked: bool) -> bool:
    if marked:
        return bool(said(world, "west") == PROMOTED and ready(world) == 2)
    own = (said(world, "east"), said(world, "west"))
    return ready(world) == 0 and all(
        isinstance(one, dict) and one.get("readyReplicas") for one in own
    )


async def until_over(world: Stage, done: Callable[[], bool]) -> None:
    await world.until(lambda: world.ended.is_set() or done(), "end", 120)


async def crash_after(world: Stage, writes: int, moment: Moment) -> None:
    world.life.writes_left, world.life.moment = writes, moment
