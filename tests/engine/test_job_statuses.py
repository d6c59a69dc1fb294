"""A Job that moves starts over, but the status of its hub object continues where it was."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tests.engine.test_stale_status import JOBS, make_job
from tests.faults.stage import KINDS, Stage, open_stage
from tests.world.world import PLACEMENTS, let_go, place_everywhere
from tmcconsole.contract.commands import DrainTarget
from tmcconsole.kube.objects import Json
from tmcconsole.sync.names.markers import KEPT_STATUS

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def status_on(world: Stage, cluster: str) -> Json:
    return dict((world.copy(cluster, JOBS, "task") or {}).get("status") or {})


async def test_the_status_of_a_job_that_has_moved_is_taken_and_says_what_was_kept() -> None:
    async with open_stage(("east", "west"), kinds_allow=(*KINDS, JOBS.id)) as world:
        await place_everywhere(world)
        await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "OneToAny"}})
        await world.hub.apply(JOBS, make_job("task", image="registry.example/crash:1"))
        await world.until(lambda: "startTime" in status_on(world, "hub"), "started", 60)
        await anyio.sleep(30)
        home = next(name for name in world.clusters if status_on(world, name))
        away = next(name for name in world.clusters if name != home)
        before = status_on(world, "hub")
        await let_go(world.hub)
        await world.engine.request(DrainTarget(target=home, confirm=home))
        await world.until(lambda: "startTime" in status_on(world, away), "started anew", 120)
        await anyio.sleep(10)

        after = status_on(world, "hub")
        notes = (world.copy("hub", JOBS, "task") or {})["metadata"]["annotations"]
        assert status_on(world, away)["startTime"] > before["startTime"] == after["startTime"]
        assert after.get("active") == status_on(world, away).get("active")
        assert "startTime" in orjson.loads(notes[KEPT_STATUS])
        open_errors = [
            one
            for one in world.engine.history.records()
            if one.category == "error" and one.subject and not one.recovered_at
        ]
        assert open_errors == []
