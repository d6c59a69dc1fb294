"""Admission with running controllers: quotas, limits, evictions, and claims in use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manifests import make_config_map, make_deployment
from tests.sim.living import pods, ready, until
from tests.sim.talk import Answer, Api, Json
from tmcconsole.sim.faces.cluster import SimCluster

pytestmark = pytest.mark.anyio
SPACE = "/api/v1/namespaces/default"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


def make_pod(name: str, resources: Json | None = None, **spec: Any) -> Json:
    container = {"name": "app", "image": "nginx", "resources": resources or {}}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


async def make_quota(cluster: SimCluster, api: Api, **hard: str) -> None:
    named = {name.replace("__", "."): value for name, value in hard.items()}
    quota = {"metadata": {"name": "few"}, "spec": {"hard": named}}
    await api.post(f"{SPACE}/resourcequotas", quota)
    await until(cluster, lambda: used(cluster).keys() == named.keys())


def used(cluster: SimCluster) -> Json:
    quota = cluster.store.get("resourcequotas", "default", "few") or {}
    found: Json = (quota.get("status") or {}).get("used") or {}
    return found


async def test_B9_a_quota_counts_what_is_there_and_refuses_the_next(
    living: SimCluster, api: Api
) -> None:
    await make_quota(living, api, secrets="2")
    for name in ("a", "b"):
        await api.post(f"{SPACE}/secrets", {"metadata": {"name": name}})
    refused = await api.post(f"{SPACE}/secrets", {"metadata": {"name": "c"}})

    assert refused.status == 403
    assert refused.body["message"] == (
        'secrets "c" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=2,'
        " limited: secrets=2"
    )
    await api.delete(f"{SPACE}/secrets/a")
    await until(living, lambda: used(living) == {"secrets": "1"})
    assert (await api.post(f"{SPACE}/secrets", {"metadata": {"name": "c"}})).status == 201


async def test_B9_a_quota_of_processors_wants_them_stated_and_adds_them_up(
    living: SimCluster, api: Api
) -> None:
    await make_quota(living, api, requests__cpu="1")

    async def ask(name: str, cpu: str = "") -> Answer:
        return await api.post(
            f"{SPACE}/pods", make_pod(name, {"limits": {"cpu": cpu}} if cpu else {})
        )

    vague, first, second = await ask("vague"), await ask("one", "700m"), await ask("two", "0.5")

    assert "must specify requests.cpu for: app" in vague.body["message"]
    assert first.status == 201
    assert "requested: requests.cpu=500m, used: requests.cpu=700m" in second.body["message"]


async def test_B9_a_deployment_over_quota_stays_short_of_pods(living: SimCluster, api: Api) -> None:
    await make_quota(living, api, pods="1")
    await api.post(DEPLOYMENTS, make_deployment(replicas=3))

    await until(living, ready(living, 1))

    assert len(pods(living)) == 1


async def test_B9_a_dry_run_is_not_counted(living: SimCluster, api: Api) -> None:
    await make_quota(living, api, secrets="1")
    tree = {"metadata": {"name": "a"}}

    await api.post(f"{SPACE}/secrets", tree, dryRun="All")

    assert (await api.post(f"{SPACE}/secrets", tree)).status == 201


async def make_range(api: Api, **item: Any) -> None:
    tree = {"metadata": {"name": "range"}, "spec": {"limits": [{"type": "Container", **item}]}}
    assert (await api.post(f"{SPACE}/limitranges", tree)).status == 201


async def test_B9_a_limit_range_fills_in_what_a_pod_leaves_out(api: Api) -> None:
    await make_range(api, default={"cpu": "500m"}, defaultRequest={"cpu": "0.1"})

    pod = (await api.post(f"{SPACE}/pods", make_pod("one"))).body

    resources = pod["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}}
    note = "LimitRanger plugin set: cpu request for container app; cpu limit for container app"
    assert pod["metadata"]["annotations"] == {"kubernetes.io/limit-ranger": note}
    assert pod["status"]["qosClass"] == "Burstable"


async def test_B9_a_limit_range_refuses_too_much_and_too_little(api: Api) -> None:
    await make_range(api, max={"cpu": "1"}, min={"cpu": "100m"})

    much = await api.post(f"{SPACE}/pods", make_pod("a", {"limits": {"cpu": "2"}}))
    little = await api.post(
        f"{SPACE}/pods", make_pod("b", {"requests": {"cpu": "50m"}, "limits": {"cpu": "1"}})
    )

    assert "maximum cpu usage per Container is 1, but limit is 2" in much.body["message"]
    assert "minimum cpu usage per Container is 100m, but request is 50m" in little.body["message"]


async def evict(api: Api, name: str) -> Answer:
    return await api.post(f"{SPACE}/pods/{name}/eviction", {"metadata": {"name": name}})


async def test_an_eviction_is_refused_where_the_budget_is_used_up(
    living: SimCluster, api: Api
) -> None:
    await api.post(DEPLOYMENTS, make_deployment(replicas=2))
    spec = {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}}
    await api.post(BUDGETS, {"metadata": {"name": "half"}, "spec": spec})

    def allowed() -> int:
        budget = living.store.get("poddisruptionbudgets.policy", "default", "half") or {}
        found: int = (budget.get("status") or {}).get("disruptionsAllowed", 0)
        return found

    await until(living, lambda: allowed() == 1)
    first, second = [pod["metadata"]["name"] for pod in pods(living)]

    gone, kept = await evict(api, first), await evict(api, second)

    assert (gone.status, kept.status, kept.body["reason"]) == (201, 429, "TooManyRequests")
    assert kept.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert (await api.get(f"{SPACE}/pods/{second}")).status == 200
    await until(living, ready(living, 2))
    await until(living, lambda: allowed() == 1)


async def test_a_pod_without_a_budget_can_be_evicted(living: SimCluster, api: Api) -> None:
    await api.post(f"{SPACE}/pods", make_pod("alone"))

    assert (await evict(api, "alone")).status == 201
    assert (await evict(api, "nobody")).status == 404


async def test_a_claim_goes_when_the_last_pod_that_uses_it_has(
    living: SimCluster, api: Api
) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = f"{SPACE}/persistentvolumeclaims"
    await api.post(claims, {"metadata": {"name": "disk"}, "spec": spec})
    volume = {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}
    await api.post(f"{SPACE}/pods", make_pod("user", volumes=[volume]))
    await until(living, lambda: len(living.store.items("persistentvolumes")) == 1)
    await api.delete(f"{claims}/disk")
    assert (await api.get(f"{claims}/disk")).body["metadata"]["deletionTimestamp"]

    await api.delete(f"{SPACE}/pods/user", {"gracePeriodSeconds": 0})

    await until(living, lambda: not living.store.items("persistentvolumeclaims"))
    await until(living, lambda: not living.store.items("persistentvolumes"))


async def test_what_a_quota_does_not_name_is_free(living: SimCluster, api: Api) -> None:
    await make_quota(living, api, pods="0")

    assert (await api.post(f"{SPACE}/configmaps", make_config_map())).status == 201
