"""Which objects go up, in which form: volumes, endpoints, Secrets by name, and diffs."""

from __future__ import annotations

import orjson
import pytest

from tests.engine.asking import tell
from tests.engine.upsyncing import (
    ENDPOINTS,
    PODS,
    SERVICES,
    VOLUMES,
    above,
    pod_below,
    record_of,
    until_above,
    until_gone,
    up_labels,
)
from tests.test_one_object import key_of_target
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    SECRETS,
    World,
    make_deployment,
)
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.identity import Locator
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DERIVED,
    LOCATOR,
    UPSYNC_DIFF,
)


@pytest.mark.parametrize("place", ["/metadata/labels/x", "/apiVersion", "/kind", ""])
def test_a_diff_that_touches_what_it_must_not_keeps_the_object_down(place: str) -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        diff = orjson.dumps([{"op": "add", "path": place, "value": "x"}]).decode()
        await pod_below(world, **{UPSYNC_DIFF + key: diff})
        await world.settle()

        record = await record_of(world, "up:pods/shop/worker")

        assert record is not None
        assert [str(cell.reason) for cell in record.cells] == ["UpsyncDiffInvalid"]
        assert await above(world, PODS, "worker") is None

    tell(story, "east")


def test_a_diff_shapes_what_the_hub_has() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        diff = [{"op": "add", "path": "/spec/hostname", "value": "metadata"}]
        await pod_below(world, **{UPSYNC_DIFF + key: orjson.dumps(diff).decode()})

        found = await until_above(world, PODS, "worker")

        assert found["spec"]["hostname"] == "metadata"

    tell(story, "east")


def make_volume(labels: dict[str, str], notes: dict[str, str]) -> Json:
    return {
        "metadata": {"name": "disk", "labels": labels, "annotations": notes},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/simulated/disk"},
            "storageClassName": "plain",
        },
    }


def locator(world: World, cluster: str) -> str:
    session = world.engine.session
    assert session is not None
    target = session.shared.targets[key_of_target(world, cluster)]
    return target.names.locator("").to_json()


def test_a_volume_comes_up_with_a_locator_of_its_own() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        notes = {LOCATOR: locator(world, "east")}
        await world.clusters["east"].apply(VOLUMES, make_volume(up_labels(key), notes))

        found = await until_above(world, VOLUMES, "disk", "")

        assert found["spec"]["capacity"] == {"storage": "1Gi"}
        assert LOCATOR not in annotations_of(found)

    tell(story, "east")


@pytest.mark.parametrize("of_another", [True, False])
def test_a_volume_without_a_locator_of_this_target_stays_down(of_another: bool) -> None:
    async def story(world: World) -> None:
        other = Locator.from_json(locator(world, "west")).to_json()
        key = key_of_target(world, "east")
        notes = {LOCATOR: other} if of_another else {}
        await world.clusters["east"].apply(VOLUMES, make_volume(up_labels(key), notes))
        await world.settle()

        record = await record_of(world, "up:persistentvolumes/disk")

        assert await above(world, VOLUMES, "disk", "") is None
        assert record is not None
        assert [str(cell.reason) for cell in record.cells] == ["LocatorMissing"]

    tell(story)


def make_service(name: str, **notes: str) -> Json:
    return {
        "metadata": {"name": name, "namespace": "shop", "annotations": notes},
        "spec": {"ports": [{"port": 80, "name": "http"}]},
    }


def make_endpoints(name: str, key: str) -> Json:
    """Make them as a cluster's own controller does: with the labels of the Service."""
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": {CLUSTER: key}},
        "subsets": [{"addresses": [{"ip": "10.0.0.7"}], "ports": [{"port": 80, "name": "http"}]}],
    }


def test_only_the_endpoints_of_a_service_that_asks_for_it_come_up() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        await world.hub.apply(SERVICES, make_service("asking", **{DERIVED: "other, endpoints"}))
        await world.hub.apply(SERVICES, make_service("silent"))
        for name in ("asking", "silent"):
            await world.on("east", SERVICES, "shop", name)
            await world.clusters["east"].apply(ENDPOINTS, make_endpoints(name, key))

        found = await until_above(world, ENDPOINTS, "asking")
        await world.settle()

        assert found["subsets"][0]["addresses"] == [{"ip": "10.0.0.7"}]
        assert await above(world, ENDPOINTS, "silent") is None

        off = {"metadata": {"annotations": {DERIVED: None}}}
        await world.hub.patch(SERVICES, "shop", "asking", off)
        await until_gone(world, ENDPOINTS, "asking")

    tell(story, "east")


def test_a_secret_that_an_operator_made_comes_up_by_name_and_no_other_one_does() -> None:
    async def story(world: World) -> None:
        for name in ("database", "other"):
            secret = {"metadata": {"name": name, "namespace": "shop"}, "data": {"key": "c2VjcmV0"}}
            await world.clusters["east"].apply(SECRETS, secret, manager="operator")

        found = await until_above(world, SECRETS, "database")

        assert found["data"] == {"key": "c2VjcmV0"}
        assert await above(world, SECRETS, "other") is None

    tell(story, "east", upsync_secrets=("shop/database",))


def test_with_pods_on_the_pods_of_a_synced_deployment_come_up() -> None:
    async def story(world: World) -> None:
        await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=2))

        async def two() -> bool:
            assert world.hub.sim is not None
            return len(list(world.hub.sim.store.items("pods"))) == 2

        await world.eventually(two, "two pods in the hub", 60)

    tell(story, "east", upsync_pods=True)


@pytest.mark.parametrize("kinds", [(), ("configmaps",)])
def test_only_kinds_of_the_settings_go_up(kinds: tuple[str, ...]) -> None:
    async def story(world: World) -> None:
        key = await pod_below(world)
        tree: Json = {
            "metadata": {"name": "report", "namespace": "shop", "labels": up_labels(key)},
            "data": {"a": "b"},
        }
        await world.clusters["east"].apply(CONFIGMAPS, tree)
        await world.engine.runtime.sleep(5)

        assert await above(world, PODS, "worker") is None
        assert (await above(world, CONFIGMAPS, "report") is not None) == bool(kinds)

    tell(story, "east", upsync_kinds=kinds)
