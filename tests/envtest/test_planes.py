"""The planes are as the fixtures promise."""

from __future__ import annotations

import stat

import anyio
import pytest

from tests.envtest.api import fresh_name, open_api, until
from tests.envtest.bodies import make_deployment
from tests.envtest.identity import TENANT
from tests.envtest.planes import Plane
from tests.envtest.pods import run_pods

pytestmark = pytest.mark.envtest


def test_kubeconfigs_are_private(real_hub: Plane) -> None:
    paths = (real_hub.kubeconfig, real_hub.kubeconfig_for(TENANT))

    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]


async def test_rbac_refuses_a_user_without_a_role(real_hub: Plane) -> None:
    async with open_api(real_hub, token=real_hub.identity.token(TENANT)) as api:
        answer = await api.get("/api/v1/namespaces")

    assert (answer.code, answer.reason) == (403, "Forbidden")


async def test_planes_are_different_clusters(real_planes: tuple[Plane, ...]) -> None:
    identities = set()
    for plane in real_planes:
        async with open_api(plane) as api:
            identities.add((await api.get("/api/v1/namespaces/kube-system")).uid)

    assert len(identities) == 3


@pytest.mark.usefixtures("real_controllers")
async def test_a_cluster_makes_pods_and_the_hub_does_not(real_planes: tuple[Plane, ...]) -> None:
    hub, cluster = real_planes[:2]
    namespace = fresh_name("pods")
    async with open_api(hub) as on_hub, open_api(cluster) as on_cluster:
        for api in (on_hub, on_cluster):
            await api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
            await api.create(
                f"/apis/apps/v1/namespaces/{namespace}/deployments", make_deployment("web")
            )

        async def has_pods() -> bool:
            pods = await on_cluster.get(f"/api/v1/namespaces/{namespace}/pods")
            return len(pods.body["items"]) == 2

        await until(has_pods)
        hub_replica_sets = await on_hub.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets")

    assert hub_replica_sets.body["items"] == []


@pytest.mark.usefixtures("real_controllers")
async def test_a_deployment_becomes_available_where_pods_are_played(
    real_clusters: tuple[Plane, Plane],
) -> None:
    namespace = fresh_name("available")
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    async with open_api(real_clusters[0]) as api, anyio.create_task_group() as group:
        group.start_soon(run_pods, api)
        await api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        await api.create(deployments, make_deployment("web", replicas=3))

        async def is_available() -> bool:
            status = (await api.get(f"{deployments}/web")).body["status"]
            return bool(status.get("availableReplicas") == 3)

        await until(is_available)
        group.cancel_scope.cancel()


@pytest.mark.usefixtures("real_controllers")
async def test_a_deleted_namespace_goes_away_on_hub_and_cluster(
    real_planes: tuple[Plane, ...],
) -> None:
    path = f"/api/v1/namespaces/{fresh_name('going')}"
    hub, cluster = real_planes[:2]
    async with open_api(hub) as on_hub, open_api(cluster) as on_cluster:
        for api in (on_hub, on_cluster):
            name = path.rpartition("/")[2]
            await api.create("/api/v1/namespaces", {"metadata": {"name": name}})
            assert (await api.send("DELETE", path)).code == 200

        async def both_are_gone() -> bool:
            answers = [await api.get(path) for api in (on_hub, on_cluster)]
            return [answer.code for answer in answers] == [404, 404]

        await until(both_are_gone)
