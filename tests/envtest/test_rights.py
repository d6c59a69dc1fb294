"""The rights that docs/operating.md asks for are enough, on API servers that enforce them."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.envtest.api import fresh_name
from tests.envtest.identity import ADMIN, TENANT
from tests.envtest.planes import Plane
from tests.test_docs import rows, section
from tests.test_one_object import story
from tests.world.real import RealCluster, open_real_world
from tests.world.world import (
    CONFIGMAPS,
    SYNC_TARGETS,
    Side,
    World,
    make_settings,
    place_everywhere,
)
from tmcconsole.config.settings import ClusterAccess, SyncSettings
from tmcconsole.engine.connection.rbac_manifests import manifests
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, Kind, finalizers_of
from tmcconsole.placement.install import install
from tmcconsole.runtime import Runtime, Transport
from tmcconsole.tmc.history.audit import MemoryAudit

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

RBAC = "rbac.authorization.k8s.io"
ROLES = Kind(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
BINDINGS = Kind(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
TARGET = "rights"
ROLE = "tmc-console-rights"


def documented_rules(where: str) -> list[Json]:
    """Return the rules of the page's table, with ConfigMaps as the only synced kind."""
    return [
        {
            "apiGroups": ["" if group in ("core", "of each synced kind") else group],
            "resources": resources.partition(", where")[0]
            .replace("KIND", "configmaps")
            .split(", "),
            "verbs": verbs.split(", "),
        }
        for place, group, resources, verbs in rows(section("docs/operating.md", "Rights"))
        if where in place.split(", ") and ", with " not in place  # without those of a setting
    ]


async def grant(side: Side, rules: list[Json]) -> None:
    name = {"metadata": {"name": ROLE}}
    await side.apply(ROLES, {**name, "rules": rules})
    subject = {"apiGroup": RBAC, "kind": "User", "name": TENANT}
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE}
    await side.apply(BINDINGS, {**name, "roleRef": role, "subjects": [subject]})


@asynccontextmanager
async def world_of_a_tenant(hub: Plane, cluster: Plane) -> AsyncIterator[World]:
    """Run an engine that is only the tenant, with the documented rights."""
    planes = {"hub": hub, TARGET: cluster}

    async def reach(name: str, user: str = TENANT) -> Transport:
        kubeconfig: Path = planes[name].kubeconfig_for(user)
        return await dial(ClusterAccess(kubeconfig), now=time.monotonic, wall=time.time)

    runtime = Runtime(
        time.monotonic, time.time, anyio.sleep, random.Random(1), reach, lambda _name: False
    )
    settings = make_settings((TARGET,), kinds_allow=("configmaps",))
    audit = MemoryAudit(time.time)
    engine = Engine(runtime, settings, audit)
    async with AsyncExitStack() as stack:
        sides = {}
        for name, where in (("hub", "hub"), (TARGET, "target")):
            admin = Client(await reach(name, ADMIN), name=name)
            stack.push_async_callback(admin.aclose)
            sides[name] = Side(admin)
            await grant(sides[name], documented_rules(where))
            stack.push_async_callback(sides[name].delete, BINDINGS, "", ROLE)
        await install(sides["hub"].user, settings.targets)
        stack.push_async_callback(sides["hub"].delete, SYNC_TARGETS, "", TARGET)
        group = await stack.enter_async_context(anyio.create_task_group())
        group.start_soon(engine.run)
        yield World(sides.pop("hub"), sides, engine, audit)
        group.cancel_scope.cancel()


@asynccontextmanager
async def granted_manifests(plane: Plane, side: str) -> AsyncIterator[None]:
    """Apply what the command prints for one side, for the tenant; take it back at the end.

    Otherwise the tenant would have more rights in every later test on the same server.
    """
    subject = {"apiGroup": RBAC, "kind": "User", "name": TENANT}
    transport = await dial(ClusterAccess(plane.kubeconfig), now=time.monotonic, wall=time.time)
    async with AsyncExitStack() as stack:
        admin = Client(transport, name=plane.name)
        stack.push_async_callback(admin.aclose)
        for tree in manifests(SyncSettings(), side, subject):
            name, namespace = tree["metadata"]["name"], tree["metadata"].get("namespace", "")
            plural = f"{tree['kind'].lower()}s"
            kind = Kind(RBAC, "v1", plural, tree["kind"], namespaced=bool(namespace))
            await admin.apply(kind, tree, manager="admin", force=True)
            stack.push_async_callback(Side(admin).delete, kind, namespace, name)
        yield


async def test_the_printed_manifests_are_enough_for_the_main_job(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    hub = RealCluster("hub", real_hub.kubeconfig_for(TENANT), around=real_hub.kubeconfig)
    clusters = [
        RealCluster(plane.name, plane.kubeconfig_for(TENANT), around=plane.kubeconfig)
        for plane in real_clusters
    ]

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(granted_manifests(real_hub, "hub"))
        for plane in real_clusters:
            await stack.enter_async_context(granted_manifests(plane, "target"))
        world = await stack.enter_async_context(open_real_world(hub, clusters))
        await story(world, fresh_name("shop"))

        async def are_authorized() -> bool:
            trees = [await world.hub.get(SYNC_TARGETS, "", name) for name in world.clusters]
            return all(condition(tree, "SyncerAuthorized") == "True" for tree in trees)

        await world.eventually(are_authorized, "every target says that nothing is missing")
        refused = [entry for entry in world.engine.history.records() if entry.category == "error"]
        assert [entry.message for entry in refused] == []


def condition(tree: Json | None, name: str) -> str:
    found = ((tree or {}).get("status") or {}).get("conditions") or []
    return next((str(one["status"]) for one in found if one["type"] == name), "")


async def test_the_documented_rights_are_enough_for_an_objects_whole_life(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with world_of_a_tenant(real_hub, real_clusters[0]) as world:
        namespace = fresh_name("rights")
        await place_everywhere(world, namespace)
        tree = {"metadata": {"name": "one", "namespace": namespace}, "data": {"a": "1"}}
        await world.hub.apply(CONFIGMAPS, tree)
        copy = await world.on(TARGET, CONFIGMAPS, namespace, "one")
        source = await world.hub.get(CONFIGMAPS, namespace, "one")
        await world.hub.delete(CONFIGMAPS, namespace, "one")

        async def is_gone() -> bool:
            here = await world.hub.get(CONFIGMAPS, namespace, "one")
            there = await world.clusters[TARGET].get(CONFIGMAPS, namespace, "one")
            return here is None and there is None

        await world.eventually(is_gone, "gone on both sides")
        assert copy["data"] == {"a": "1"}
        assert source is not None
        assert finalizers_of(source)
        refused = [entry for entry in world.engine.history.records() if entry.category == "error"]
        assert [entry.message for entry in refused] == []
