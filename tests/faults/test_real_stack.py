"""A whole application on real API servers: synced, reported, scaled, restarted and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from tests.envtest.planes import Plane
from tests.faults.real import PATIENCE_S, RealStage, open_real_stage
from tests.faults.test_c_rules import AUTOSCALERS
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, SECRETS, Side, make_deployment
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.client.ingest import WatchEvent
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import Json, Kind, ObjectKey, finalizers_of

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

GADGETS = Kind("stack.example", "v1", "gadgets", "Gadget")
WHOLE = (CONFIGMAPS, SECRETS, DEPLOYMENTS, AUTOSCALERS, GADGETS)
NAMES = {CONFIGMAPS: "config", SECRETS: "keys"}  # everything else is called "web"
AUTOSCALER = "kube-controller-manager"  # the field manager of the HPA controller


def define_gadgets() -> Json:
    """Return a definition with a status subresource."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    shape = {"type": "object", "properties": {"spec": texts, "status": texts}}
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "metadata": {"name": GADGETS.id},
        "spec": {
            "group": GADGETS.group,
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
            "versions": [version | {"schema": {"openAPIV3Schema": shape}}],
        },
    }


def make_application(space: str) -> dict[Kind, Json]:
    """Return a workload, followed by all that it refers to or that refers to it."""
    web = make_deployment("web", 2, space)
    web["spec"]["template"]["spec"]["volumes"] = [
        {"name": "config", "configMap": {"name": "config"}},
        {"name": "keys", "secret": {"secretName": "keys"}},
    ]
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        DEPLOYMENTS: web,
        AUTOSCALERS: {"spec": {"scaleTargetRef": scaled, "minReplicas": 1, "maxReplicas": 9}},
        GADGETS: {"spec": {"size": "big"}},
        CONFIGMAPS: {"data": {"colour": "blue"}},
        SECRETS: {"type": "Opaque", "stringData": {"password": "hunter2"}},
    }


def name_of(kind: Kind) -> str:
    return NAMES.get(kind, "web")


@asynccontextmanager
async def open_stack(hub: Plane, clusters: tuple[Plane, Plane]) -> AsyncIterator[RealStage]:
    """Open a stage where only the hub serves gadgets; their definition goes with the context."""
    kinds = [kind.id for kind in WHOLE if kind is not CONFIGMAPS]
    async with open_real_stage(hub, clusters, *kinds, crds="follow") as stage:
        try:
            await stage.world.hub.apply(CRDS, define_gadgets())
            yield stage
        finally:
            await take_away(stage)
            for side in (stage.world.hub, *stage.world.clusters.values()):
                await gone_for_good(stage, side)


async def take_away(stage: RealStage) -> None:
    """Delete the application in the hub, and wait until it is gone everywhere."""
    hub = stage.world.hub
    for kind in reversed(WHOLE):
        if await hub.get(kind, stage.space, name_of(kind)):
            await hub.delete(kind, stage.space, name_of(kind))
    everywhere = {"hub": hub, **stage.world.clusters}
    for name, side in everywhere.items():
        for kind in WHOLE:

            async def gone(side: Side = side, kind: Kind = kind) -> bool:
                return await side.get(kind, stage.space, name_of(kind)) is None

            await stage.world.eventually(gone, f"{kind.id} gone on {name}", PATIENCE_S)


async def gone_for_good(stage: RealStage, side: Side) -> None:
    """Delete the definition, and wait until it is gone."""
    if await side.get(CRDS, "", GADGETS.id):
        await side.delete(CRDS, "", GADGETS.id)

    async def gone() -> bool:
        return await side.get(CRDS, "", GADGETS.id) is None

    await stage.world.eventually(gone, "the definition is gone", PATIENCE_S)


async def apply_application(stage: RealStage) -> None:
    """Apply the workload first, what it refers to later, and wait until all is in sync."""
    for kind, tree in make_application(stage.space).items():
        meta = {"name": name_of(kind), "namespace": stage.space}
        await apply_when_served(stage, kind, tree | {"metadata": meta})
    await all_in_sync(stage)


async def apply_when_served(stage: RealStage, kind: Kind, tree: Json) -> None:
    async def applied() -> bool:
        try:
            await stage.world.hub.apply(kind, tree)
        except NotFound:  # its definition is not established yet
            return False
        return True

    await stage.world.eventually(applied, f"{kind.id} in the hub", 30)


async def all_in_sync(stage: RealStage) -> None:
    def so() -> bool:
        return all(
            stage.standing(target, name_of(kind), kind).state is SyncState.IN_SYNC
            for target in stage.names
            for kind in WHOLE
        )

    await stage.until(so, "all is in sync")


async def status_in_hub(stage: RealStage, kind: Kind, wanted: Callable[[Json], bool]) -> None:
    async def so() -> bool:
        found = await stage.world.hub.get(kind, stage.space, "web")
        return wanted((found or {}).get("status") or {})

    await stage.world.eventually(so, f"the status of {kind.id} in the hub", PATIENCE_S)


async def report(side: Side, kind: Kind, space: str, status: Json) -> None:
    """Write a status as a cluster's controller does."""
    await side.user.merge_patch(
        kind,
        ObjectKey(space, "web"),
        {"status": status},
        manager="a-controller",
        subresource="status",
    )


