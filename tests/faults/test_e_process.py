"""E: the process dies, stalls or errs; what it left half done is finished by the next one."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from tests.faults.fixtures import LIMIT_S, SEED
from tests.faults.stage import Stage, open_shop
from tests.simulation.loop import SeededLoop
from tests.simulation.wire import Moment
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_configmap, make_deployment
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

MOMENTS: tuple[Moment, ...] = ("before", "after", "soon after")
# not sent; committed and the reply lost; committed and the reply seen
WRITES_MOST = 12  # of one workload: more would mean that the workloads below have changed


async def create(world: Stage) -> None:
    await world.hub.apply(CONFIGMAPS, make_configmap("fresh"))
    await world.hub.apply(DEPLOYMENTS, make_deployment())


async def update(world: Stage) -> None:
    await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
    await world.hub.patch(CONFIGMAPS, "shop", "other", {"data": {"colour": "red"}})


async def delete(world: Stage) -> None:
    await world.hub.delete(CONFIGMAPS, "shop", "settings")
    await world.hub.delete(CONFIGMAPS, "shop", "other")


WORKLOADS = {"create": create, "update": update, "delete": delete}
NAMES = {
    "create": ["fresh", "other", "settings"],
    "update": ["other", "settings"],
    "delete": [],
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("workload", sorted(WORKLOADS))
def test_E1_a_crash_at_any_write_changes_nothing_of_the_end(workload: str, moment: Moment) -> None:
    undisturbed, writes = _in_virtual_time(workload, moment, -1)
    assert 0 < writes <= WRITES_MOST * 2

    for number in range(writes):
        end, _ = _in_virtual_time(workload, moment, number)
        assert end == undisturbed, f"died at write {number}, {moment}"


def _in_virtual_time(workload: str, moment: Moment, dies_at: int) -> tuple[Json, int]:
    async def main() -> tuple[Json, int]:
        return await _story(workload, moment, dies_at)

    options: dict[str, Any] = {"loop_factory": lambda: SeededLoop(SEED, LIMIT_S)}
    return anyio.run(main, backend_options=options)


async def _story(workload: str, moment: Moment, dies_at: int) -> tuple[Json, int]:
    """Return the end state, and how many writes the engine made of the workload."""
    async with open_shop(("east", "west"), maps=("other", "settings")) as world:
        theirs = make_configmap("theirs", owner="somebody else")
        await world.clusters["east"].apply(CONFIGMAPS, theirs, manager="stranger")
        foreign = world.copy("east", CONFIGMAPS, "theirs")
        await anyio.sleep(5)
        began, world.life.moment = world.now(), moment
        lives = world.life.number
        world.life.writes_left = dies_at
        await WORKLOADS[workload](world)
        if dies_at >= 0:
            with anyio.fail_after(300):
                await world.ended.wait()
            await anyio.sleep(1)
            world.start()
        await anyio.sleep(90)

        assert world.life.number == lives + (dies_at >= 0)
        assert world.copy("east", CONFIGMAPS, "theirs") == foreign
        _check_counts(world)
        at_rest = world.now()
        await anyio.sleep(60)
        assert world.writes(since=at_rest) == []
        return _end_state(world, workload), len(world.writes(since=began))


def _check_counts(world: Stage) -> None:
    """One create and one delete for each object and cluster, and in each life."""
    for verb in ("create", "delete"):
        done = [
            (one.cluster, one.kind, one.name)
            for one in world.committed
            if one.by_engine and one.verb == verb and one.cluster != "hub"
        ]
        assert len(done) == len(set(done))


def _end_state(world: Stage, workload: str) -> Json:
    assert world.names_on("hub") == NAMES[workload]
    state: Json = {}
    for side in ("hub", "east", "west"):
        for kind in (CONFIGMAPS, DEPLOYMENTS):
            trees = world.sims[side].store.trees(kind.id, "shop")
            state |= {f"{side} {t['metadata']['name']} {kind.kind}": _bare(world, t) for t in trees}
    return state


def _bare(world: Stage, tree: Json) -> Json:
    """Leave out what differs from run to run: UIDs, versions, times, and who wrote it when."""
    meta = tree["metadata"]
    status = {k: v for k, v in (tree.get("status") or {}).items() if k != "conditions"}
    name = meta["name"]
    return {
        "data": tree.get("data") if name != "kube-root-ca.crt" else None,
        "spec": tree.get("spec"),
        "status": status,
        "labels": meta.get("labels"),
        "annotations": sorted(meta.get("annotations") or {}),
        "finalizers": sorted(meta.get("finalizers") or []),
    }


async def test_E2_a_process_that_was_stopped_for_a_minute_wakes_up_careful() -> None:
    async with open_shop(("east", "west")) as world:
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        clock = asyncio.get_running_loop()._selector.clock  # type: ignore[attr-defined]
        clock.advance(60.0)
        began = world.now()
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, "goes on", 60)
        await anyio.sleep(60)

        assert world.deletions() == []
        assert len(world.writes("east", began)) <= 1
        assert world.conditions("east")["Ready"] == "True OK"


async def test_E5_a_loop_that_is_blocked_again_and_again_is_no_outage() -> None:
    async with open_shop(("east", "west")) as world:
        clock = asyncio.get_running_loop()._selector.clock  # type: ignore[attr-defined]
        began = world.now()
        for number in range(20):
            clock.advance(2.0)  # nothing runs meanwhile
            await world.paint(f"shade {number}")
            await anyio.sleep(0.5)

        await world.until(lambda: world.data_on("west") == {"colour": "shade 19"}, "goes on", 60)
        assert world.deletions() == []
        for side in ("east", "west"):
            assert len(world.writes(side, began)) <= 20
            assert world.conditions(side)["Ready"] == "True OK"


async def test_E9_an_error_of_our_own_in_one_reconcile_is_counted_and_stops_nothing_else(
    surprises: list[str],
) -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:

        def err(cluster: str, request: Request) -> Response | None:
            if cluster == "east" and request.path.endswith("/settings"):
                raise ZeroDivisionError("a mistake in here")
            return None

        world.meddle = err
        began = world.now()
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        await world.hub.patch(CONFIGMAPS, "shop", "other", {"data": {"colour": "green"}})
        await world.until(lambda: world.data_on("east", "other") == {"colour": "green"}, "other")
        await anyio.sleep(600)
        assert 3 < len(world.writes("east", began)) <= 20
        standing = world.standing("east")
        assert (standing.state, standing.reason) == (SyncState.FAILED, "ZeroDivisionError")
        errors = [r for r in await world.records(HistoryRecord) if r.category == "error"]
        assert [record.event for record in errors] == ["InternalError"]
        assert errors[0].count == len(surprises)
        surprises.clear()
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "recovers", 330)


async def test_E9_an_error_of_our_own_in_a_background_task_restarts_its_target_only(
    surprises: list[str],
) -> None:
    async with open_shop(("east", "west")) as world:

        def err(cluster: str, request: Request) -> Response | None:
            if cluster == "east" and request.path == "/version":
                raise ZeroDivisionError("a mistake in here")
            return None

        world.meddle = err
        await anyio.sleep(60)
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, "west", 1)
        assert 3 <= len(surprises) <= 8
        surprises.clear()
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "east", 60)
        assert world.deletions() == []
