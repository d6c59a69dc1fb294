"""The work of one test's engine is never done by another test's engine."""

from __future__ import annotations

import pytest

from tests.envtest.api import fresh_name
from tests.envtest.leftovers import take_away
from tests.envtest.planes import Plane
from tests.world.real import RealCluster, open_real_world
from tests.world.world import (
    CONFIGMAPS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    make_configmap,
    place_everywhere,
)
from tmcconsole.engine.replicas.lease_form import LEASES
from tmcconsole.kube.objects import finalizers_of
from tmcconsole.placement.api import LOCATIONS
from tmcconsole.sync.names.markers import LEASE

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

UNMARKED = "nobodys"


async def test_nothing_an_engine_served_is_left_and_what_it_did_not_touch_is(
    real_planes: tuple[Plane, ...], real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    space = fresh_name("left")
    clusters = [RealCluster(plane.name, plane.kubeconfig) for plane in real_clusters]
    hub_access = RealCluster("hub", real_hub.kubeconfig)
    async with open_real_world(hub_access, clusters, kinds_allow=("configmaps",)) as world:
        hub, cluster = world.hub, world.clusters[clusters[0].name]
        await place_everywhere(world, space)
        await hub.apply(NAMESPACES, {"metadata": {"name": UNMARKED}})
        await hub.apply(CONFIGMAPS, make_configmap("settings", space))
        await world.on(clusters[0].name, CONFIGMAPS, space, "settings")
        await world.stop()
        held = await hub.get(CONFIGMAPS, space, "settings")
        assert finalizers_of(held or {})

        take_away(real_planes)
        for kind in (PLACEMENTS, LOCATIONS, SYNC_TARGETS):
            assert [one async for page in hub.user.list_pages(kind) for one in page.items] == []
        leases = hub.user.list_pages(LEASES, namespace="kube-system", label_selector=LEASE)
        assert [one async for page in leases for one in page.items] == []
        for side in (hub, cluster):
            assert await side.get(CONFIGMAPS, space, "settings") is None
            found = await side.get(NAMESPACES, "", space)
            assert found is None or "deletionTimestamp" in found["metadata"]
        other = await hub.get(NAMESPACES, "", UNMARKED)
        assert other is not None
        assert "deletionTimestamp" not in other["metadata"]
