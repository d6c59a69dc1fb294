"""A: watches, lists and caches fail without any effect on what is on the clusters."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.stage import open_shop, open_stage, show_the_past, strip_finalizers
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.cache.informer_state import Phase

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mid_line", [False, True])
async def test_A1_cut_watches_lose_no_change_and_list_nothing_again(mid_line: bool) -> None:
    async with open_shop(("east",)) as world:
        began = world.now()
        for number in range(10):
            for sim in world.sims.values():
                sim.faults.switch("cut_watches", mid_line=mid_line)
            await world.paint(f"shade {number}")
            await world.until(lambda n=number: world.data_on("east")["colour"] == f"shade {n}")  # type: ignore[misc]
            await anyio.sleep(3)

        assert world.lists("hub", CONFIGMAPS, began) == world.lists("east", CONFIGMAPS, began) == []
        assert len(world.writes("east", began)) == 10
        assert world.creations("east", CONFIGMAPS, "settings") == 1


@pytest.mark.parametrize("as_status", [False, True])
async def test_A2_after_410_what_happened_meanwhile_is_found_by_one_list(as_status: bool) -> None:
    async with open_shop(("east",), maps=("gone", "kept", "settings")) as world:
        hub, began = world.sims["hub"], world.now()
        hub.faults.switch("outage")
        await world.hub.delete(CONFIGMAPS, "shop", "gone")
        await strip_finalizers(world, CONFIGMAPS, "gone")
        await world.paint("green")
        hub.faults.switch("compact")
        hub.faults.switch("watch_410", on=as_status)
        hub.faults.switch("outage", on=False)
        await world.until(lambda: world.names_on("east") == ["kept", "settings"], "caught up", 60)
        await world.until(lambda: world.data_on("east")["colour"] == "green", "caught up", 60)

        assert len(world.deletions("east")) == 1
        assert len(world.lists("hub", CONFIGMAPS, began)) == 1 or as_status
        assert world.creations("east", CONFIGMAPS, "kept") == 1


async def test_A2_endless_410_does_not_flood_and_changes_still_arrive() -> None:
    async with open_shop(("east",)) as world:
        world.sims["hub"].faults.switch("watch_410")
        world.sims["hub"].faults.switch("cut_watches")
        await anyio.sleep(60)
        began = world.now()
        await world.paint("green")
        await anyio.sleep(600)

        assert world.data_on("east") == {"colour": "green"}
        assert len(world.lists("hub", CONFIGMAPS, began)) <= 2 * 600 / 30
        assert world.deletions() == []


async def test_A3_delete_while_disconnected_removes_the_copies_after_it() -> None:
    async with open_shop() as world:
        hub = world.sims["hub"]
        hub.faults.switch("outage")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await anyio.sleep(120)
        assert world.deletions() == []

        hub.faults.switch("outage", on=False)
        await world.until(lambda: not world.names_on("hub"), "released", 60)

        assert world.names_on("east") == world.names_on("west") == []
        assert len(world.deletions("east")) == len(world.deletions("west")) == 1


async def test_A3_what_vanished_while_disconnected_is_deleted_only_after_a_live_not_found() -> None:
    async with open_shop(maps=("one", "settings", "two")) as world:
        hub = world.sims["hub"]
        hub.faults.switch("outage")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await strip_finalizers(world, CONFIGMAPS, "settings")
        hub.faults.switch("compact")
        await anyio.sleep(120)
        hub.faults.switch("outage", on=False)
        await world.until(
            lambda: world.names_on("east") == world.names_on("west") == ["one", "two"]
        )

        for deletion in world.deletions():
            looks = [t for t in world.tried if t.cluster == "hub" and t.path == deletion.path]
            assert [t.status for t in looks if t.request.method == "GET"][-1] == 404
        assert len(set(world.audited_deletes())) == len(world.deletions()) == 2


async def test_A4_a_stale_cluster_neither_resurrects_nor_deletes() -> None:
    async with open_shop(("east",), maps=("old", "settings")) as world:
        east = world.sims["east"]
        east.faults.switch("stale_lists")
        await world.hub.delete(CONFIGMAPS, "shop", "old")
        await world.until(lambda: world.names_on("hub") == ["settings"], "released", 60)
        await world.hub.apply(CONFIGMAPS, make_configmap("new"))
        await world.until(lambda: world.names_on("east") == ["new", "settings"], "synced")
        began = world.now()
        east.faults.switch("compact")
        east.faults.switch("cut_watches")
        await anyio.sleep(300)
        assert world.writes(since=began) == []
        target = world.engine.supervisors["east"].target
        assert target
        assert target.kinds["configmaps"].informer.state.phase is Phase.STALE
        east.faults.switch("stale_lists", on=False)
        await anyio.sleep(120)

        assert world.writes(since=began) == []
        assert world.names_on("east") == ["new", "settings"]
        assert world.standing("east", name="new").state is SyncState.IN_SYNC


async def test_A4_a_restarted_engine_that_is_shown_an_old_deletion_deletes_nothing() -> None:
    async with open_shop(("east",)) as world:
        hub = world.sims["hub"]
        await world.stop()
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        past = hub.store.snapshot()
        await strip_finalizers(world, CONFIGMAPS, "settings")
        await world.hub.apply(CONFIGMAPS, make_configmap("settings", colour="of its successor"))
        world.start()
        successor = {"colour": "of its successor"}
        await world.until(lambda: world.data_on("east") == successor, "recreated", 60)
        await world.settle()
        await world.stop()
        began = world.now()

        show_the_past(hub, past)
        world.start()
        await anyio.sleep(120)
        assert world.deletions(since=began) == []
        hub.faults.switch("stale_lists", on=False)
        await anyio.sleep(120)

        assert world.deletions(since=began) == []
        assert world.data_on("east") == successor
        assert world.standing("east").state is SyncState.IN_SYNC


async def test_A5_recreated_in_one_gap_is_another_object() -> None:
    async with open_shop(("east",), maps=("one", "settings", "two")) as world:
        hub = world.sims["hub"]
        before = world.copy("east", CONFIGMAPS, "settings")
        hub.faults.switch("outage")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await strip_finalizers(world, CONFIGMAPS, "settings")
        await world.hub.apply(CONFIGMAPS, make_configmap("settings", taste="sour"))
        hub.faults.switch("compact")
        await anyio.sleep(60)
        hub.faults.switch("outage", on=False)
        await world.until(lambda: world.data_on("east") == {"taste": "sour"}, "recreated", 60)
        await world.settle()

        after = world.copy("east", CONFIGMAPS, "settings")
        assert before
        assert after
        assert before["metadata"]["uid"] != after["metadata"]["uid"]
        assert len(world.deletions("east")) == 1
        assert world.creations("east", CONFIGMAPS, "settings") == 2
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]


async def test_A6_silence_of_watches_is_no_illness_and_ends_after_ninety_seconds() -> None:
    async with open_shop(("east",)) as world:
        await world.until(lambda: "SyncerAuthorized" in world.conditions("east"), "rights reviewed")
        ready = world.conditions("east")
        for sim in world.sims.values():
            sim.faults.switch("silent_watches")
        await world.paint("green")
        await world.clusters["east"].apply(
            CONFIGMAPS, make_configmap(colour="of nobody's desired state"), manager="stranger"
        )
        await anyio.sleep(60)
        for sim in world.sims.values():
            sim.faults.switch("silent_watches", on=False)
        took = await world.until(lambda: world.data_on("east") == {"colour": "green"}, within_s=40)

        assert took <= 35
        assert world.conditions("east") == ready
        assert ready["Ready"] == "True OK"


async def test_A6_connections_that_died_unnoticed_are_opened_anew() -> None:
    async with open_shop(("east",)) as world:
        for name in world.sims:
            world.dead_before[name] = world.now()
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, within_s=95)

        assert world.conditions("east")["Ready"] == "True OK"
        assert world.creations("east", CONFIGMAPS, "settings") == 1


@pytest.mark.thorough
async def test_A7_without_bookmarks_quiet_hours_cost_one_list_at_most() -> None:
    async with open_shop(("east",)) as world:
        for sim in world.sims.values():
            sim.faults.switch("no_bookmarks")
        for _ in range(3):
            await world.hub.apply(DEPLOYMENTS, make_deployment("noise", namespace="default"))
            await anyio.sleep(3600)
            world.sims["hub"].faults.switch("compact")
            await world.hub.delete(DEPLOYMENTS, "default", "noise")
        began = world.now()
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, within_s=95)

        assert len(world.lists("hub", CONFIGMAPS, began)) <= 1
        assert world.deletions("east") == []


async def test_A7_with_bookmarks_a_compacted_history_costs_no_list() -> None:
    # Without Leases the hub is quiet between the last bookmark and the end of its history.
    async with open_shop(("east",), leases=False) as world:
        began = world.now()
        for number in range(20):  # of another kind, but all kinds share one sequence of versions
            await world.hub.apply(DEPLOYMENTS, make_deployment(f"noise-{number}", 1, "default"))
        await anyio.sleep(130)
        world.sims["hub"].faults.switch("compact")
        world.sims["hub"].faults.switch("cut_watches")
        await anyio.sleep(10)
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"})

        assert world.lists("hub", CONFIGMAPS, began) == []


async def test_A8_servers_that_cannot_stream_lists_are_served_as_well() -> None:
    async with open_stage(("east",)) as world:
        for sim in world.sims.values():
            sim.faults.switch("refuse_watch_list")
            sim.faults.switch("no_initial_end")
        await world.restart()
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())

        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, within_s=30)


async def test_A9_disordered_events_change_nothing_that_is_true() -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:
        for sim in world.sims.values():
            sim.faults.switch("disorder", disorder_share=1.0)
        for number in range(30):
            await world.paint(f"shade {number}")
            await anyio.sleep(0.3)
        await world.hub.delete(CONFIGMAPS, "shop", "other")
        await world.until(lambda: world.names_on("hub") == ["settings"], "released", 60)
        await world.settle()

        assert world.data_on("east") == {"colour": "shade 29"}
        assert world.creations("east", CONFIGMAPS, "settings") == 1
        assert len(world.deletions("east")) == 1
        await world.rest()


async def test_A11_an_empty_list_of_the_hub_deletes_nothing() -> None:
    maps = tuple(f"map-{number:02}" for number in range(20))
    async with open_shop(("east",), maps=maps) as world:
        hub = world.sims["hub"]
        hub.faults.switch("empty_lists", empty_resource="configmaps")
        hub.faults.switch("compact")
        hub.faults.switch("cut_watches")
        await anyio.sleep(300)
        assert world.deletions() == []

        hub.faults.switch("empty_lists", on=False)
        hub.faults.switch("compact")
        hub.faults.switch("cut_watches")
        await anyio.sleep(120)
        assert world.deletions() == []
        assert world.names_on("east") == list(maps)
        await world.hub.patch(CONFIGMAPS, "shop", "map-07", {"data": {"colour": "red"}})
        await world.until(lambda: world.data_on("east", "map-07")["colour"] == "red", within_s=60)


async def test_A11_an_empty_list_of_a_cluster_makes_no_second_copies() -> None:
    async with open_shop(("east",), maps=("one", "settings", "two")) as world:
        east = world.sims["east"]
        east.faults.switch("empty_lists", empty_resource="configmaps")
        east.faults.switch("compact")
        east.faults.switch("cut_watches")
        await anyio.sleep(120)
        east.faults.switch("empty_lists", on=False)
        await anyio.sleep(120)

        for name in ("one", "settings", "two"):
            assert world.creations("east", CONFIGMAPS, name) == 1
            assert world.standing("east", name=name).state is SyncState.IN_SYNC
        assert world.deletions() == []
        await world.rest()


async def test_A11_a_restart_into_empty_lists_deletes_nothing() -> None:
    maps = tuple(f"map-{number:02}" for number in range(20))
    async with open_shop(("east",), maps=maps) as world:
        world.sims["hub"].faults.switch("empty_lists", empty_resource="configmaps")
        await world.restart()
        await anyio.sleep(300)

        assert world.deletions() == []
        assert world.names_on("east") == list(maps)


async def test_A12_a_slow_cluster_gets_the_last_of_many_changes_and_few_writes() -> None:
    maps = tuple(f"map-{number:02}" for number in range(20))
    async with open_shop(("east",), maps=maps) as world:
        world.sims["east"].faults.switch("latency", latency_s=1.0, jitter_s=0.0)
        began = world.now()
        for number in range(50):
            for name in maps:
                await world.paint(f"shade {number}", name)
            await anyio.sleep(0.02)
        await world.until(
            lambda: all(world.data_on("east", name)["colour"] == "shade 49" for name in maps),
            "the last change",
            60,
        )

        assert len(world.writes("east", began)) <= 4 * len(maps)


async def test_A12_a_slow_list_delays_only_the_kind_that_is_listed() -> None:
    async with open_stage(("east", "west")) as world:
        world.sims["east"].faults.switch("slow_list", slow_list_s=25.0)
        await world.restart()
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())

        await world.until(lambda: bool(world.data_on("west")), "west", 5)
        await world.until(lambda: bool(world.data_on("east")), "east", 120)


async def test_A13_watches_that_end_at_once_are_not_opened_in_a_hurry() -> None:
    async with open_shop(("east",)) as world:
        for sim in world.sims.values():
            sim.faults.switch("short_watches")
            sim.faults.switch("cut_watches")
        await anyio.sleep(120)
        began = world.now()
        await anyio.sleep(600)
        for name in world.sims:
            assert len(world.watches(name, CONFIGMAPS, began)) <= 600 / 30 + 1
        await world.paint("green")
        for sim in world.sims.values():
            sim.faults.switch("short_watches", on=False)

        await world.until(lambda: world.data_on("east") == {"colour": "green"}, within_s=65)
        assert world.deletions() == []
