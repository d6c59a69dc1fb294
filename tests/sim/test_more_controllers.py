"""The controllers of StatefulSets, DaemonSets, Jobs, CronJobs, Services and claims."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.sim.living import pods, until
from tests.sim.talk import Api, make_cluster
from tmcconsole.sim.controllers.cronjob import matches
from tmcconsole.sim.faces.cluster import SimCluster

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
APPS = "/apis/apps/v1/namespaces/default"
BATCH = "/apis/batch/v1/namespaces/default"
CORE = "/api/v1/namespaces/default"


def make_workload(kind: str, name: str = "db", **spec: Any) -> Json:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": "db:1"}]},
    }
    full = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": full}


def make_job(**spec: Any) -> Json:
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": "task:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "task"},
        "spec": {"template": {"spec": pod}, **spec},
    }


def names(cluster: SimCluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods(cluster)]


async def test_stateful_set_starts_its_pods_in_order(living: SimCluster, api: Api) -> None:
    created: list[str] = []
    living.store.on_commit(
        lambda c: created.append(c.key.name) if (c.verb, c.kind_id) == ("create", "pods") else None
    )
    await api.post(f"{APPS}/statefulsets", make_workload("StatefulSet", replicas=3))

    await until(living, lambda: len(created) == 3)

    assert created == ["db-0", "db-1", "db-2"]


async def test_stateful_set_gives_each_pod_a_bound_claim(living: SimCluster, api: Api) -> None:
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    claim = {"metadata": {"name": "data"}, "spec": size}
    tree = make_workload("StatefulSet", replicas=1, volumeClaimTemplates=[claim])
    await api.post(f"{APPS}/statefulsets", tree)

    def is_bound() -> bool:
        found = living.store.get("persistentvolumeclaims", "default", "data-db-0") or {}
        return bool((found.get("status") or {}).get("phase") == "Bound")

    await until(living, is_bound)

    assert len(living.store.items("persistentvolumes")) == 1


async def test_stateful_set_is_updated_from_the_highest_number_down(
    living: SimCluster, api: Api
) -> None:
    await api.post(f"{APPS}/statefulsets", make_workload("StatefulSet", replicas=2))

    def settled(revisions: int) -> bool:
        status = (living.store.get("statefulsets.apps", "default", "db") or {}).get("status") or {}
        images = {pod["spec"]["containers"][0]["image"] for pod in pods(living)}
        return status.get("readyReplicas") == 2 and images == {f"db:{revisions}"}

    await until(living, lambda: settled(1))
    gone: list[str] = []
    living.store.on_commit(
        lambda c: gone.append(c.key.name) if (c.verb, c.kind_id) == ("delete", "pods") else None
    )
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "db:2"}]}}}}
    await api.patch(f"{APPS}/statefulsets/db", image)
    await until(living, lambda: settled(2))

    assert gone == ["db-1", "db-0"]


async def test_daemon_set_runs_on_every_node(living: SimCluster, api: Api) -> None:
    await api.post(f"{APPS}/daemonsets", make_workload("DaemonSet"))

    def is_everywhere() -> bool:
        found = living.store.get("daemonsets.apps", "default", "db") or {}
        return bool((found.get("status") or {}).get("numberReady") == 3)

    await until(living, is_everywhere)

    assert len({pod["spec"]["nodeName"] for pod in pods(living)}) == 3


async def test_job_completes_when_enough_pods_have(living: SimCluster, api: Api) -> None:
    await api.post(f"{BATCH}/jobs", make_job(completions=3, parallelism=2))

    def is_complete() -> bool:
        status = (living.store.get("jobs.batch", "default", "task") or {}).get("status") or {}
        return any(c["type"] == "Complete" for c in status.get("conditions") or ())

    await until(living, is_complete)

    task = living.store.get("jobs.batch", "default", "task")
    assert task is not None
    assert task["status"]["succeeded"] == 3


@pytest.mark.parametrize(
    ("schedule", "minute", "due"),
    [
        ("* * * * *", 0, True),
        ("*/15 * * * *", 45 * 60, True),
        ("*/15 * * * *", 46 * 60, False),
        ("0 3 * * *", 3 * 3600, True),
        ("0 0 * * 4", 0, True),  # the epoch was a Thursday
        ("0 0 * * 1-3", 0, False),
        ("@hourly", 3600, True),
        ("nonsense", 0, False),
    ],
)
def test_cron_schedules(schedule: str, minute: int, due: bool) -> None:
    assert matches(schedule, minute) is due


async def test_cron_job_starts_a_job_each_due_minute() -> None:
    cluster = make_cluster()
    start = 1_800_000_000
    cluster.server.clock = lambda: start + anyio.current_time()
    template = {"spec": make_job()["spec"]}
    tree = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick"},
        "spec": {"schedule": "* * * * *", "jobTemplate": template},
    }
    async with anyio.create_task_group() as group:
        group.start_soon(cluster.run)
        await Api(cluster).post(f"{BATCH}/cronjobs", tree)
        await anyio.sleep(150)
        group.cancel_scope.cancel()

    assert len(cluster.store.items("jobs.batch")) == 2


async def test_service_has_the_addresses_of_its_ready_pods(living: SimCluster, api: Api) -> None:
    spec = {"selector": {"app": "db"}, "ports": [{"port": 80}]}
    await api.post(f"{CORE}/services", {"metadata": {"name": "db"}, "spec": spec})
    await api.post(f"{APPS}/deployments", make_workload("Deployment", replicas=2))

    def ready() -> int:
        slices = living.store.trees("endpointslices.discovery.k8s.io")
        endpoints = slices[0].get("endpoints") or [] if slices else []
        return sum(1 for endpoint in endpoints if endpoint["conditions"]["ready"])

    await until(living, lambda: ready() == 2)

    [found] = living.store.trees("endpointslices.discovery.k8s.io")
    assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "db"


async def test_events_tell_of_scaling(living: SimCluster, api: Api) -> None:
    await api.post(f"{APPS}/deployments", make_workload("Deployment", replicas=1))

    def reasons() -> set[str]:
        return {event["reason"] for event in living.store.trees("events", "default")}

    await until(living, lambda: "ScalingReplicaSet" in reasons())

    [told] = [e for e in living.store.trees("events") if e["reason"] == "ScalingReplicaSet"]
    assert told["involvedObject"]["name"] == "db"
