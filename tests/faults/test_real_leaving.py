"""On real API servers: ready pods stay until as many are ready elsewhere."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.real import RealStage
from tests.world.world import DEPLOYMENTS, PLACEMENTS, make_deployment
from tmcconsole.contract.commands import DrainTarget, UncordonTarget
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, Kind

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


PODS = Kind("", "v1", "pods", "Pod")
READY: Json = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


async def make_ready(stage: RealStage, cluster: str, count: int) -> None:
    """Mark some pods ready as a kubelet would: these clusters have controllers but no nodes."""
    hand = stage.world.clusters[cluster].user

    async def made() -> bool:
        pages = hand.list_pages(PODS, namespace=stage.space)
        keys = sorted([pod.key async for page in pages for pod in page.items])
        for key in keys[:count]:
            patch = {"status": READY}
            await hand.merge_patch(PODS, key, patch, manager="kubelet", subresource="status")
        copy = await copy_on(stage, cluster)
        return ((copy or {}).get("status") or {}).get("readyReplicas") == count

    await stage.world.eventually(made, f"{count} ready on {cluster}", 60)


async def copy_on(stage: RealStage, cluster: str) -> Json | None:
    return await stage.world.clusters[cluster].get(DEPLOYMENTS, stage.space, "web")


async def test_a_drain_waits_for_as_many_ready_pods_on_the_other_cluster(
    stage: RealStage,
) -> None:
    one = {"spec": {"strategy": "OneToAny"}}
    await stage.world.hub.patch(PLACEMENTS, "", stage.space, one)
    await stage.world.hub.apply(DEPLOYMENTS, make_deployment("web", 3, stage.space))

    async def homes() -> list[str]:
        found = [name for name in stage.names if await copy_on(stage, name)]
        return found if len(found) == 1 else []

    home = (await stage.world.eventually(homes, "on one cluster", 60))[0]
    away = next(name for name in stage.names if name != home)
    await make_ready(stage, home, 3)
    await stage.world.engine.request(DrainTarget(target=home, confirm=home, actor="test"))
    try:
        await stage.world.eventually(lambda: copy_on(stage, away), "on the other, too", 60)
        await make_ready(stage, away, 1)
        await anyio.sleep(8)  # longer than the grace after which it used to go
        assert await copy_on(stage, home) is not None
        standing = stage.standing(home, "web", DEPLOYMENTS)
        assert (standing.state, standing.reason) == (SyncState.PENDING, "AwaitingReplacement")

        await make_ready(stage, away, 3)

        async def gone() -> bool:
            return await copy_on(stage, home) is None

        await stage.world.eventually(gone, "it leaves", 60)
    finally:
        await stage.world.engine.request(UncordonTarget(target=home, actor="test"))
