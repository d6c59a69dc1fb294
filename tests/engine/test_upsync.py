"""What targets own comes up to the hub, is kept equal, and goes when it goes on the target."""

from __future__ import annotations

from typing import Any

from tests.engine.asking import ask, target_record, tell
from tests.engine.upsyncing import (
    CALM,
    PODS,
    above,
    audited,
    forget_all,
    hub_writes,
    make_pod,
    pod_below,
    record_of,
    until_above,
    until_gone,
)
from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.test_one_object import key_of_target
from tests.world.world import (
    NAMESPACES,
    SYNC_TARGETS,
    World,
    place_everywhere,
)
from tmcconsole.contract.commands import ShowObject, Text, Why
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import finalizers_of, labels_of
from tmcconsole.sync.names.markers import (
    FINALIZER,
    STATE,
    UPSYNCED,
)


def test_a_pod_that_a_target_owns_comes_up_with_its_status_and_a_stamp() -> None:
    async def story(world: World) -> None:
        key = await pod_below(world)

        found = await until_above(world, PODS, "worker")
        below = await world.clusters["east"].get(PODS, "shop", "worker")

        assert below is not None
        assert found["spec"]["containers"][0]["image"] == "registry.example/web:1"
        assert FINALIZER + key in finalizers_of(found)
        assert labels_of(found) == {"app": "worker", STATE + key: "Upsync", UPSYNCED: key}

        async def same_status() -> bool:
            up = await above(world, PODS, "worker")
            down = await world.clusters["east"].get(PODS, "shop", "worker")
            assert up is not None
            assert down is not None
            return bool(up.get("status")) and up["status"] == down["status"]

        await world.eventually(same_status, "the pod's status is the hub's")

    tell(story, "east")


def test_at_rest_nothing_is_written_and_without_memory_neither() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        await until_above(world, PODS, "worker")
        await world.engine.runtime.sleep(60)
        before = hub_writes(world)

        await world.engine.runtime.sleep(60)
        assert hub_writes(world) == before

        forget_all(world)
        await world.engine.runtime.sleep(60)
        assert hub_writes(world) == before

    tell(story, "east", **CALM)


def test_a_change_on_the_target_comes_up_and_one_in_the_hub_is_taken_back() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        await until_above(world, PODS, "worker")
        label = {"metadata": {"labels": {"app": "painted"}}}
        await world.clusters["east"].patch(PODS, "shop", "worker", label)

        async def is_painted() -> bool:
            found = await above(world, PODS, "worker")
            return found is not None and labels_of(found)["app"] == "painted"

        await world.eventually(is_painted, "the change is in the hub")
        await world.settle()
        await world.hub.patch(PODS, "shop", "worker", {"metadata": {"labels": {"app": "theirs"}}})
        await world.eventually(is_painted, "the target's word counts")

    tell(story, "east")


def test_what_goes_on_the_target_goes_in_the_hub_after_an_audit_line() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        await until_above(world, PODS, "worker")
        await world.clusters["east"].delete(PODS, "shop", "worker")

        await until_gone(world, PODS, "worker")

        assert "delete-upsynced" in audited(world)

    tell(story, "east")


def test_what_no_longer_carries_the_labels_goes_in_the_hub_and_stays_on_the_target() -> None:
    async def story(world: World) -> None:
        key = await pod_below(world)
        await until_above(world, PODS, "worker")
        off = {"metadata": {"labels": {STATE + key: None}}}
        await world.clusters["east"].patch(PODS, "shop", "worker", off)

        await until_gone(world, PODS, "worker")

        assert await world.clusters["east"].get(PODS, "shop", "worker") is not None

    tell(story, "east")


def test_what_is_deleted_in_the_hub_does_not_hang_and_the_target_keeps_its_own() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        first = await until_above(world, PODS, "worker")
        below = await world.clusters["east"].get(PODS, "shop", "worker")
        await world.hub.delete(PODS, "shop", "worker")

        async def another() -> bool:
            found = await above(world, PODS, "worker")
            return found is not None and found["metadata"]["uid"] != first["metadata"]["uid"]

        await world.eventually(another, "what the target has is shown again")
        after = await world.clusters["east"].get(PODS, "shop", "worker")
        assert after is not None
        assert below is not None
        assert after["metadata"]["uid"] == below["metadata"]["uid"]

    tell(story, "east")


