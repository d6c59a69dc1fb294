"""What has run to its end is done: when its copy goes, nothing makes the copy again."""

from __future__ import annotations

from typing import Final

import anyio
import pytest

from tests.engine.asking import tell
from tests.engine.virtual import in_virtual_time
from tests.faults.stage import open_stage
from tests.world.world import CONFIGMAPS, PLACEMENTS, SYNC_TARGETS, World, place_everywhere
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.records import Health, ObjectRecord
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.assignment.endings import outcome_of

JOBS: Final = Kind("batch", "v1", "jobs", "Job")
PODS: Final = Kind("", "v1", "pods", "Pod")
CONTAINERS: Final = [{"name": "main", "image": "migrate:1"}]


def make_job(name: str = "migrate", **spec: object) -> Json:
    pod = {"restartPolicy": "Never", "containers": CONTAINERS}
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"spec": pod}, **spec},
    }


def condition(kind: str, status: str) -> Json:
    return {"status": {"conditions": [{"type": kind, "status": status}]}}


def pod(policy: str, phase: str, **meta: str) -> Json:
    return {"metadata": meta, "spec": {"restartPolicy": policy}, "status": {"phase": phase}}


def count_runs(world: World, kind: str, name: str) -> dict[str, int]:
    """Count how often an object is created on each cluster from now on."""
    runs = dict.fromkeys(world.clusters, 0)
    for cluster, side in world.clusters.items():
        assert side.sim is not None

        def note(commit: object, cluster: str = cluster) -> None:
            runs[cluster] += (commit.verb, commit.kind_id, commit.key.name) == (  # type: ignore[attr-defined]
                "create",
                kind,
                name,
            )

        side.sim.store.on_commit(note)
    return runs


async def status_in_hub(world: World, kind: Kind, name: str) -> Json:
    found = await world.hub.get(kind, "shop", name)
    assert found is not None
    return dict(found.get("status") or {})


async def record_of(world: World, name: str) -> ObjectRecord:
    changes = await world.engine.changes(NOTHING_SEEN)
    found = [r for r in changes.upserted if isinstance(r, ObjectRecord) and r.name == name]
    return found[0]


def is_complete(status: Json) -> bool:
    return any(
        one["type"] == "Complete" and one["status"] == "True"
        for one in status.get("conditions") or ()
    )


def test_a_job_that_its_cluster_removes_after_its_time_to_live_ran_once() -> None:
    async def story(world: World) -> None:
        runs = count_runs(world, "jobs.batch", "migrate")
        await world.hub.apply(JOBS, make_job(ttlSecondsAfterFinished=5))
        await anyio.sleep(60)

        assert runs == {"east": 1, "west": 1}
        assert await world.clusters["east"].get(JOBS, "shop", "migrate") is None
        status = await status_in_hub(world, JOBS, "migrate")
        assert is_complete(status)
        assert status["succeeded"] == 2
        record = await record_of(world, "migrate")
        assert record.health is Health.HEALTHY
        assert {str(cell.reason) for cell in record.cells} == {"Finished"}

        await world.hub.delete(JOBS, "shop", "migrate")
        await anyio.sleep(5)
        assert await world.hub.get(JOBS, "shop", "migrate") is None

    tell(story)


def test_a_restarted_engine_knows_what_has_ended() -> None:
    in_virtual_time(_end_and_restart)


async def _end_and_restart() -> None:
    async with open_stage(("east",), kinds_allow=("jobs.batch",)) as world:
        await place_everywhere(world)
        runs = count_runs(world, "jobs.batch", "migrate")
        await world.hub.apply(JOBS, make_job(ttlSecondsAfterFinished=5))
        await anyio.sleep(60)
        await world.restart()
        await anyio.sleep(120)

        assert runs == {"east": 1}
        assert is_complete(await status_in_hub(world, JOBS, "migrate"))


def test_a_job_made_anew_under_its_name_runs_anew() -> None:
    async def story(world: World) -> None:
        runs = count_runs(world, "jobs.batch", "migrate")
        await world.hub.apply(JOBS, make_job(ttlSecondsAfterFinished=0))
        await anyio.sleep(20)
        marked = await world.hub.get(JOBS, "shop", "migrate")
        assert marked is not None
        await world.hub.delete(JOBS, "shop", "migrate")
        await anyio.sleep(5)
        again = make_job(ttlSecondsAfterFinished=0)
        again["metadata"]["annotations"] = marked["metadata"]["annotations"]  # restored
        await world.hub.apply(JOBS, again)
        await anyio.sleep(20)

        assert runs == {"east": 2}

    tell(story, "east")


