"""N: networks and API servers fail; others are not affected, and all recovers by itself."""

from __future__ import annotations

from collections import Counter
from math import ceil

import anyio
import pytest

from tests.faults.seen import Tried
from tests.faults.stage import Stage, open_shop
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_configmap, make_deployment
from tmcconsole.contract.records import EngineRecord, ObjectRecord, SyncState, TargetRecord
from tmcconsole.runtime import Request, Response
from tmcconsole.sync.status.reconciler import BUSY_AT

pytestmark = pytest.mark.anyio


def busiest(tried: list[Tried]) -> tuple[str, int]:
    """Return the stream with the most attempts, leaving out the reachability probe."""
    streams = Counter(f"{one.request.method} {one.path}" for one in tried)
    streams.pop("GET /version", None)
    return max(streams.items(), key=lambda entry: entry[1], default=("", 0))


@pytest.mark.parametrize("fault", ["outage", "blackhole"])
@pytest.mark.parametrize("side", ["hub", "east"])
async def test_N1_ten_minutes_without_a_server_cost_few_tries_and_no_deletion(
    side: str, fault: str
) -> None:
    async with open_shop(("east", "west"), maps=("gone", "settings")) as world:
        down, began = world.sims[side], world.now()
        down.faults.switch(fault)
        await world.paint("green")
        await world.hub.apply(CONFIGMAPS, make_configmap("fresh"))
        await world.hub.delete(CONFIGMAPS, "shop", "gone")
        await anyio.sleep(120)
        settled = world.now()
        await anyio.sleep(480)

        tried = [one for one in world.tried if one.cluster == side and one.at >= settled]
        assert busiest(tried)[1] <= 480 / 30
        assert len([one for one in tried if one.path == "/version"]) <= 480 / 7.5
        assert {one.path[-4:] for one in world.deletions("east", began)} <= {"gone"}
        assert len(world.deletions("east", began)) <= 16
        down.faults.switch(fault, on=False)
        took = await world.until(lambda: _has_recovered(world), "recovered", 60)
        assert took <= 60
        await world.settle()
        assert world.creations("east", CONFIGMAPS, "fresh") == 1


async def test_N1_what_waits_for_a_silent_target_holds_up_no_status_of_the_others() -> None:
    async with open_shop(("east", "west"), maps=()) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=1))
        await world.until(lambda: _ready_in_hub(world, 2), "both have reported", 60)
        world.sims["east"].faults.switch("blackhole")
        await anyio.sleep(60)
        for number in range(3 * BUSY_AT):
            await world.hub.apply(CONFIGMAPS, make_configmap(f"more-{number}"))
        await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=3))
        await world.until(lambda: _ready_in_hub(world, 4), "the other's status arrived", 60)


async def test_N1_a_silent_cluster_is_told_apart_and_its_objects_shown_as_stale() -> None:
    async with open_shop(("east", "west")) as world:
        await world.records(ObjectRecord)
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(30)
        assert world.conditions("east")["SyncerReady"].startswith("False ")
        assert world.conditions("east")["Ready"] == "True OK"
        await anyio.sleep(60)
        assert world.conditions("east")["Ready"] == "False HeartbeatLost"
        assert world.conditions("east")["HeartbeatReady"] == "False HeartbeatLost"
        assert world.conditions("west")["Ready"] == "True OK"

        records = {record.name: record for record in await world.records(TargetRecord)}
        assert (records["east"].ready, records["west"].ready) == (False, True)
        cells = (await world.records(ObjectRecord))[0].cells
        assert [cell.state for cell in cells] == [SyncState.STALE, SyncState.IN_SYNC]


async def test_N2_after_a_rolling_restart_of_the_hub_each_kind_is_listed_once_at_most() -> None:
    async with open_shop(("east", "west")) as world:
        began = world.now()
        for _ in range(3):
            world.sims["hub"].faults.switch("outage")
            await anyio.sleep(2)
            world.sims["hub"].faults.switch("outage", on=False)
            await anyio.sleep(5)
        await world.paint("green")
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, within_s=35)

        assert len(world.lists("hub", CONFIGMAPS, began)) <= 1