def test_an_object_made_anew_on_the_target_is_made_anew_in_the_hub() -> None:
    async def story(world: World) -> None:
        key = await pod_below(world)
        first = await until_above(world, PODS, "worker")
        await world.clusters["east"].delete(PODS, "shop", "worker")

        async def gone_below() -> bool:
            return await world.clusters["east"].get(PODS, "shop", "worker") is None

        await world.eventually(gone_below, "gone below", 60)
        await world.clusters["east"].apply(PODS, make_pod(key))

        async def another() -> bool:
            found = await above(world, PODS, "worker")
            return found is not None and found["metadata"]["uid"] != first["metadata"]["uid"]

        await world.eventually(another, "another object in the hub", 60)

    tell(story, "east")


def test_a_foreign_object_in_the_hub_is_never_touched() -> None:
    async def story(world: World) -> None:
        theirs = {
            "metadata": {"name": "worker", "namespace": "shop"},
            "spec": {"containers": [{"name": "theirs", "image": "theirs"}]},
        }
        await world.hub.apply(PODS, theirs)
        await pod_below(world)
        await world.settle()

        record = await record_of(world, "up:pods/shop/worker")
        found = await above(world, PODS, "worker")

        assert record is not None
        assert [cell.state for cell in record.cells] == [SyncState.COLLISION]
        assert found is not None
        assert found["spec"]["containers"][0]["name"] == "theirs"
        assert UPSYNCED not in labels_of(found)

    tell(story, "east")


def test_a_target_that_does_not_answer_loses_nothing_in_the_hub() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        await until_above(world, PODS, "worker")
        sim = world.clusters["east"].sim
        assert sim is not None
        sim.faults.switch("blackhole")
        await world.engine.runtime.sleep(300)

        assert await above(world, PODS, "worker") is not None
        sim.faults.clear()

    tell(story, "east")


def test_a_deleted_sync_target_takes_what_it_owned_from_the_hub_and_audits_it() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        await until_above(world, PODS, "worker")
        await world.hub.delete(SYNC_TARGETS, "", "east")

        await until_gone(world, PODS, "worker")

        assert await world.clusters["east"].get(PODS, "shop", "worker") is not None
        assert "delete-upsynced" in audited(world)

    tell(story, "east")


def test_a_mass_loss_on_the_target_is_held_and_an_operator_lets_it_pass() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        names = [f"worker-{number:02}" for number in range(12)]
        for name in names:
            await world.clusters["east"].apply(PODS, make_pod(key, name))
        for name in names:
            await until_above(world, PODS, name)
        for name in names:
            await world.clusters["east"].delete(PODS, "shop", name)
        await world.engine.runtime.sleep(120)

        left = [name for name in names if await above(world, PODS, name) is not None]
        assert left

        notes = {"syncer.kcp.io/allow-deletes": "2099-01-01T00:00:00Z"}
        until = {"metadata": {"annotations": notes}}
        await world.hub.patch(SYNC_TARGETS, "", "east", until)
        for name in names:
            await until_gone(world, PODS, name)

    tell(story, "east", brake_deletes=0)


def test_what_is_not_placed_here_stays_down() -> None:
    async def main() -> None:
        async with open_virtual_world(("east",)) as world:
            await world.clusters["east"].apply(
                NAMESPACES,
                {"metadata": {"name": "shop"}},
            )
            await world.hub.apply(
                NAMESPACES,
                {"metadata": {"name": "shop"}},
            )

            async def connected() -> Any:
                session = world.engine.session
                return session and session.shared.targets

            await world.eventually(connected, "connected")
            await pod_below(world)
            await world.settle()

            record = await record_of(world, "up:pods/shop/worker")
            assert record is not None
            assert [str(cell.reason) for cell in record.cells] == ["NotPlaced"]
            await place_everywhere(world, "shop")
            await until_above(world, PODS, "worker")

    in_virtual_time(main)


def test_why_says_who_owns_it_and_the_target_counts_it_apart_from_copies() -> None:
    async def story(world: World) -> None:
        await pod_below(world)
        await until_above(world, PODS, "worker")
        await world.settle()

        told = await ask(world, Why(key="up:pods/shop/worker"))
        there = await ask(world, ShowObject(key="up:pods/shop/worker", target="east"))
        target = await target_record(world, "east")

        assert isinstance(told, Text)
        assert "owner      east" in told.body
        assert "in sync: upsync" in told.body
        assert isinstance(there, Text)
        assert "registry.example/web:1" in there.body
        assert (target.upsynced, target.upsync_failed, target.objects) == (1, 0, 1)

    tell(story, "east")
