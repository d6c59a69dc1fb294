"""kcp's end-to-end scenarios of its syncer, under the names they have there.

Not here, because they need more than an engine: TestSyncerLifecycle's pod that talks back to the
workspace (a kubelet), TestSyncerTunnel and TestSyncerTunnelFilter (kcp's tunnel, and its policy on
who may create pods), TestDNSResolution (a name server per workspace; there is none here).
"""

from __future__ import annotations

from tests.scenarios.workspaces import (
    CRDS,
    SERVICES,
    VOLUMES,
    WIDGETS,
    Stage,
    below,
    connected,
    key_of,
    make_crd,
    on_both_hubs,
    play,
    play_in,
    space,
    until,
    until_below,
    until_gone_below,
)
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    SYNC_TARGETS,
    World,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.commands import (
    Accepted,
    AnyCommand,
    CordonTarget,
    DrainTarget,
    UncordonTarget,
)
from tmcconsole.kube.objects import Json, Kind, ObjectKey, annotations_of, finalizers_of, labels_of
from tmcconsole.placement.install import install
from tmcconsole.sync.names.identity import Locator
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DELETION,
    DERIVED,
    FINALIZER,
    LOCATOR,
    SOFT_FINALIZER,
    STATE,
)

ENDPOINTS = Kind("", "v1", "endpoints", "Endpoints")


async def mark(world: World, kind: Kind, name: str, meta: Json, namespace: str = "shop") -> None:
    await world.hub.patch(kind, namespace, name, {"metadata": meta})


@on_both_hubs
def test_TestSyncerLifecycle_a_deleted_copy_is_made_again(hub: str) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await connected(world)
        first = await until_below(world, "east", CONFIGMAPS, "settings")

        await world.clusters["east"].delete(CONFIGMAPS, space(world, "east"), "settings")

        async def another() -> bool:
            found = await below(world, "east", CONFIGMAPS, "settings")
            return found is not None and found["metadata"]["uid"] != first["metadata"]["uid"]

        await until(world, another, "made again")

    play(story, hub)


@on_both_hubs
def test_TestSyncerLifecycle_a_deployment_gets_the_finalizer_and_becomes_available(
    hub: str,
) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=2))
        await connected(world)
        await until_below(world, "east", DEPLOYMENTS, "web")

        async def available() -> bool:
            found = await world.hub.get(DEPLOYMENTS, "shop", "web")
            return bool(found and (found.get("status") or {}).get("availableReplicas") == 2)

        await until(world, available, "available in the hub")
        found = await world.hub.get(DEPLOYMENTS, "shop", "web")
        assert found is not None
        assert FINALIZER + key_of(world, "east") in finalizers_of(found)

    play(story, hub)


@on_both_hubs
def test_TestSyncerLifecycle_a_soft_finalizer_blocks_until_it_is_emptied(hub: str) -> None:
    """The namespace, which is deleted in the hub meanwhile, stays on the cluster as long."""

    async def story(world: World) -> None:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment("web"))
        await connected(world)
        await until_below(world, "east", DEPLOYMENTS, "web")
        soft = SOFT_FINALIZER + key_of(world, "east")
        await mark(world, DEPLOYMENTS, "web", {"annotations": {soft: "backup"}})
        await world.hub.delete(DEPLOYMENTS, "shop", "web")
        await world.hub.delete(NAMESPACES, "", "shop")
        await world.engine.runtime.sleep(90)

        found = await world.hub.get(DEPLOYMENTS, "shop", "web")
        assert found is not None
        assert DELETION + key_of(world, "east") in annotations_of(found)
        assert await below(world, "east", DEPLOYMENTS, "web") is not None
        place = space(world, "east")
        assert await world.clusters["east"].get(NAMESPACES, "", place) is not None

        await mark(world, DEPLOYMENTS, "web", {"annotations": {soft: ""}})
        await until_gone_below(world, "east", DEPLOYMENTS, "web")

        async def namespace_gone() -> bool:
            here = await world.clusters["east"].get(NAMESPACES, "", place)
            return here is None and await world.hub.get(NAMESPACES, "", "shop") is None

        await until(world, namespace_gone, "the namespace is gone on both sides")

    play(story, hub)


@on_both_hubs
def test_TestSyncerLifecycle_a_volume_waits_for_a_coordinator_and_goes_both_ways(hub: str) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await connected(world)
        await world.hub.apply(VOLUMES, make_volume())
        state = STATE + key_of(world, "east")

        async def on_hold() -> bool:
            found = await world.hub.get(VOLUMES, "", "disk")
            return found is not None and labels_of(found).get(state) == ""

        await until(world, on_hold, "assigned with an empty state")
        await world.engine.runtime.sleep(30)
        assert await below(world, "east", VOLUMES, "disk", "") is None

        await mark(world, VOLUMES, "disk", {"labels": {state: "Sync"}}, "")
        copy = await until_below(world, "east", VOLUMES, "disk", "")
        session = world.engine.session
        assert session is not None
        target = session.shared.targets[key_of(world, "east")]
        wanted = Locator(target.identity, session.identity.cluster, "")
        assert Locator.from_json(annotations_of(copy)[LOCATOR]) == wanted

        await world.clusters["east"].delete(VOLUMES, "", "disk")

        async def another() -> bool:
            found = await below(world, "east", VOLUMES, "disk", "")
            return found is not None and found["metadata"]["uid"] != copy["metadata"]["uid"]

        await until(world, another, "deleted below, made again")
        await world.hub.delete(VOLUMES, "", "disk")
        await until_gone_below(world, "east", VOLUMES, "disk", "")

        async def gone() -> bool:
            return await world.hub.get(VOLUMES, "", "disk") is None

        await until(world, gone, "gone in the hub")

    play(story, hub, "east", kinds_named=("persistentvolumes",))


