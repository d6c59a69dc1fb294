"""The cause of a copy's trouble on a real API server: selectors, pages, owners and events."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.envtest.api import fresh_name, open_api
from tests.envtest.planes import Plane
from tests.incidents.kubelets import play_kubelets
from tests.world.real import RealCluster, open_real_world
from tests.world.world import DEPLOYMENTS, NAMESPACES, PLACEMENTS, make_deployment, place_everywhere
from tmcconsole.contract.commands import Refused, ShowCopy

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


@pytest.mark.usefixtures("real_controllers")
async def test_a_crash_loop_is_found_through_its_replica_set(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    plane, space = real_clusters[0], fresh_name("cause")
    hub = RealCluster("hub", real_hub.kubeconfig)
    tree = make_deployment("web", replicas=2, namespace=space)
    tree["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/crash:1"
    async with (
        open_api(plane) as api,
        open_real_world(
            hub, [RealCluster(plane.name, plane.kubeconfig)], kinds_allow=(DEPLOYMENTS.id,)
        ) as world,
        anyio.create_task_group() as group,
    ):
        group.start_soon(play_kubelets, api)
        await place_everywhere(world, space)
        await world.hub.apply(DEPLOYMENTS, tree)
        key = f"{DEPLOYMENTS.id}/{space}/web"

        async def lines() -> list[str]:
            reply: Any = await world.engine.request(ShowCopy(key=key, target=plane.name))
            said = [] if isinstance(reply, Refused) else str(reply.body).splitlines()
            return said if said and "exit 1, 14 times (pod web-" in said[0] else []

        shown = await world.eventually(lines, "the cause")
        assert shown[0].startswith("cause      CrashLoopBackOff: exit 1, 14 times (pod web-")
        assert "Pods (2, 2 not ready)" in shown
        assert not any(line.startswith("not known") for line in shown)
        assert any("ScalingReplicaSet" in line for line in shown)
        assert any("SuccessfulCreate" in line for line in shown)
        group.cancel_scope.cancel()
        await world.hub.delete(PLACEMENTS, "", space)
        await world.hub.delete(NAMESPACES, "", space)
