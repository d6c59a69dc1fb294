"""kcp's end-to-end scenarios of scheduling, under the names they have there.

Not here: TestSchedulingOnSupportedAPI, TestRootComputeWorkspace, TestSyncTargetExport and
TestMultipleExports rest on APIExports and APIBindings, which are served by kcp itself; of
TestSyncTargetLocalExport the last step is, where scaling reaches the cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tests.scenarios.workspaces import (
    CRDS,
    LOCATIONS,
    SERVICES,
    WIDGETS,
    Stage,
    below,
    connected,
    key_of,
    make_crd,
    make_location,
    on_both_hubs,
    play,
    play_in,
    select,
    space,
    until,
    until_below,
    until_gone_below,
)
from tests.world.world import (
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    World,
    let_go,
    make_deployment,
    place_everywhere,
)
from tmcconsole.kube.objects import Json, Kind, annotations_of, condition_of, labels_of
from tmcconsole.placement.report import NAMESPACE_SCHEDULED
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DELETION,
    PLACED,
    SOFT_FINALIZER,
    SPEC_DIFF,
    STATE,
    UPSYNC_RV,
)

PODS = Kind("", "v1", "pods", "Pod")
PAST = "2020-01-01T00:00:00Z"


async def make_namespace(world: World, name: str = "shop", **labels: str) -> None:
    await world.hub.apply(NAMESPACES, {"metadata": {"name": name, "labels": labels}})


def make_service(name: str = "front") -> Json:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"ports": [{"port": 80, "name": "http", "protocol": "TCP"}]},
    }


def namespace_says(world: World, status: str, reason: str = "") -> Callable[[], Any]:
    async def claim() -> bool:
        found = condition_of(await tree_of(world, NAMESPACES, "shop"), NAMESPACE_SCHEDULED)
        told = (found or {}).get("status"), (found or {}).get("reason", "")
        return told == (status, reason)

    return claim


def phase_is(world: World, placement: str, phase: str) -> Callable[[], Any]:
    async def claim() -> bool:
        tree = await tree_of(world, PLACEMENTS, placement)
        return bool((tree.get("status") or {}).get("phase") == phase)

    return claim


async def tree_of(world: World, kind: Kind, name: str) -> Json:
    found = await world.hub.get(kind, "", name)
    assert found is not None
    return found


@on_both_hubs
def test_TestNamespaceScheduler_no_target_then_one_then_an_evicted_one(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await make_namespace(world, app="shop")
        locations = {"region": "nowhere"}
        await world.hub.apply(LOCATIONS, make_location("nowhere", **locations))
        await select(world, "shop", locations, app="shop")
        await until(world, namespace_says(world, "False", "Unschedulable"), "unschedulable")

        label = {"metadata": {"labels": {"region": "nowhere"}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", label)
        await until(world, namespace_says(world, "True"), "scheduled")
        assert STATE + key_of(world, "east") in labels_of(await tree_of(world, NAMESPACES, "shop"))

        await world.hub.patch(SYNC_TARGETS, "", "east", {"spec": {"evictAfter": PAST}})
        await until(world, namespace_says(world, "False", "Unschedulable"), "evicted")

        async def unlabelled() -> bool:
            labels = labels_of(await tree_of(world, NAMESPACES, "shop"))
            return STATE + key_of(world, "east") not in labels

        await until(world, unlabelled, "the label goes after its grace")

    play(story, hub)


@on_both_hubs
def test_TestNamespaceScheduler_a_kind_removed_and_added_again_is_scheduled_again(
    hub: str,
) -> None:
    async def story(world: World) -> None:
        sides = (world.hub, *world.clusters.values())
        definition = make_crd("example.com", "widgets", "Widget")
        for side in sides:
            await side.apply(CRDS, definition)
        await place_everywhere(world)
        await connected(world)
        gear: Json = {"metadata": {"name": "gear", "namespace": "shop"}, "spec": {"teeth": 12}}
        await world.hub.apply(WIDGETS, gear)
        await until_below(world, "east", WIDGETS, "gear")
        await world.hub.patch(WIDGETS, "shop", "gear", {"metadata": {"finalizers": None}})
        await world.hub.delete(CRDS, "", "widgets.example.com")

        async def gone() -> bool:
            found = await world.hub.get(WIDGETS, "shop", "gear")
            if found is not None and found["metadata"].get("finalizers"):
                off = {"metadata": {"finalizers": None}}
                await world.hub.patch(WIDGETS, "shop", "gear", off)
            return await world.hub.get(CRDS, "", "widgets.example.com") is None

        await until(world, gone, "the definition is gone")
        await world.hub.apply(CRDS, definition)
        gear["metadata"]["name"] = "wheel"
        await world.hub.apply(WIDGETS, gear)

        await until_below(world, "east", WIDGETS, "wheel")

    play(story, hub)


def test_TestScheduling_two_workspaces_share_a_target_and_locations_count_it() -> None:
    async def story(stage: Stage) -> None:
        for name, world in stage.workspaces.items():
            await make_namespace(world, app="shop")
            await select(world, "shop", app="shop")
            await world.hub.apply(SERVICES, make_service(name))
            await connected(world)
        for name, world in stage.workspaces.items():
            copy = await until_below(world, "east", SERVICES, name)
            assert labels_of(copy)[CLUSTER] == key_of(world, "east")
            assert annotations_of(await tree_of(world, NAMESPACES, "shop"))[PLACED] == ""

            async def counted(world: World = world) -> bool:
                status = (await tree_of(world, LOCATIONS, "default")).get("status")
                return bool(status == {"instances": 1, "availableInstances": 1})

            await until(world, counted, "one instance, available")
        red, blue = stage.workspaces.values()
        assert space(red, "east") != space(blue, "east")

    play_in(story, ("red", "blue"))


@on_both_hubs
def test_TestSchedulingWhenLocationIsMissing_the_placement_waits_for_it(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await make_namespace(world, app="shop")
        await select(world, "shop", {"region": "east"}, app="shop")
        await until(world, phase_is(world, "shop", "Pending"), "pending")

        await world.hub.apply(LOCATIONS, make_location("easterly", region="east"))

        await until(world, phase_is(world, "shop", "Bound"), "bound")
        ready = condition_of(await tree_of(world, PLACEMENTS, "shop"), "Ready")
        assert ready is not None
        assert ready["status"] == "True"

    play(story, hub)


@on_both_hubs
def test_TestMultiPlacement_two_placements_send_a_service_to_two_targets(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await make_namespace(world, app="shop")
        for name in ("east", "west"):
            await world.hub.apply(LOCATIONS, make_location(f"{name}erly", region=name))
            await select(world, name, {"region": name}, app="shop")
        await world.hub.apply(SERVICES, make_service())

        for name in ("east", "west"):
            await until_below(world, name, SERVICES, "front")

    play(story, hub, "east", "west")


@on_both_hubs
def test_TestPlacementUpdate_unselected_namespaces_leave_when_soft_finalizers_let_them(
    hub: str,
) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await make_namespace(world, app="shop")
        await select(world, "shop", app="shop")
        soft = SOFT_FINALIZER + key_of(world, "east")
        service = make_service()
        service["metadata"]["annotations"] = {soft: "drain"}
        await world.hub.apply(SERVICES, service)
        await until_below(world, "east", SERVICES, "front")

        await let_go(world.hub)  # kcp needs no such word: nothing replaces the copies
        await select(world, "shop", app="another")
        await until(world, phase_is(world, "shop", "Unbound"), "unbound")

        async def stamped() -> bool:
            found = await world.hub.get(SERVICES, "shop", "front")
            return found is not None and DELETION + key_of(world, "east") in annotations_of(found)

        await until(world, stamped, "stamped")
        await world.engine.runtime.sleep(30)
        assert await below(world, "east", SERVICES, "front") is not None

        off = {"metadata": {"annotations": {soft: None}}}
        await world.hub.patch(SERVICES, "shop", "front", off)
        await until_gone_below(world, "east", SERVICES, "front")

        await select(world, "shop", {"region": "nowhere"}, app="shop")
        await until(world, phase_is(world, "shop", "Pending"), "pending")
        await select(world, "new", app="shop")
        await until_below(world, "east", SERVICES, "front")

    play(story, hub)


@on_both_hubs
def test_TestUpsyncedScheduling_silence_keeps_what_is_upsynced_and_the_targets_end_takes_it(
    hub: str,
) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=2))
        await connected(world)
        assert world.hub.sim is not None
        store = world.hub.sim.store

        async def two_whole() -> bool:
            found = [stored.tree() for stored in store.items("pods")]
            return len(found) == 2 and all(UPSYNC_RV in annotations_of(one) for one in found)

        await until(world, two_whole, "two pods in the hub")
        sim = world.clusters["east"].sim
        assert sim is not None
        sim.faults.switch("blackhole")

        async def not_ready() -> bool:
            found = condition_of(await tree_of(world, SYNC_TARGETS, "east"), "Ready")
            return found is not None and found["status"] == "False"

        await world.eventually(not_ready, "the target is not ready", 600)
        await world.engine.runtime.sleep(120)
        pods = [stored.tree() for stored in store.items("pods")]
        assert [labels_of(one)[STATE + key_of(world, "east")] for one in pods] == ["Upsync"] * 2
        assert not any(one["metadata"].get("deletionTimestamp") for one in pods)

        sim.faults.clear()
        await world.hub.delete(SYNC_TARGETS, "", "east")

        async def none() -> bool:
            return not store.items("pods")

        await until(world, none, "no pods in the hub")

    play(story, hub, "east", upsync_pods=True)


@on_both_hubs
def test_TestSyncTargetLocalExport_scaling_in_the_hub_reaches_the_cluster(hub: str) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=1))
        await connected(world)
        await until_below(world, "east", DEPLOYMENTS, "web")

        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 2}})

        async def scaled() -> bool:
            copy = await below(world, "east", DEPLOYMENTS, "web")
            return copy is not None and (copy.get("status") or {}).get("readyReplicas") == 2

        await until(world, scaled, "two replicas are ready")

    play(story, hub)


@on_both_hubs
def test_TestDeploymentCoordinator_each_target_runs_its_part_and_the_status_is_the_sum(
    hub: str,
) -> None:
    """As kcp's coordinator does it: a spec diff for each target, the remainder to the first."""

    async def story(world: World) -> None:
        await place_everywhere(world)
        await connected(world)
        first, second = sorted((key_of(world, name), name) for name in world.clusters)
        parts = {first[0]: 2, second[0]: 1}
        tree = make_deployment("web", replicas=3)
        tree["metadata"]["annotations"] = {
            SPEC_DIFF + key: orjson.dumps(
                [{"op": "replace", "path": "/replicas", "value": part}]
            ).decode()
            for key, part in parts.items()
        }
        await world.hub.apply(DEPLOYMENTS, tree)
        for key, name in (first, second):
            copy = await until_below(world, name, DEPLOYMENTS, "web")
            assert copy["spec"]["replicas"] == parts[key]

        async def summed() -> bool:
            found = await world.hub.get(DEPLOYMENTS, "shop", "web")
            return bool(found and (found.get("status") or {}).get("availableReplicas") == 3)

        await until(world, summed, "three replicas available together")

    play(story, hub, "east", "west")
