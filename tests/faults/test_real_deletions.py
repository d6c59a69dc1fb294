"""On a real hub, an application is deleted as a whole, and what is held back says so."""

from __future__ import annotations

import pytest

from tests.envtest.planes import Plane
from tests.faults.real import COPY, RealStage, open_real_stage
from tests.world.world import CONFIGMAPS, NAMESPACES
from tmcconsole.kube.objects import Json, Kind, conditions_of
from tmcconsole.sync.names.markers import ALLOW_DELETES

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

EVENTS = Kind("", "v1", "events", "Event")
APP = tuple(f"part-{number:02}" for number in range(24))


async def fill(stage: RealStage) -> None:
    for name in APP:
        await stage.apply(name, **COPY)
    for name in APP:
        await stage.has(COPY, name, *stage.names)


async def left_in(stage: RealStage, kind: Kind) -> list[Json]:
    pages = stage.world.hub.user.list_pages(kind, namespace=stage.space)
    trees = [one.decode() async for page in pages for one in page.items]
    return [tree for tree in trees if tree["metadata"]["name"] != "kube-root-ca.crt"]


async def test_an_application_of_24_objects_goes_whole(stage: RealStage) -> None:
    await fill(stage)

    for name in APP:
        await stage.delete(name)

    for name in APP:
        await stage.has(None, name, "hub", *stage.names)


async def test_what_is_held_says_so_and_one_order_lets_it_go(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters, brake_deletes=1) as stage:
        await fill(stage)
        for name in APP:
            await stage.delete(name)
        waiting = {f"syncer.kcp.io/DeletionsHeld-{name}" for name in stage.names}

        async def told() -> bool:
            tree = await stage.world.hub.get(NAMESPACES, "", stage.space)
            held = {str(one["type"]): str(one.get("message")) for one in conditions_of(tree or {})}
            return all("14 deletions" in held.get(type_, "") for type_ in waiting)

        async def have_events() -> bool:
            events = await left_in(stage, EVENTS)
            held = {one["involvedObject"]["name"] for one in events
                    if one["reason"] == "DeletionHeld"}  # fmt: skip
            return held == {one["metadata"]["name"] for one in await left_in(stage, CONFIGMAPS)}

        await stage.world.eventually(told, "the namespace says what waits", 60)
        await stage.world.eventually(have_events, "each object has an event", 60)
        until = {"metadata": {"annotations": {ALLOW_DELETES: "2100-01-01T00:00:00Z"}}}
        await stage.world.hub.patch(NAMESPACES, "", stage.space, until)
        for name in APP:
            await stage.has(None, name, "hub", *stage.names)