def make_volume() -> Json:
    return {
        "metadata": {"name": "disk"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "nfs": {"server": "nfs.example", "path": "/disk"},
            "storageClassName": "plain",
        },
    }


@on_both_hubs
def test_TestSyncWorkload_registering_twice_leaves_one_open_target(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        before = await world.hub.get(SYNC_TARGETS, "", "east")

        await install(world.hub.user, world.engine.settings.targets)

        after = await world.hub.get(SYNC_TARGETS, "", "east")
        assert before is not None
        assert after is not None
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert not (after.get("spec") or {}).get("unschedulable")
        assert "evictAfter" not in (after.get("spec") or {})

    play(story, hub)


@on_both_hubs
def test_TestCordonUncordonDrain(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        for command, unschedulable, evicting in (
            (CordonTarget(target="east", actor="me"), True, False),
            (UncordonTarget(target="east", actor="me"), False, False),
            (DrainTarget(target="east", actor="me", confirm="east"), True, True),
            (UncordonTarget(target="east", actor="me"), False, False),
        ):
            await accepted(world, command)
            found = await world.hub.get(SYNC_TARGETS, "", "east")
            assert found is not None
            spec = found.get("spec") or {}
            assert bool(spec.get("unschedulable")) is unschedulable
            assert bool(spec.get("evictAfter")) is evicting

    play(story, hub)


async def accepted(world: World, command: AnyCommand) -> None:
    reply = await world.engine.request(command)
    assert isinstance(reply, Accepted), reply


@on_both_hubs
def test_TestEndpointsUpsyncing_only_those_of_the_annotated_service_go_up(hub: str) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await connected(world)
        ports = {"spec": {"ports": [{"port": 80, "name": "http", "protocol": "TCP"}]}}
        for name, notes in (("asking", {DERIVED: "endpoints"}), ("silent", {})):
            meta = {"name": name, "namespace": "shop", "annotations": notes}
            await world.hub.apply(SERVICES, {"metadata": meta, **ports})
            await until_below(world, "east", SERVICES, name)
            made: Json = {
                "metadata": {
                    "name": name,
                    "namespace": space(world, "east"),
                    "labels": {CLUSTER: key_of(world, "east")},
                },
                "subsets": [{"addresses": [{"ip": "10.0.0.7"}], "ports": [{"port": 80}]}],
            }
            await world.clusters["east"].apply(ENDPOINTS, made)

        async def up() -> Json | None:
            return await world.hub.get(ENDPOINTS, "shop", "asking")

        found = await until(world, up, "endpoints in the hub")
        assert labels_of(found)[STATE + key_of(world, "east")] == "Upsync"
        await world.engine.runtime.sleep(30)
        assert await world.hub.get(ENDPOINTS, "shop", "silent") is None

    play(story, hub)


def test_TestSyncingFromMultipleShards_two_workspaces_share_a_cluster() -> None:
    """Shards are kcp's; here each workspace has an engine, and neither touches the other's."""

    async def story(stage: Stage) -> None:
        for name, world in stage.workspaces.items():
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap("settings", colour=name))
            await connected(world)
        for name, world in stage.workspaces.items():
            copy = await until_below(world, "east", CONFIGMAPS, "settings")
            assert copy["data"]["colour"] == name

        one, two = stage.workspaces.values()
        await one.hub.delete(CONFIGMAPS, "shop", "settings")
        await until_gone_below(one, "east", CONFIGMAPS, "settings")
        await stage.runtime.sleep(120)
        assert await below(two, "east", CONFIGMAPS, "settings") is not None

    play_in(story, ("red", "blue"))


@on_both_hubs
def test_TestClusterController_a_custom_resource_goes_there_and_its_status_comes_back(
    hub: str,
) -> None:
    async def story(world: World) -> None:
        for side in (world.hub, *world.clusters.values()):
            await side.apply(CRDS, make_crd("example.com", "widgets", "Widget"))
        await place_everywhere(world)
        await connected(world)
        meta = {"name": "gear", "namespace": "shop"}
        await world.hub.apply(WIDGETS, {"metadata": meta, "spec": {"teeth": 12}})
        copy = await until_below(world, "east", WIDGETS, "gear")
        assert copy["spec"] == {"teeth": 12}

        user = world.clusters["east"].user
        key = (space(world, "east"), "gear")
        await user.merge_patch(
            WIDGETS,
            ObjectKey(*key),
            {"status": {"turning": True}},
            manager="x",
            subresource="status",
        )

        async def reported() -> bool:
            found = await world.hub.get(WIDGETS, "shop", "gear")
            return bool(found and (found.get("status") or {}).get("turning"))

        await until(world, reported, "the status is in the hub")
        await world.hub.delete(WIDGETS, "shop", "gear")
        await until_gone_below(world, "east", WIDGETS, "gear")

    play(story, hub)


def test_what_the_engine_writes_in_a_workspace_is_not_what_kcp_keeps_for_itself() -> None:
    """kcp refuses changes to keys that end in kcp.io from all but system:masters."""

    async def story(world: World) -> None:
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await connected(world)
        await until_below(world, "east", CONFIGMAPS, "settings")
        assert world.hub.sim is not None
        ours = [
            name
            for kind in world.hub.sim.store.kind_ids()
            for stored in world.hub.sim.store.items(kind)
            for name in {**labels_of(stored.tree()), **annotations_of(stored.tree())}
            if kind != "logicalclusters.core.kcp.io"
        ]
        assert any(name.startswith(STATE) for name in ours)
        assert not [name for name in ours if name.endswith("kcp.io")]
        errors = [record for record in world.engine.history.records() if record.category == "error"]
        assert errors == []

    play(story)
