"""Each trouble is one line of the history, with a beginning and an end, even across restarts."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tests.engine.test_old_errors import go_on
from tests.faults.stage import Stage, open_shop
from tests.simulation.loop import virtual_wall
from tests.world.world import CONFIGMAPS, SYNC_TARGETS
from tmcconsole.contract.records import (
    Health,
    HealthRecord,
    HistoryRecord,
    ObjectRecord,
    TargetRecord,
)
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.runtime import Response
from tmcconsole.sync.names.markers import ALLOW_DELETES

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

REFUSED = {"kind": "Status", "apiVersion": "v1", "code": 401, "reason": "Unauthorized"}


def lines_about(world: Stage, name: str, since: float) -> list[HistoryRecord]:
    """Return the history lines about a target, without those that say it is served."""
    found = [one for one in world.engine.history.records() if one.target == name]
    return [one for one in found if one.last_at >= since and one.event != "Syncing"]


async def since_of(world: Stage, name: str) -> float:
    (target,) = [one for one in await world.records(TargetRecord) if one.name == name]
    return float(target.since)


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_silence_is_one_line_from_its_beginning_to_its_end(is_restarted: bool) -> None:
    async with open_shop(("east",)) as world:
        await anyio.sleep(20)
        cut = virtual_wall()
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(150)
        if is_restarted:
            await world.stop()
            go_on(world)
        await anyio.sleep(150)
        (line,) = lines_about(world, "east", cut)
        told_since = await since_of(world, "east")
        world.sims["east"].faults.clear()
        ended = virtual_wall()
        await anyio.sleep(60)

        (over,) = lines_about(world, "east", cut)
        assert cut <= line.at <= cut + 15
        assert told_since == pytest.approx(line.at, abs=0.01)
        assert (line.recovered_at, over.id) == (0.0, line.id)
        assert ended <= over.recovered_at <= ended + 35


async def test_credentials_that_are_refused_are_one_line() -> None:
    async with open_shop(("east",)) as world:
        await anyio.sleep(20)
        began = virtual_wall()
        refused = Response(401, {"content-type": "application/json"}, orjson.dumps(REFUSED))
        world.meddle = lambda name, _request: refused if name == "east" else None
        await anyio.sleep(300)

        (line,) = lines_about(world, "east", began)
        assert line.event == "ClusterAuthentication"
        world.meddle = lambda _name, _request: None
        await anyio.sleep(60)
        (line,) = lines_about(world, "east", began)
        assert line.recovered_at > line.last_at


async def test_a_sync_target_that_nobody_serves_is_one_silence_until_it_is_heard() -> None:
    async with open_shop(("east",)) as world:
        await world.hub.apply(SYNC_TARGETS, {"metadata": {"name": "orphan"}})
        await anyio.sleep(300)
        await world.stop()
        go_on(world)
        await anyio.sleep(300)
        (silence,) = lines_about(world, "orphan", 0)
        assert (silence.event, silence.recovered_at) == ("HeartbeatLost", 0.0)
        beat = {"status": {"lastSyncerHeartbeatTime": "2027-01-15T08:10:00Z"}}
        orphan = ObjectKey("", "orphan")
        await world.hub.user.merge_patch(
            SYNC_TARGETS, orphan, beat, manager="user", subresource="status"
        )
        await anyio.sleep(10)

        (silence,) = lines_about(world, "orphan", 0)
        assert silence.recovered_at > 0.0


async def test_a_hub_that_is_down_is_one_line() -> None:
    async with open_shop(("east",)) as world:
        await anyio.sleep(20)
        began = virtual_wall()
        world.sims["hub"].faults.switch("outage")
        await anyio.sleep(200)
        (line,) = lines_about(world, "hub", began)
        world.sims["hub"].faults.clear()
        await anyio.sleep(60)

        (over,) = lines_about(world, "hub", began)
        assert (line.recovered_at, over.id) == (0.0, line.id)
        assert began <= line.at <= began + 15
        assert over.recovered_at > began + 200


async def test_held_deletions_are_a_line_since_the_brake_tripped() -> None:
    many = tuple(f"map-{number:02}" for number in range(16))
    async with open_shop(("east",), maps=many, brake_deletes=1) as world:
        await anyio.sleep(100)
        tripped = virtual_wall()
        for name in many:
            await world.hub.delete(CONFIGMAPS, "shop", name)
        await anyio.sleep(32)
        await world.stop()
        go_on(world)
        await anyio.sleep(100)

        (line,) = lines_about(world, "east", tripped)
        (target,) = await world.records(TargetRecord)
        held = [name for name in many if world.standing("east", name=name).reason == "DeletionHeld"]
        assert len(held) == target.deletes_held == target.held == 6
        assert target.failed == 0
        assert "6 held: 6 configmaps in shop, deleted in the hub." in line.message
        assert (line.event, line.recovered_at) == ("DeletionsHeld", 0.0)
        assert tripped <= line.at <= tripped + 5
        assert target.deletes_held_since == pytest.approx(line.at, abs=0.1)
        objects = {str(one.name): one for one in await world.records(ObjectRecord)}
        assert objects[held[0]].cells[0].since == pytest.approx(line.at, abs=0.1)
        allow = {"metadata": {"annotations": {ALLOW_DELETES: "2030-01-01T00:00:00Z"}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", allow)
        await world.until(lambda: world.names_on("east") == [], "all go", within_s=400)
        (line,) = lines_about(world, "east", tripped)
        assert line.recovered_at > tripped + 100


async def test_lag_is_that_of_the_last_minutes_and_none_at_rest() -> None:
    async with open_shop(("east",)) as world:
        target = world.engine.supervisors["east"].target
        assert target is not None
        key, now = ObjectKey("shop", "settings"), world.now()
        entry = target.ledger.entry("configmaps", key)
        assert entry.settled is not None
        target.ledger.await_write("configmaps", key, now - 60, virtual_wall())
        target.ledger.settle("configmaps", key, entry.settled, now)
        (late,) = await world.records(TargetRecord)
        await anyio.sleep(400)

        (rested,) = await world.records(TargetRecord)
        assert late.lag_p95_ms == 60_000
        assert (rested.lag_p50_ms, rested.lag_p95_ms) == (0.0, 0.0)


async def test_the_kinds_of_a_target_that_does_not_answer_are_unknown_then_worse() -> None:
    async with open_shop(("east",)) as world:
        path = "system/targets/east/configmaps"

        async def kind() -> HealthRecord:
            records: list[HealthRecord] = await world.records(HealthRecord)
            return next(one for one in records if one.path == path)

        assert (await kind()).status is Health.HEALTHY
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(60)
        early = await kind()
        await anyio.sleep(400)

        assert early.status is Health.UNKNOWN
        assert early.reason == "last known: 1 of 1 in sync"
        assert (await kind()).status is Health.UNHEALTHY
        world.sims["east"].faults.clear()
        await anyio.sleep(60)
        assert (await kind()).status is Health.HEALTHY
