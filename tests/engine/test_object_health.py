"""The health of an object is that of its worst copy, each judged by its own status."""

from __future__ import annotations

import anyio
import pytest

from tests.engine.test_status import assign
from tests.engine.virtual import in_virtual_time
from tests.faults.definitions import WIDGETS, define_reporting, make_widget
from tests.faults.stage import KINDS, Stage, open_stage
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.commands import Why
from tmcconsole.contract.records import Cell, Health, ObjectRecord, SyncState
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.objects import Json, Kind, ObjectKey

BOTH = (*KINDS, WIDGETS.id)


async def record_of(world: Stage, kind: Kind, name: str) -> ObjectRecord:
    found: list[ObjectRecord] = await world.records(ObjectRecord)
    return next(one for one in found if (one.resource, one.name) == (kind.id, name))


def cell_of(record: ObjectRecord, target: str) -> Cell:
    return next(cell for cell in record.cells if cell.target == target)


async def widget_on(world: Stage) -> None:
    """Get a widget onto every target."""
    for side in (world.hub, *world.clusters.values()):
        await side.apply(CRDS, define_reporting())
    await place_everywhere(world)
    await world.hub.apply(WIDGETS, make_widget())
    await world.until(
        lambda: all(world.copy(name, WIDGETS, "one") for name in world.clusters), "copies", 120
    )


async def says(world: Stage, target: str, ready: str, reason: str = "") -> None:
    condition = {"type": "Ready", "status": ready, "reason": reason}
    await world.clusters[target].user.merge_patch(
        WIDGETS,
        ObjectKey("shop", "one"),
        {"status": {"conditions": [condition]}},
        manager="operator",
        subresource="status",
    )


async def ready_everywhere(world: Stage) -> None:
    def so() -> bool:
        trees: list[Json] = [world.copy(name, DEPLOYMENTS, "web") or {} for name in world.clusters]
        return all((tree.get("status") or {}).get("readyReplicas") == 2 for tree in trees)

    await world.until(so, "ready everywhere", 60)
    await world.settle()


@pytest.mark.parametrize("mode", ["aggregate", "promote"])
def test_the_worst_copy_decides_and_is_named(mode: str) -> None:
    async def story() -> None:
        async with open_stage(("east", "west"), kinds_allow=BOTH, status=mode) as world:
            await widget_on(world)
            await says(world, "east", "True")
            await says(world, "west", "False", "Broken")
            await world.settle()

            record = await record_of(world, WIDGETS, "one")
            assert record.health is Health.UNHEALTHY
            assert (record.reason_target, record.reason) == ("west", "not Ready: Broken")
            assert record.summary.endswith("west: not Ready: Broken")
            assert cell_of(record, "east").health is Health.HEALTHY
            assert cell_of(record, "west").ready == "not Ready: Broken"
            reply = await world.engine.request(Why(key="widgets.example.com/shop/one"))
            assert "health     Unhealthy, by west: not Ready: Broken" in str(reply)

            await says(world, "west", "True")
            await world.settle()
            assert (await record_of(world, WIDGETS, "one")).health is Health.HEALTHY

    in_virtual_time(story)


@pytest.mark.parametrize("mode", ["aggregate", "promote"])
def test_the_summary_is_that_of_all_copies_together(mode: str) -> None:
    async def story() -> None:
        async with open_stage(("east", "west"), status=mode) as world:
            await place_everywhere(world)
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await ready_everywhere(world)

            record = await record_of(world, DEPLOYMENTS, "web")
            assert (record.health, record.summary) == (Health.HEALTHY, "4/4 ready")
            assert [cell.ready for cell in record.cells] == ["2/2 ready", "2/2 ready"]

    in_virtual_time(story)


def test_silence_counts_against_health_the_longer_the_more() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await ready_everywhere(world)
            record = await record_of(world, DEPLOYMENTS, "web")
            seen: dict[Health, ObjectRecord] = {record.health: record}
            world.sims["east"].faults.switch("outage")
            for _ in range(45):
                await anyio.sleep(10)
                record = await record_of(world, DEPLOYMENTS, "web")
                seen.setdefault(record.health, record)

            assert list(seen) == [
                Health.HEALTHY, Health.UNKNOWN, Health.DEGRADED, Health.UNHEALTHY,
            ]  # fmt: skip
            first, last = cell_of(seen[Health.UNKNOWN], "east"), cell_of(record, "east")
            assert (first.state, first.ready) == (SyncState.STALE, "2/2 ready, last known")
            assert first.heard_at == last.heard_at > 0
            assert last.told == "east does not respond; last known: 2/2 ready"
            assert cell_of(record, "west").health is Health.HEALTHY
            assert record.summary == f"4/4 ready; east: {last.told}"

            world.sims["east"].faults.switch("outage", on=False)
            await anyio.sleep(60)
            record = await record_of(world, DEPLOYMENTS, "web")
            assert (record.health, cell_of(record, "east").heard_at) == (Health.HEALTHY, 0.0)

    in_virtual_time(story)


def test_a_stranger_under_the_name_is_not_taken_for_a_copy() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap("first"))
            await world.until(lambda: world.names_on("east") == ["first"], "the namespace")
            await world.clusters["east"].apply(CONFIGMAPS, make_configmap(colour="red"))
            await world.hub.apply(CONFIGMAPS, make_configmap(colour="green"))
            await world.until(lambda: world.data_on("west") == {"colour": "green"}, "west")
            await world.settle()

            record = await record_of(world, CONFIGMAPS, "settings")
            assert cell_of(record, "east").state is SyncState.COLLISION
            assert (record.health, record.reason_target) == (Health.DEGRADED, "east")
            assert record.reason.startswith("missing: ")
            assert cell_of(record, "east").ready == ""
            assert cell_of(record, "west").health is Health.HEALTHY

    in_virtual_time(story)


def test_an_object_that_moves_is_not_ill() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await assign(world, "east", "west")
            await ready_everywhere(world)
            lingers = {"metadata": {"finalizers": ["a.example/b"]}}
            await world.clusters["east"].patch(DEPLOYMENTS, "shop", "web", lingers)
            await assign(world, "west")
            await anyio.sleep(30)

            record = await record_of(world, DEPLOYMENTS, "web")
            assert cell_of(record, "east").state is SyncState.DELETING
            assert cell_of(record, "east").told == "terminating"
            assert (record.health, record.summary) == (Health.HEALTHY, "2/2 ready")

    in_virtual_time(story)
