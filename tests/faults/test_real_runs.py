"""On real API servers with Job controllers: what runs to its end runs only once."""

from __future__ import annotations

import anyio
import pytest

from tests.envtest.planes import Plane
from tests.faults.real import RealStage, open_real_stage
from tmcconsole.kube.objects import Json, Kind

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

JOBS = Kind("batch", "v1", "jobs", "Job")
PODS = Kind("", "v1", "pods", "Pod")
DONE: Json = {"phase": "Succeeded"}


def make_job(space: str) -> Json:
    containers = [{"name": "main", "image": "migrate:1"}]
    return {
        "metadata": {"name": "migrate", "namespace": space},
        "spec": {
            "ttlSecondsAfterFinished": 2,
            "template": {"spec": {"restartPolicy": "Never", "containers": containers}},
        },
    }


async def run_pods(stage: RealStage, cluster: str, runs: set[str]) -> None:
    """Let every pod of the Job succeed, as a kubelet would report; record the Jobs that ran."""
    hand = stage.world.clusters[cluster].user
    while True:
        pages = hand.list_pages(PODS, namespace=stage.space)
        for pod in [pod async for page in pages for pod in page.items]:
            tree = pod.decode()
            if (tree.get("status") or {}).get("phase") != "Succeeded" and not pod.deleting:
                runs.add(tree["metadata"]["ownerReferences"][0]["uid"])
                await hand.merge_patch(
                    PODS, pod.key, {"status": DONE}, manager="kubelet", subresource="status"
                )
        await anyio.sleep(0.5)


async def test_a_job_that_its_cluster_removes_after_its_time_to_live_ran_once(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters, JOBS.id) as stage:
        await run_once(stage)


async def run_once(stage: RealStage) -> None:
    runs: dict[str, set[str]] = {name: set() for name in stage.names}
    async with anyio.create_task_group() as group:
        for name in stage.names:
            group.start_soon(run_pods, stage, name, runs[name])
        await stage.world.hub.apply(JOBS, make_job(stage.space))

        async def is_over() -> bool:
            copies = [
                await stage.world.clusters[name].get(JOBS, stage.space, "migrate")
                for name in stage.names
            ]
            return all(runs.values()) and not any(copies)

        await stage.world.eventually(is_over, "run and removed everywhere", 90)
        await anyio.sleep(10)  # it came back within a second
        group.cancel_scope.cancel()

    assert {name: len(uids) for name, uids in runs.items()} == dict.fromkeys(stage.names, 1)
    found = await stage.world.hub.get(JOBS, stage.space, "migrate")
    assert found is not None
    types = [one["type"] for one in found["status"]["conditions"] if one["status"] == "True"]
    assert "Complete" in types
    assert found["status"]["succeeded"] == 2
