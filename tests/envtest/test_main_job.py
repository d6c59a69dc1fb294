"""The main job on three real API servers: the same scenario as on simulated ones."""

from __future__ import annotations

import pytest

from tests.envtest.api import fresh_name
from tests.envtest.planes import Plane
from tests.test_one_object import story
from tests.world.real import RealCluster, open_real_world

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def test_one_object_between_real_api_servers(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    hub = RealCluster("hub", real_hub.kubeconfig)
    clusters = [RealCluster(plane.name, plane.kubeconfig) for plane in real_clusters]

    async with open_real_world(hub, clusters) as world:
        await story(world, fresh_name("shop"))
