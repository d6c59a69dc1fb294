"""H: what several clusters mean together: old desired states, old reports and user mistakes."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.faults.stage import Stage, open_shop, open_stage
from tests.simulation.loop import virtual_wall
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.records import SyncState, TargetRecord, TargetState
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.names.times import rfc3339

pytestmark = pytest.mark.anyio

MANY = tuple(f"map-{number:02}" for number in range(20))


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_H5_after_a_partition_only_the_newest_desired_state_is_executed(side: str) -> None:
    async with open_shop(("east", "west")) as world:
        world.sims[side].faults.switch("outage")
        for number in range(5):
            await world.hub.patch(
                CONFIGMAPS, "shop", "settings", {"data": {"colour": f"shade {number}"}}
            )
            await anyio.sleep(20)
        began = world.now()
        world.sims[side].faults.switch("outage", on=False)
        await world.until(lambda: world.data_on("east") == {"colour": "shade 4"}, "newest", 60)
        await world.settle()

        changes = [one for one in world.committed if one.cluster == "east" and one.at >= began]
        colours = [one.new["data"]["colour"] for one in changes if _is_settings(one) and one.new]
        assert colours == ["shade 4"]


async def test_H5_an_edit_that_was_undone_during_a_partition_is_not_executed() -> None:
    async with open_shop(("east",)) as world:
        world.sims["east"].faults.switch("outage")
        for colour in ("red", "blue"):
            await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": colour}})
            await anyio.sleep(60)
        began = world.now()
        world.sims["east"].faults.switch("outage", on=False)
        await anyio.sleep(120)

        changes = [one for one in world.committed if one.cluster == "east" and one.at >= began]
        assert [one for one in changes if _is_settings(one)] == []
        assert world.standing("east").state is SyncState.IN_SYNC


async def test_H6_a_report_of_an_old_generation_does_not_count_as_observed() -> None:
    async with open_shop(("east", "west")) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: _observed(world) == _generation(world), "observed", 30)
        before = _observed(world)
        world.sims["east"].faults.switch("outage")
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 3}})
        await world.until(lambda: _replicas(world, "west") == 3, "west")
        await anyio.sleep(60)
        assert _observed(world) == before
        world.sims["east"].faults.switch("outage", on=False)
        # Not just one more: an API server also counts a changed annotation of a Deployment.
        await world.until(lambda: _observed(world) == _generation(world), "observed by both", 60)

        seen = [one.new["status"].get("observedGeneration", 0) for one in _statuses(world)]
        assert seen == sorted(seen)


async def test_H7_two_clusters_that_report_differently_are_one_steady_status() -> None:
    async with open_shop(("east", "west")) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: _ready(world) == 4, "four", 30)
        await anyio.sleep(30)
        before = len(_statuses(world))
        for _ in range(5):
            await _report(world, "east", {"readyReplicas": 1, "availableReplicas": 1})
            await anyio.sleep(2)
        await anyio.sleep(60)

        assert _ready(world) in (3, 4)
        assert len(_statuses(world)) - before <= 10
        await world.rest()


async def test_H8_a_selector_that_suddenly_selects_nothing_empties_no_fleet() -> None:
    async with open_shop(("east", "west"), maps=MANY) as world:
        typo = {"spec": {"namespaceSelector": {"matchLabels": {"app": "shpo"}}}}
        await world.hub.patch(PLACEMENTS, "", "shop", typo)
        await anyio.sleep(590)
        for name in ("east", "west"):
            assert len(world.names_on(name)) == 20
        held = {str(r.name): r.deletes_held for r in await world.records(TargetRecord)}
        assert held == {"east": 0, "west": 0}
        right = {"spec": {"namespaceSelector": {"matchLabels": {"app": "shop"}}}}
        await world.hub.patch(PLACEMENTS, "", "shop", right)

        await world.until(lambda: len(world.names_on("east")) == 20, "all back", 120)
        await world.until(lambda: len(world.names_on("west")) == 20, "all back", 120)


async def test_H8_a_placement_without_locations_empties_no_fleet() -> None:
    async with open_shop(("east", "west"), maps=MANY) as world:
        nowhere = {"spec": {"locationSelectors": [{"matchLabels": {"no": "such"}}]}}
        await world.hub.patch(PLACEMENTS, "", "shop", nowhere)
        await anyio.sleep(590)

        assert len(world.names_on("east")) + len(world.names_on("west")) >= 20


async def test_H9_another_cluster_registered_anew_is_another_target() -> None:
    async with open_shop(("east", "west")) as world:
        before = await world.hub.user.get(SYNC_TARGETS, ObjectKey("", "east"))
        world.replace_cluster("east")
        await anyio.sleep(60)
        record = next(r for r in await world.records(TargetRecord) if r.name == "east")
        assert record.state is TargetState.REFUSED
        assert world.names_on("east") == []

        await world.hub.delete(SYNC_TARGETS, "", "east")
        await anyio.sleep(10)
        body = before.decode()
        anew: Json = {"metadata": {"name": "east", "labels": body["metadata"].get("labels", {})}}
        await world.hub.apply(SYNC_TARGETS, {**anew, "spec": body.get("spec", {})})
        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "serves", 120)
        await world.settle()

        after = await world.hub.user.get(SYNC_TARGETS, ObjectKey("", "east"))
        assert after.uid != before.uid
        kube_system = world.copy("east", NAMESPACES, "kube-system", "")
        assert kube_system
        uid = after.decode()["metadata"]["annotations"]["syncer.kcp.io/cluster-uid"]
        assert uid == kube_system["metadata"]["uid"]
        assert world.deletions() == []


async def test_H4_a_drain_goes_on_after_a_restart() -> None:
    async with open_stage(("east", "west")) as world:
        await place_everywhere(world)
        for name in MANY:
            await world.hub.apply(CONFIGMAPS, make_configmap(name))
        await world.until(lambda: len(world.names_on("east")) == 20, "placed")
        drain = {"spec": {"unschedulable": True, "evictAfter": rfc3339(virtual_wall())}}
        world.sims["east"].faults.switch("latency", latency_s=0.3, jitter_s=0.0)
        await world.hub.patch(SYNC_TARGETS, "", "east", drain)
        await world.until(lambda: len(world.names_on("east")) < 20, "begun", 60)
        await world.restart()

        await world.until(lambda: world.names_on("east") == [], "drained", 120)
        assert len(world.names_on("west")) == 20


def _is_settings(one: Any) -> bool:
    return bool(one.kind == "configmaps" and one.name == "shop/settings")


def _statuses(world: Stage) -> list[Any]:
    return [
        one
        for one in world.committed
        if one.cluster == "hub" and one.kind == DEPLOYMENTS.id and one.new and one.by_engine
        if one.new.get("status")
    ]


def _status(world: Stage, cluster: str = "hub") -> Json:
    tree = world.copy(cluster, DEPLOYMENTS, "web") or {}
    return dict(tree.get("status") or {})


def _observed(world: Stage) -> int:
    return int(_status(world).get("observedGeneration", 0))


def _generation(world: Stage) -> int:
    return int(
        (world.copy("hub", DEPLOYMENTS, "web") or {"metadata": {}})["metadata"]["generation"]
    )


def _ready(world: Stage) -> int:
    return int(_status(world).get("readyReplicas", 0))


def _replicas(world: Stage, cluster: str) -> int:
    tree = world.copy(cluster, DEPLOYMENTS, "web")
    return int(tree["spec"]["replicas"]) if tree else 0


async def _report(world: Stage, cluster: str, status: Json) -> None:
    await world.clusters[cluster].user.merge_patch(
        DEPLOYMENTS,
        ObjectKey("shop", "web"),
        {"status": status},
        manager="operator",
        subresource="status",
    )