async def test_N3_one_way_replies_lost_means_no_destruction_and_stale_display() -> None:
    async with open_shop(("east",), maps=("gone", "settings")) as world:
        world.sims["hub"].faults.switch("one_way")
        await world.hub.delete(CONFIGMAPS, "shop", "gone")
        await world.paint("green")
        await anyio.sleep(300)
        assert world.deletions() == []
        assert (await world.records(EngineRecord))[0].hub_connected is False

        world.sims["hub"].faults.switch("one_way", on=False)
        await world.until(lambda: world.names_on("hub") == ["settings"], "released", 60)
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "caught up", 60)
        assert world.creations("east", CONFIGMAPS, "settings") == 1


async def test_N3_writes_that_arrive_without_an_answer_are_made_once() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("one_way")
        await world.hub.apply(CONFIGMAPS, make_configmap("fresh"))
        await anyio.sleep(200)
        world.sims["east"].faults.switch("one_way", on=False)
        await world.until(
            lambda: world.standing("east", name="fresh").state is SyncState.IN_SYNC, "known", 60
        )

        assert world.creations("east", CONFIGMAPS, "fresh") == 1


async def test_N5_a_slow_cluster_is_slow_alone() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("latency", latency_s=2.0, jitter_s=1.0)
        for number in range(50):
            await world.hub.apply(CONFIGMAPS, make_configmap(f"map-{number:02}"))
        west = await world.until(lambda: len(world.names_on("west")) == 51, "west", 5)
        east = await world.until(lambda: len(world.names_on("east")) == 51, "east", 120)

        assert west < 2.5 < east
        assert world.conditions("east")["Ready"] == "True OK"


async def test_N7_a_proxy_that_answers_html_is_an_error_and_no_emptiness() -> None:
    async with open_shop(("east",), maps=("one", "settings", "two")) as world:
        html = Response(200, {"content-type": "text/html"}, b"<html>Please log in</html>")
        world.meddle = lambda cluster, _request: html if cluster == "east" else None
        world.sims["east"].faults.switch("compact")
        world.sims["east"].faults.switch("cut_watches")
        await anyio.sleep(120)
        assert world.conditions("east")["Ready"] == "False HeartbeatLost"
        began = world.now()

        world.meddle = _pass
        await world.until(lambda: world.conditions("east")["Ready"] == "True OK", "back", 60)
        await anyio.sleep(60)
        assert world.deletions() == []
        assert world.writes("east", began) == []


async def test_N8_one_black_hole_of_ten_slows_none_of_the_others() -> None:
    names = tuple(f"target-{number}" for number in range(10))
    calm = await propagation(names, "")
    troubled = await propagation(names, "target-4")

    assert p99(calm) > 0.05
    assert abs(p99(troubled) - p99(calm)) <= 0.1 * p99(calm)


async def propagation(names: tuple[str, ...], hole: str) -> list[float]:
    """Return the seconds from each hub write to each copy, without the black-holed target."""
    maps = tuple(f"map-{number:02}" for number in range(10))
    async with open_shop(names, maps=maps, kinds_allow=("configmaps",)) as world:
        for sim in world.sims.values():
            sim.faults.switch("latency", latency_s=0.05, jitter_s=0.02)
        if hole:
            world.sims[hole].faults.switch("blackhole")
        written: dict[str, float] = {}
        for number in range(200):
            await world.paint(f"shade {number}", maps[number % 10])
            written[f"shade {number}"] = world.now()
            await anyio.sleep(0.5)
        await anyio.sleep(5)
        arrived: dict[tuple[str, str], float] = {}
        for one in world.committed:
            if one.kind == "configmaps" and one.cluster in names and one.new:
                colour = one.new["data"].get("colour")
                arrived.setdefault((one.cluster, colour), one.at)
        return [
            arrived[name, colour] - at
            for colour, at in written.items()
            for name in names
            if name != "target-4"
        ]


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[ceil(0.99 * len(seconds)) - 1]


def _has_recovered(world: Stage) -> bool:
    expected = ["fresh", "settings"]
    return (
        set(world.conditions("east").values()) == {"True OK"}
        and world.names_on("hub") == world.names_on("east") == expected
        and world.data_on("east") == {"colour": "green"}
        and world.standing("east", name="fresh").state is SyncState.IN_SYNC
    )


def _pass(_cluster: str, _request: Request) -> Response | None:
    return None


def _ready_in_hub(world: Stage, count: int) -> bool:
    found = world.copy("hub", DEPLOYMENTS, "web") or {}
    return bool((found.get("status") or {}).get("readyReplicas") == count)