def test_a_bare_pod_that_has_ended_and_is_deleted_there_does_not_run_again() -> None:
    async def story(world: World) -> None:
        runs = count_runs(world, "pods", "once")
        spec = {"restartPolicy": "Never", "containers": CONTAINERS}
        pod: Json = {"metadata": {"name": "once", "namespace": "shop"}, "spec": spec}
        await world.hub.apply(PODS, pod)
        await anyio.sleep(20)
        assert (await status_in_hub(world, PODS, "once"))["phase"] == "Succeeded"
        await world.clusters["east"].delete(PODS, "shop", "once")
        await anyio.sleep(60)

        assert runs == {"east": 1}
        assert (await status_in_hub(world, PODS, "once"))["phase"] == "Succeeded"

    tell(story, "east")


def test_a_finished_job_whose_target_changes_does_not_run_again() -> None:
    async def story(world: World) -> None:
        runs = count_runs(world, "jobs.batch", "migrate")
        await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "OneToAny"}})
        await anyio.sleep(20)
        await world.hub.apply(JOBS, make_job())
        await anyio.sleep(20)
        (first,) = [name for name, count in runs.items() if count]
        drained = {"spec": {"unschedulable": True, "evictAfter": "2020-01-01T00:00:00Z"}}
        await world.hub.patch(SYNC_TARGETS, "", first, drained)
        await anyio.sleep(60)

        assert sum(runs.values()) == 1
        assert await world.clusters[first].get(JOBS, "shop", "migrate") is None
        status = await status_in_hub(world, JOBS, "migrate")
        assert is_complete(status)
        assert status["succeeded"] == 1

    tell(story)


@pytest.mark.parametrize(
    ("kind", "tree", "outcome"),
    [
        ("jobs.batch", {"status": {"phase": "Succeeded"}}, ""),
        ("jobs.batch", condition("SuccessCriteriaMet", "True"), ""),
        ("jobs.batch", condition("Failed", "True"), "Failed"),
        ("pods", pod("Always", "Failed"), ""),
        ("pods", pod("Never", "Failed"), "Failed"),
        ("pods", pod("OnFailure", "Running"), ""),
        ("pods", pod("Never", "Failed", deletionTimestamp="2026-01-01T00:00:00Z"), ""),
        ("workflows.argoproj.io", {"status": {"phase": "Error"}}, "Error"),
        ("workflows.argoproj.io", {"status": {"phase": "Running"}}, ""),
        ("orders.acme.cert-manager.io", {"status": {"state": "valid"}}, "valid"),
        ("taskruns.tekton.dev", condition("Succeeded", "Unknown"), ""),
        ("taskruns.tekton.dev", condition("Succeeded", "False"), "Failed"),
        ("backups.velero.io", {"status": {"phase": ["Completed"]}}, ""),
        ("backups.velero.io", {"status": None}, ""),
    ],
)
def test_what_has_ended_says_so_itself(kind: str, tree: Json, outcome: str) -> None:
    assert outcome_of(kind, tree) == outcome


def test_a_job_that_is_deleted_before_its_end_is_made_again() -> None:
    async def story(world: World) -> None:
        runs = count_runs(world, "jobs.batch", "migrate")
        await world.hub.apply(JOBS, make_job(suspend=True))
        await anyio.sleep(5)
        await world.clusters["east"].delete(JOBS, "shop", "migrate")
        await anyio.sleep(5)

        assert runs == {"east": 2}

    tell(story, "east")


def test_who_deletes_a_copy_again_and_again_is_in_a_fight() -> None:
    async def story(world: World) -> None:
        runs = count_runs(world, "configmaps", "settings")
        for _ in range(60):
            if await world.clusters["east"].get(CONFIGMAPS, "shop", "settings"):
                await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")
            await anyio.sleep(5)

        assert runs["east"] == 6
        session = world.engine.session
        assert session is not None
        (target,) = session.shared.targets.values()
        ((_, _, entry),) = list(target.ledger.entries())
        assert str(entry.standing.reason) == "Fight"

        await anyio.sleep(900)
        assert await world.clusters["east"].get(CONFIGMAPS, "shop", "settings")

    tell(story, "east")
