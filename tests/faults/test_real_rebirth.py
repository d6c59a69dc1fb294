"""A, C and H on real API servers: objects recreated, left behind, given up or with one name."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from tests.envtest.api import fresh_name
from tests.envtest.identity import ADMIN, write_private
from tests.envtest.planes import Plane
from tests.faults.real import COPY, GREEN, PATIENCE_S, RealStage, open_real_stage, refusal
from tests.test_one_object import key_of_target
from tests.world.real import RealCluster, RealWorld, open_real_world
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    Side,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.config.settings import ClusterAccess, TargetSettings
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import Accepted, ForgetPlan, ForgetTarget, Refused, Resync
from tmcconsole.contract.records import TargetRecord, TargetState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.placement.api import LOCATIONS
from tmcconsole.placement.install import install
from tmcconsole.sync.names.markers import STATE, SYNC

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet")
SOUR = {"taste": "sour"}
FREE: Json = {"metadata": {"finalizers": None}}


async def cut_off(stage: RealStage, side: str) -> None:
    await stage.proxies[side].listener.refuse()
    stage.proxies[side].listener.reset_connections()


async def test_A5_recreated_while_nobody_looked_is_another_object(stage: RealStage) -> None:
    target = stage.names[0]
    before = await stage.world.on(target, CONFIGMAPS, stage.space, "settings")
    await cut_off(stage, "hub")
    await stage.delete("settings")
    await stage.world.hub.patch(CONFIGMAPS, stage.space, "settings", FREE)
    await stage.apply("settings", **SOUR)
    await stage.proxies["hub"].listener.serve()
    await stage.has(SOUR, "settings", *stage.names)

    after = await stage.world.on(target, CONFIGMAPS, stage.space, "settings")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert len(stage.asked(target, "DELETE")) == 1


async def test_C5_a_namespace_made_anew_gets_nothing_of_the_old_one(
    stage: RealStage, real_controllers: None
) -> None:
    target, hub = stage.names[0], stage.world.hub
    await stage.apply("old", **COPY)
    await stage.has(COPY, "old", *stage.names)
    old = await hub.get(NAMESPACES, "", stage.space)
    await cut_off(stage, target)
    await hub.delete(NAMESPACES, "", stage.space)

    async def gone() -> bool:
        for name in ("old", "settings"):  # what a desperate user does
            found = await hub.get(CONFIGMAPS, stage.space, name)
            if found and "deletionTimestamp" in found["metadata"]:
                await hub.patch(CONFIGMAPS, stage.space, name, FREE)
        await anyio.sleep(0.2)
        return await hub.get(NAMESPACES, "", stage.space) is None

    await stage.world.eventually(gone, "the old one is gone", PATIENCE_S)
    await place_everywhere(stage.world, stage.space)
    new = await hub.get(NAMESPACES, "", stage.space)
    assert old
    assert new
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    await stage.apply("settings", **SOUR)
    assert await stage.data(target, "old") == COPY
    await stage.proxies[target].listener.serve()

    await stage.has(SOUR, "settings", *stage.names)
    await stage.has(None, "old", *stage.names)


async def test_C7_a_namespace_of_another_hub_and_one_too_long_get_nothing(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    prefix: dict[str, Any] = {"namespaces": "prefix", "namespace_prefix": "p" * 60}
    async with open_real_stage(real_hub, real_clusters, **prefix) as stage:
        target = stage.names[0]
        await stage.apply("settings", **COPY)
        await stage.until(
            lambda: stage.standing(target, "settings").reason == "NameTooLong", "too long"
        )
        assert "namespace_prefix" in stage.standing(target, "settings").message
        assert stage.written(target) == []
    async with open_real_stage(real_hub, real_clusters) as stage:
        target, other = stage.names
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        await stage.world.stop()
        side, key = stage.world.clusters[target], "kcp.io/namespace-locator"
        mine = await stage.world.on(target, NAMESPACES, "", stage.space)
        locator = orjson.loads(mine["metadata"]["annotations"][key])
        theirs = orjson.dumps(locator | {"cluster": "of-another-hub"}).decode()
        await side.patch(NAMESPACES, "", stage.space, {"metadata": {"annotations": {key: theirs}}})
        marks = stage.marks()
        stage.world.start()
        await stage.apply("fresh", **GREEN)
        await stage.has(GREEN, "fresh", other)
        await stage.until(lambda: stage.standing(target, "fresh").reason == "Collision", "named")
        await anyio.sleep(2)
        assert stage.written(target, since=marks[target]) == []
        assert await stage.data(target, "fresh") is None
        assert "of-another-hub" in stage.standing(target, "fresh").message
        original: Json = {"metadata": {"annotations": {key: orjson.dumps(locator).decode()}}}
        await side.patch(NAMESPACES, "", stage.space, original)
        await stage.apply("fresh", **COPY)

        await stage.has(COPY, "fresh", target)


async def test_C9_a_lost_cluster_holds_its_objects_until_a_person_forgets_it(
    stage: RealStage,
) -> None:
    lost, here = stage.names
    hub = stage.world.hub
    refused = await stage.world.engine.request(ForgetTarget(target=lost, confirm=lost, actor="ada"))
    assert isinstance(refused, Refused)
    assert "drain it instead" in refused.reason
    await stage.apply("kept", **COPY)
    await stage.has(COPY, "kept", *stage.names)
    await cut_off(stage, lost)
    await stage.delete("settings")
    await stage.has(None, "settings", here)

    async def unreachable() -> bool:
        return (await stage.record(lost)).state is TargetState.UNREACHABLE

    await stage.world.eventually(unreachable, "unreachable", PATIENCE_S)
    await anyio.sleep(2)
    assert await stage.data("hub", "settings") == COPY

    order = ForgetTarget(target=lost, confirm=lost, actor="ada")
    with anyio.fail_after(PATIENCE_S):
        assert isinstance(await stage.world.engine.request(order), ForgetPlan)
    await stage.has(None, "settings", "hub")
    kept = await hub.get(CONFIGMAPS, stage.space, "kept")
    assert kept
    assert len(kept["metadata"]["finalizers"]) == 1
    assert await stage.data(here, "kept") == COPY
    assert await stage.data(lost, "kept") == await stage.data(lost, "settings") == COPY
    lines = [orjson.loads(line) for line in stage.world.audit.lines]
    assert ("ForgetTarget", "ada") in [(line.get("action"), line.get("actor")) for line in lines]

    await stage.proxies[lost].listener.serve()
    await stage.has(None, "kept", lost)  # a returning cluster does not keep our copies
    await stage.has(None, "settings", lost)
    back: Json = {"spec": {"unschedulable": False, "evictAfter": None}}
    await hub.patch(SYNC_TARGETS, "", lost, back)


async def test_C11_no_copy_is_made_before_the_finalizer_and_an_orphan_is_swept(
    stage: RealStage,
) -> None:
    target = stage.names[0]
    reset = stage.proxies["hub"].rules.on(
        refusal(503, "ServiceUnavailable"), methods=("PATCH",), path=f"{stage.space}/configmaps/new"
    )
    new = make_configmap("new", stage.space, **COPY)
    # Assigned already: all that is missing is the finalizer.
    new["metadata"]["labels"] = {
        STATE + key_of_target(stage.world, name): SYNC for name in stage.names
    }
    await stage.world.hub.apply(CONFIGMAPS, new)
    await anyio.sleep(1)
    looked = await stage.world.engine.request(Resync(key=f"configmaps/{stage.space}/new"))
    assert looked == Accepted(message=SafeText("reconciling 2 copies on all targets"))
    await anyio.sleep(1)
    assert [await stage.data(name, "new") for name in stage.names] == [None, None]
    assert stage.asked("hub", "PATCH")
    assert [
        one for name in stage.names for one in stage.asked(name, "PATCH") if "/new" in one
    ] == []
    stage.proxies["hub"].rules.off(reset)
    await stage.has(COPY, "new", *stage.names)

    await stage.world.stop()
    await stage.delete("settings")
    await stage.world.hub.patch(CONFIGMAPS, stage.space, "settings", FREE)
    stage.world.start()
    await stage.has(None, "settings", *stage.names)
    assert len(stage.asked(target, "DELETE")) == 1
    assert await stage.data(target, "new") == COPY


async def test_C12_owners_stay_in_the_hub_and_a_workload_takes_its_own_with_it(
    stage: RealStage, real_controllers: None
) -> None:
    target = stage.names[0]
    hub, side = stage.world.hub, stage.world.clusters[target]
    owner = await hub.get(CONFIGMAPS, stage.space, "settings")
    assert owner
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "settings"}
    owners = [reference | {"uid": owner["metadata"]["uid"]}]
    tree = make_configmap("owned", stage.space)
    tree["metadata"]["ownerReferences"] = owners
    await hub.apply(CONFIGMAPS, tree)
    copy = await stage.world.on(target, CONFIGMAPS, stage.space, "owned")
    assert "ownerReferences" not in copy["metadata"]

    async def sets() -> int:
        pages = side.user.list_pages(REPLICA_SETS, namespace=stage.space)
        return sum([len(page.items) async for page in pages])

    async def has_one() -> bool:
        return await sets() == 1

    async def has_none() -> bool:
        return await sets() == 0

    await hub.apply(DEPLOYMENTS, make_deployment("web", 1, stage.space))
    await stage.world.eventually(has_one, "a ReplicaSet", PATIENCE_S)
    await stage.delete("web", kind=DEPLOYMENTS)
    await stage.world.eventually(has_none, "taken along", PATIENCE_S)

    async def released() -> bool:
        return await hub.get(DEPLOYMENTS, stage.space, "web") is None

    await stage.world.eventually(released, "released", PATIENCE_S)
    assert await stage.data(target, "owned") == {"colour": "blue"}


async def test_H9_another_cluster_under_the_same_name_is_another_target(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    old, new = real_clusters
    async with open_renamed(real_hub, old, new, tmp_path) as (world, name, space):
        await world.hub.apply(CONFIGMAPS, make_configmap("settings", space))
        on_old = partial(world.clusters["old"].get, CONFIGMAPS, space, "settings")
        await world.eventually(on_old, "on the old cluster", PATIENCE_S)
        before = await world.hub.get(SYNC_TARGETS, "", name)
        assert before
        await world.stop()
        lead(tmp_path / name, new)
        world.start()

        async def refused() -> bool:
            told = await record(world, name)
            return told is not None and told.reason == "IdentityChanged"

        await world.eventually(refused, "told as another cluster", PATIENCE_S)
        told = await record(world, name)
        assert told is not None
        assert told.state is TargetState.REFUSED
        await anyio.sleep(2)
        assert await world.clusters["new"].get(NAMESPACES, "", space) is None

        await world.hub.delete(SYNC_TARGETS, "", name)
        await install(world.hub.user, (TargetSettings(name, ClusterAccess(), (("region", name),)),))
        copy = await world.eventually(
            lambda: world.clusters["new"].get(CONFIGMAPS, space, "settings"), "served", PATIENCE_S
        )
        assert copy["data"] == COPY
        after = await world.hub.get(SYNC_TARGETS, "", name)
        assert after
        uids = [
            tree["metadata"]["annotations"]["syncer.kcp.io/cluster-uid"] for tree in (before, after)
        ]
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        assert uids[0] != uids[1]
        # Nobody may delete the old cluster's copy from here.
        assert await world.clusters["old"].get(CONFIGMAPS, space, "settings") is not None


@asynccontextmanager
async def open_renamed(
    hub: Plane, old: Plane, new: Plane, folder: Path
) -> AsyncIterator[tuple[RealWorld, str, str]]:
    """Run an engine with one target that is the old cluster; users see both."""
    name, space = fresh_name("again"), fresh_name("faults")
    lead(folder / name, old)
    client = Client(
        await dial(ClusterAccess(new.kubeconfig), now=time.monotonic, wall=time.time), name="new"
    )
    sides = [RealCluster(name, folder / name, old.kubeconfig)]
    at_hub = RealCluster("hub", hub.kubeconfig)
    async with (
        aclosing(client),
        open_real_world(at_hub, sides, kinds_allow=("configmaps",)) as world,
    ):
        world.clusters |= {"old": world.clusters.pop(name), "new": Side(client)}
        labels: Json = {"metadata": {"name": space, "labels": {"app": space}}}
        await world.hub.apply(NAMESPACES, labels)
        resource = {"group": "workload.kcp.io", "version": "v1alpha1", "resource": "synctargets"}
        location: Json = {
            "resource": resource,
            "instanceSelector": {"matchLabels": {"region": name}},
        }
        alone = {"name": name, "labels": {"only": name}}
        await world.hub.apply(LOCATIONS, {"metadata": alone, "spec": location})
        here = {"locationSelectors": [{"matchLabels": {"only": name}}]}
        spec: Json = {"namespaceSelector": {"matchLabels": {"app": space}}, **here}
        await world.hub.apply(PLACEMENTS, {"metadata": {"name": space}, "spec": spec})
        yield world, name, space
        await world.hub.delete(CONFIGMAPS, space, "settings")

        async def gone() -> bool:
            return await world.hub.get(CONFIGMAPS, space, "settings") is None

        await world.eventually(gone, "taken away", PATIENCE_S)
        away = ((PLACEMENTS, space), (NAMESPACES, space), (LOCATIONS, name), (SYNC_TARGETS, name))
        for kind, what in away:
            await world.hub.delete(kind, "", what)


def lead(path: Path, plane: Plane) -> None:
    """Point a kubeconfig at another cluster."""
    write_private(path, plane.kubeconfig_for(ADMIN).read_bytes())


async def record(world: RealWorld, name: str) -> TargetRecord | None:
    changes = await world.engine.changes(NOTHING_SEEN)
    found = [one for one in changes.upserted if isinstance(one, TargetRecord)]
    return next((one for one in found if one.name == name), None)
