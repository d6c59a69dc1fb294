"""What is shown of the state of copies: why they wait, and what is not known at present."""

from __future__ import annotations

import json
from datetime import datetime

import anyio
import pytest

from tests.engine.test_old_errors import go_on
from tests.faults.stage import Stage, open_shop
from tests.simulation.loop import virtual_wall
from tests.world.world import DEPLOYMENTS, SYNC_TARGETS, make_deployment
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.records import Health, HealthRecord
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.printer import document, trouble_rows
from tmcconsole.daemon.verdict import troubles
from tmcconsole.runtime import Response
from tmcconsole.sync.names.markers import PAUSE

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

UNAVAILABLE = b'{"kind":"Status","apiVersion":"v1","code":503,"reason":"ServiceUnavailable"}'


async def board_of(world: Stage) -> Follower:
    board = Follower()
    await board.pull(world.engine)
    return board


async def test_a_copy_that_waits_says_who_paused_its_target_and_why() -> None:
    async with open_shop(("east",)) as world:

        async def pause(by: str, why: str) -> str:
            note = {"metadata": {"annotations": {PAUSE: json.dumps({"by": by, "why": why})}}}
            await world.hub.patch(SYNC_TARGETS, "", "east", note)
            await world.paint(why)
            await anyio.sleep(20)
            reply = await world.engine.request(Why(key="configmaps/shop/settings"))
            assert isinstance(reply, Text)
            return str(reply.body)

        assert "east is paused by kim: maintenance" in await pause("kim", "maintenance")
        assert "east is paused by lee: audit" in await pause("lee", "audit")


async def test_what_was_in_sync_on_a_silent_target_is_not_known_since_it_was_heard() -> None:
    async with open_shop(("east", "west")) as world:
        await anyio.sleep(60)
        cut = virtual_wall()
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(60)
        board = await board_of(world)

        status = document(board)
        east, west = status["targets"]
        assert (east["objects"], east["in_sync"], east["stale"]) == (1, None, 1)
        assert (west["objects"], west["in_sync"], west["stale"]) == (1, 1, 0)
        assert (status["objects"]["in_sync"], status["objects"]["stale"]) == (1, 1)
        (copy,) = troubles(board)
        assert (copy.cell.target, copy.state) == ("east", "Stale")
        assert cut - 10 <= copy.cell.since <= cut


async def test_after_a_restart_what_is_wanted_on_a_silent_target_is_counted_and_not_known() -> None:
    async with open_shop(("east", "west")) as world:
        await anyio.sleep(60)
        cut = virtual_wall()
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(60)
        await world.stop()
        go_on(world)
        await anyio.sleep(60)
        board = await board_of(world)

        (east, _), counts = document(board)["targets"], document(board)["objects"]
        assert (east["objects"], east["in_sync"], east["stale"]) == (1, None, 1)
        assert (counts["placed"], counts["in_sync"], counts["stale"]) == (2, 1, 1)
        (copy,) = troubles(board)
        assert (copy.cell.target, copy.state, copy.cell.reason) == ("east", "Stale", "NotHeardYet")
        assert cut <= copy.cell.since <= cut + 15

        world.sims["east"].faults.clear()
        await anyio.sleep(60)
        assert troubles(await board_of(world)) == []


async def test_after_a_restart_with_no_target_at_all_everything_wanted_is_told() -> None:
    async with open_shop(("east",)) as world:
        await world.stop()
        world.sims["east"].faults.switch("outage")
        go_on(world)
        await anyio.sleep(60)

        assert [one.record.key for one in troubles(await board_of(world))] == [
            "configmaps/shop/settings"
        ]


async def test_a_deployment_without_its_pods_is_not_healthy_in_the_tree() -> None:
    async with open_shop(("east",)) as world:
        broken = make_deployment(replicas=2)
        broken["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/crash:1"
        await world.hub.apply(DEPLOYMENTS, broken)
        await anyio.sleep(60)

        tree = {str(one.path): one for one in (await board_of(world)).of(HealthRecord)}
        for path in ("system", "system/targets/east", "system/targets/east/deployments.apps"):
            assert tree[path].status in (Health.DEGRADED, Health.UNHEALTHY), path
            assert "web 0/2 ready" in tree[path].reason

        await world.hub.delete(DEPLOYMENTS, "shop", "web")
        await anyio.sleep(60)
        assert all(one.status is Health.HEALTHY for one in (await board_of(world)).of(HealthRecord))


async def test_a_cluster_that_fails_at_its_work_is_not_healthy_though_it_answers() -> None:
    many = tuple(f"map-{number}" for number in range(8))
    async with open_shop(("east",), maps=many) as world:
        refused = Response(503, {"content-type": "application/json"}, UNAVAILABLE)
        world.meddle = lambda name, request: (
            refused if name == "east" and request.method == "PATCH" else None
        )
        for name in many:
            await world.paint("green", name)
        await anyio.sleep(30)
        tree = {str(one.path): one for one in (await board_of(world)).of(HealthRecord)}
        assert tree["system/targets/east"].status is Health.UNHEALTHY
        assert tree["system/targets/east"].reason == "MostAttemptsFail"

        world.meddle = lambda _name, _request: None
        await anyio.sleep(120)
        tree = {str(one.path): one for one in (await board_of(world)).of(HealthRecord)}
        assert tree["system"].status is Health.HEALTHY


async def test_a_copy_that_is_not_well_is_so_since_its_condition_says_over_a_restart() -> None:
    async with open_shop(("east",)) as world:
        broken = make_deployment("web", replicas=2)
        broken["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/crash:1"
        await world.hub.apply(DEPLOYMENTS, broken)
        await anyio.sleep(100)
        await world.stop()
        go_on(world)
        await anyio.sleep(100)

        copy = await world.clusters["east"].get(DEPLOYMENTS, "shop", "web")
        assert copy is not None
        (available,) = (one for one in copy["status"]["conditions"] if one["type"] == "Available")
        board = await board_of(world)
        (row,) = trouble_rows(board, "")
        assert available["status"] == "False"
        began = datetime.fromisoformat(available["lastTransitionTime"]).timestamp()
        assert row["age_s"] == pytest.approx(board.wall - began, abs=0.1)
        assert row["age_s"] > 190


async def test_what_a_pause_holds_is_held_since_it_was_over_a_restart_and_is_no_error() -> None:
    async with open_shop(("east",)) as world:
        paused = {"metadata": {"annotations": {PAUSE: json.dumps({"by": "kim", "why": "work"})}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", paused)
        await anyio.sleep(100)
        changed = virtual_wall()
        await world.paint("paused")
        await anyio.sleep(100)
        await world.stop()
        go_on(world)
        await anyio.sleep(100)

        (row,) = trouble_rows(await board_of(world), "")
        assert (row["reason"], row["age_s"]) == (
            "Paused",
            pytest.approx(virtual_wall() - changed, abs=5),
        )
        assert document(await board_of(world))["errors"] == []
        (line,) = (one for one in world.engine.history.records() if one.category == "hold")
        assert (line.event, line.recovered_at, line.count) == ("Paused", 0.0, 1)

        ended = virtual_wall()
        go = {"metadata": {"annotations": {PAUSE: None}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", go)
        await anyio.sleep(30)
        (line,) = (one for one in world.engine.history.records() if one.category == "hold")
        assert ended <= line.recovered_at <= ended + 30
