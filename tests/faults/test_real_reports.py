"""H6 and H7 on real API servers: late reports, and one object on two clusters."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.real import PATIENCE_S, RealStage
from tests.faults.test_real_rebirth import cut_off
from tests.world.world import DEPLOYMENTS, make_deployment
from tmcconsole.kube.objects import Json, ObjectKey

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def web_in_hub(stage: RealStage) -> Json:
    found = await stage.world.hub.get(DEPLOYMENTS, stage.space, "web")
    assert found
    return found


async def observed(stage: RealStage) -> int:
    return int((await web_in_hub(stage)).get("status", {}).get("observedGeneration", 0))


async def generation(stage: RealStage) -> int:
    return int((await web_in_hub(stage))["metadata"]["generation"])


async def replicas(stage: RealStage) -> int:
    return int((await web_in_hub(stage)).get("status", {}).get("replicas", 0))


async def all_observed(stage: RealStage) -> bool:
    return await observed(stage) == await generation(stage)


async def start_web(stage: RealStage) -> None:
    await stage.world.hub.apply(DEPLOYMENTS, make_deployment("web", 1, stage.space))

    async def reported() -> bool:
        return await all_observed(stage) and await replicas(stage) == 2

    await stage.world.eventually(reported, "reported by both", PATIENCE_S)


async def test_H6_a_report_of_an_old_generation_does_not_count_as_observed(
    stage: RealStage, real_controllers: None
) -> None:
    away, here = stage.names
    await start_web(stage)
    before = await observed(stage)
    await cut_off(stage, away)
    await stage.world.hub.patch(DEPLOYMENTS, stage.space, "web", {"spec": {"replicas": 3}})

    async def followed() -> bool:
        found = await stage.world.clusters[here].get(DEPLOYMENTS, stage.space, "web")
        return bool(found and found.get("status", {}).get("replicas") == 3)

    await stage.world.eventually(followed, "the other follows", PATIENCE_S)
    await anyio.sleep(3)
    assert await observed(stage) == before < await generation(stage)
    await stage.proxies[away].listener.serve()

    async def whole() -> bool:
        return await all_observed(stage) and await replicas(stage) == 6

    await stage.world.eventually(whole, "observed by both", PATIENCE_S)


async def test_H7_two_clusters_that_report_differently_are_one_steady_status(
    stage: RealStage, real_controllers: None
) -> None:
    first, second = stage.names
    await start_web(stage)
    marks = stage.marks()
    seen = {await replicas(stage)}
    scaled = {first: 1, second: 1}
    changes = ((first, 3), (second, 5), (first, 2), (second, 4))
    for name, wanted in changes:
        user = stage.world.clusters[name].user
        key = ObjectKey(stage.space, "web")
        await user.scale(DEPLOYMENTS, key, wanted, manager="kube-controller-manager")
        before, scaled[name] = sum(scaled.values()), wanted
        with anyio.fail_after(PATIENCE_S):
            while (now := await replicas(stage)) != sum(scaled.values()):
                assert now == before, "neither the old sum nor the new one"
                await anyio.sleep(0.02)
        seen.add(now)
    await anyio.sleep(3)
    assert seen == {2, 4, 8, 7, 6}
    assert await replicas(stage) == 6
    written = [one for one in stage.written("hub", since=marks["hub"]) if "/status" in one]
    assert len(written) <= 4 * len(changes)  # each scaling causes a few reports from its cluster
    marks = stage.marks()
    await anyio.sleep(4)
    assert stage.writes_since(marks) == []
