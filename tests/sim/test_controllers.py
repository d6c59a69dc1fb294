"""Controllers of a workload cluster: pods are created, rolled out and deleted with their owners."""

from __future__ import annotations

import anyio
import pytest

from tests.manifests import make_config_map, make_deployment
from tests.sim.living import pods, ready, until
from tests.sim.talk import Api, make_cluster
from tmcconsole.sim.faces.cluster import SimCluster

pytestmark = pytest.mark.anyio
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
WEB = f"{DEPLOYMENTS}/web"


async def test_deployment_gets_ready_pods_on_nodes(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=2))

    await until(living, ready(living, 2))

    assert len(pods(living)) == 2
    assert all(pod["spec"]["nodeName"] for pod in pods(living))


async def test_new_image_replaces_all_pods(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=2))
    await until(living, ready(living, 2))
    await api.patch(WEB, {"spec": {"template": {
        "spec": {"containers": [{"name": "app", "image": "nginx:1.28"}]}}}})  # fmt: skip

    def rolled() -> bool:
        images = [pod["spec"]["containers"][0]["image"] for pod in pods(living)]
        return images == ["nginx:1.28"] * 2 and ready(living, 2)()

    await until(living, rolled)

    assert len(living.store.items("replicasets.apps")) == 2


async def test_status_is_quiet_once_it_is_true(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=2))
    await until(living, ready(living, 2))
    await anyio.wait_all_tasks_blocked()
    before = living.store.resource_version
    await api.patch(WEB, {"spec": {"replicas": 2}})
    await anyio.wait_all_tasks_blocked()

    assert living.store.resource_version == before


async def test_deleted_deployment_takes_its_pods_along(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=2))
    await until(living, ready(living, 2))
    await api.delete(WEB)

    await until(living, lambda: not pods(living))

    assert not living.store.items("replicasets.apps")


async def test_foreground_deletion_lets_the_owner_go_last(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=1))
    await until(living, ready(living, 1))
    gone: list[str] = []
    living.store.on_commit(lambda c: gone.append(c.kind_id) if c.verb == "delete" else None)
    await api.delete(WEB, {"propagationPolicy": "Foreground"})

    await until(living, lambda: "deployments.apps" in gone)

    assert gone == ["pods", "replicasets.apps", "deployments.apps"]


async def test_orphaned_replica_set_stays(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=1))
    await until(living, ready(living, 1))
    await api.delete(WEB, {"propagationPolicy": "Orphan"})

    await until(living, lambda: not living.store.items("deployments.apps"))

    [replica_set] = living.store.trees("replicasets.apps")
    assert "ownerReferences" not in replica_set["metadata"]


async def test_namespace_goes_when_it_is_empty(living: SimCluster, api: Api) -> None:
    await api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    await api.post("/api/v1/namespaces/shop/configmaps", make_config_map())
    await api.delete("/api/v1/namespaces/shop")

    await until(living, lambda: living.store.get("namespaces", "", "shop") is None)

    assert not living.store.items("configmaps", "shop")


async def test_namespace_waits_for_finalizers_within(living: SimCluster, api: Api) -> None:
    held = make_config_map()
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    await api.post("/api/v1/namespaces/shop/configmaps", held)
    await api.delete("/api/v1/namespaces/shop")
    await anyio.wait_all_tasks_blocked()

    shop = living.store.get("namespaces", "", "shop")
    assert shop is not None
    assert shop["status"]["phase"] == "Terminating"


async def test_hub_runs_no_workloads() -> None:
    hub = make_cluster("hub")
    async with anyio.create_task_group() as group:
        group.start_soon(hub.run)
        await Api(hub).post(DEPLOYMENTS, make_deployment())
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()

    assert not hub.store.items("replicasets.apps")
    assert not hub.store.items("nodes")


async def test_broken_image_never_becomes_ready(living: SimCluster, api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=1, image="registry/missing:1"))

    await until(living, lambda: any(p["status"].get("containerStatuses") for p in pods(living)))

    [pod] = pods(living)
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ImagePullBackOff"
