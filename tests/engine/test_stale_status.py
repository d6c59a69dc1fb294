"""A status in the hub is current, or marked as old with since when, or removed."""

from __future__ import annotations

import anyio
import orjson

from tests.engine.test_old_errors import go_on
from tests.engine.test_status import (
    BOTH,
    WEB,
    blank,
    deployed,
    says,
    shows,
    status_of,
    widgets_on,
)
from tests.engine.virtual import in_virtual_time
from tests.faults.definitions import WIDGETS
from tests.faults.stage import open_stage
from tests.simulation.loop import virtual_wall
from tests.world.world import DEPLOYMENTS, World, place_everywhere
from tmcconsole.kube.client.ingest import STATUS_NOTES
from tmcconsole.kube.objects import Json, Kind, condition_of
from tmcconsole.sync.names.markers import KEPT_STATUS, STALE_STATUS
from tmcconsole.sync.names.times import unix_time

JOBS = Kind("batch", "v1", "jobs", "Job", subresources=frozenset({"status"}))


def make_job(name: str, image: str) -> Json:
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": image}]}
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"backoffLimit": 1000, "template": {"spec": pod}},
    }


async def marked_as_old(world: World, kind: Kind, name: str) -> dict[str, str]:
    """Return which silent targets the hub's status of an object rests on, and since when."""
    tree = await world.hub.get(kind, "shop", name) or {"metadata": {}}
    note = (tree["metadata"].get("annotations") or {}).get(STALE_STATUS)
    return dict(orjson.loads(note)) if note else {}


def test_a_silent_target_s_last_word_stands_and_is_marked_as_old() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await deployed(world, 4)
            await anyio.sleep(60)
            assert await marked_as_old(world, DEPLOYMENTS, "web") == {}
            cut = virtual_wall()
            world.sims["east"].faults.switch("outage")
            await anyio.sleep(600)

            status = await status_of(world)
            available = condition_of({"status": status}, "Available") or {}
            marked = await marked_as_old(world, DEPLOYMENTS, "web")
            assert status["readyReplicas"] == 4
            assert (available["status"], available["reason"]) == ("Unknown", "TargetSilent")
            assert "east: no heartbeat since" in available["message"]
            assert list(marked) == ["east"]
            assert cut - 45 <= unix_time(marked["east"]) <= cut

            world.sims["east"].faults.clear()
            await anyio.sleep(60)
            available = condition_of({"status": await status_of(world)}, "Available") or {}
            assert available["status"] == "True"
            assert await marked_as_old(world, DEPLOYMENTS, "web") == {}
            await world.rest()

    in_virtual_time(story)


def test_old_reports_are_marked_though_the_engine_has_started_since_they_were_heard() -> None:
    async def story() -> None:
        async with open_stage(("east",)) as world:
            await place_everywhere(world)
            await deployed(world, 2)
            await world.stop()
            world.sims["east"].faults.switch("outage")
            go_on(world)
            await anyio.sleep(300)

            assert list(await marked_as_old(world, DEPLOYMENTS, "web")) == ["east"]
            assert (await status_of(world))["readyReplicas"] == 2

    in_virtual_time(story)


def test_of_jobs_and_custom_kinds_too_old_reports_are_marked_but_an_outcome_stands() -> None:
    async def story() -> None:
        async with open_stage(("east",), kinds_allow=(*BOTH, JOBS.id)) as world:
            await widgets_on(world)
            await says(world, "east", size=3, phase="Fine")
            await shows(world, size=3, phase="Fine")
            await world.hub.apply(JOBS, make_job("runs", image="registry.example/crash:1"))
            await world.hub.apply(JOBS, make_job("done", image="registry.example/task:1"))
            await anyio.sleep(60)
            done = (world.copy("hub", JOBS, "done") or {})["status"]
            assert done["succeeded"] == 1
            world.sims["east"].faults.switch("outage")
            await anyio.sleep(300)

            assert list(await marked_as_old(world, WIDGETS, "one")) == ["east"]
            assert list(await marked_as_old(world, JOBS, "runs")) == ["east"]
            assert await marked_as_old(world, JOBS, "done") == {}
            assert (world.copy("hub", JOBS, "done") or {})["status"] == done
            await shows(world, size=3, phase="Fine")

    in_virtual_time(story)


def test_a_last_copy_that_cannot_come_again_leaves_no_numbers_behind() -> None:
    async def story() -> None:
        async with open_stage(("east",)) as world:
            await place_everywhere(world)
            await deployed(world, 2)
            world.sims["east"].faults.switch("quota")
            await world.clusters["east"].delete(DEPLOYMENTS, *WEB)
            await world.until(lambda: world.copy("east", DEPLOYMENTS, "web") is None, "gone")
            await anyio.sleep(60)

            assert world.copy("east", DEPLOYMENTS, "web") is None
            assert blank(await status_of(world))

    in_virtual_time(story)


def test_what_is_said_of_a_status_is_no_change_of_an_object() -> None:
    assert {STALE_STATUS, KEPT_STATUS} == STATUS_NOTES