async def born(side: Side, kind: Kind, name: str, space: str, since: str) -> int:
    """Return the cluster's version at which an object was created after ``since``."""
    events = side.user.watch(kind, namespace=space, resource_version=since, timeout_s=10, idle_s=10)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, WatchEvent) and event.object and event.object.name == name:
                return int(event.object.resource_version)
    raise AssertionError(f"{kind.id} {name} was never created")


async def version_now(side: Side) -> str:
    pages = side.user.list_pages(CONFIGMAPS, namespace="default")
    async with aclosing(pages):
        return (await anext(pages)).resource_version


async def quiet(stage: RealStage) -> dict[str, int]:
    """Wait until nothing has been written for a while; return the marks at that moment."""
    marks = stage.marks()

    async def nothing() -> bool:
        nonlocal marks
        marks = stage.marks()
        await anyio.sleep(2)
        return stage.writes_since(marks) == []

    await stage.world.eventually(nothing, "rest", PATIENCE_S)
    return marks


async def test_an_application_and_its_own_kind_arrive_in_order(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], real_controllers: None
) -> None:
    async with open_stack(real_hub, real_clusters) as stage:
        sides = stage.world.clusters
        before = {name: await version_now(side) for name, side in sides.items()}
        await apply_application(stage)

        for name, side in sides.items():
            at = {
                kind: await born(side, kind, name_of(kind), stage.space, before[name])
                for kind in (CONFIGMAPS, SECRETS, DEPLOYMENTS)
            }
            assert max(at[CONFIGMAPS], at[SECRETS]) < at[DEPLOYMENTS]
            sent = [write.partition("?")[0] for write in stage.written(name)]
            ends = [f"/{CRDS.resource}/{GADGETS.id}", f"/{GADGETS.resource}/web"]
            first = [next(i for i, one in enumerate(sent) if one.endswith(end)) for end in ends]
            assert first == sorted(first), sent
            definition = await stage.world.on(name, CRDS, "", GADGETS.id)
            gadget = await stage.world.on(name, GADGETS, stage.space, "web")
            times = [tree["metadata"]["creationTimestamp"] for tree in (definition, gadget)]
            assert times == sorted(times)
            assert gadget["spec"] == {"size": "big"}
            secret = await stage.world.on(name, SECRETS, stage.space, "keys")
            assert secret["data"] == {"password": "aHVudGVyMg=="}
            scaler = await stage.world.on(name, AUTOSCALERS, stage.space, "web")
            assert scaler["spec"]["maxReplicas"] == 9


async def test_statuses_of_an_application_return_from_both_clusters_and_it_leaves_no_trace(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], real_controllers: None
) -> None:
    async with open_stack(real_hub, real_clusters) as stage:
        sides = stage.world.clusters
        await apply_application(stage)
        for side in sides.values():
            await report(side, GADGETS, stage.space, {"phase": "Turning"})
            scale = {"currentReplicas": 2, "desiredReplicas": 2}
            await report(side, AUTOSCALERS, stage.space, scale)
        await status_in_hub(stage, GADGETS, lambda status: status == {"phase": "Turning"})
        await status_in_hub(stage, AUTOSCALERS, lambda status: "desiredReplicas" in status)
        await status_in_hub(stage, DEPLOYMENTS, lambda status: status.get("replicas") == 4)

        for kind in reversed(WHOLE):
            finalizers = finalizers_of(
                await stage.world.hub.get(kind, stage.space, name_of(kind)) or {}
            )
            assert len(finalizers) == 2, kind
        await take_away(stage)
        deletes = {name: stage.asked(name, "DELETE") for name in stage.names}
        assert set(map(len, deletes.values())) == {len(WHOLE)}, deletes


async def test_what_an_autoscaler_scales_is_left_without_a_write_through_a_restart_too(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], real_controllers: None
) -> None:
    async with open_stack(real_hub, real_clusters) as stage:
        target = stage.names[0]
        await apply_application(stage)
        marks = await quiet(stage)
        await scale(stage, target, 5)
        await status_in_hub(stage, DEPLOYMENTS, lambda status: status.get("replicas") == 7)
        await quiet(stage)
        assert [one for one in stage.writes_since(marks) if "/status" not in one] == []
        assert [await replicas(stage, name) for name in stage.names] == [5, 2]

        await stage.world.stop()
        await scale(stage, target, 3)
        marks = stage.marks()
        stage.world.start()
        await all_in_sync(stage)
        await status_in_hub(stage, DEPLOYMENTS, lambda status: status.get("replicas") == 5)
        await anyio.sleep(3)
        assert [one for one in stage.writes_since(marks) if "/status" not in one] == []
        assert [await replicas(stage, name) for name in stage.names] == [3, 2]

        await quiet(stage)
        await stage.world.stop()
        marks = stage.marks()
        stage.world.start()
        await all_in_sync(stage)
        await anyio.sleep(5)
        assert stage.writes_since(marks) == []


async def scale(stage: RealStage, target: str, wanted: int) -> None:
    """Scale as the controller of HorizontalPodAutoscalers does."""
    key = ObjectKey(stage.space, "web")
    user = stage.world.clusters[target].user
    assert await user.scale(DEPLOYMENTS, key, wanted, manager=AUTOSCALER) == wanted


async def replicas(stage: RealStage, target: str) -> int:
    found = await stage.world.on(target, DEPLOYMENTS, stage.space, "web")
    return int(found["spec"]["replicas"])
