"""Namespaces that we made are deleted when they hold nobody's objects, and never otherwise."""

from __future__ import annotations

import anyio

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import (
    CONFIGMAPS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    World,
    let_go,
    make_configmap,
    place_everywhere,
)
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.deletion.namespace_gc import GRACE_S, LOOK_S
from tmcconsole.sync.names.markers import PAUSE

SERVICE_ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount")
NOT_YET_S = GRACE_S - 2 * LOOK_S


async def fill(world: World) -> None:
    await place_everywhere(world)
    await world.hub.apply(CONFIGMAPS, make_configmap())
    for cluster in world.clusters:
        await world.on(cluster, CONFIGMAPS, "shop", "settings")
    await world.settle()


async def unplace(world: World) -> None:
    """Delete the Placement; wait until the copies have gone."""
    await let_go(world.hub)
    await world.hub.delete(PLACEMENTS, "", "shop")
    await world.eventually(lambda: copy_is_gone(world), "the copy leaves", within_s=30)


async def copy_is_gone(world: World) -> bool:
    return await world.clusters["east"].get(CONFIGMAPS, "shop", "settings") is None


async def namespace(world: World) -> Json | None:
    return await world.clusters["east"].get(NAMESPACES, "", "shop")


async def namespace_is_gone(world: World) -> bool:
    return await namespace(world) is None


def told(world: World, event: str) -> list[str]:
    return [str(r.message) for r in world.engine.history.records() if r.event == event]


def test_a_namespace_we_made_goes_half_a_minute_after_its_last_object() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            await unplace(world)

            await anyio.sleep(NOT_YET_S)
            assert await namespace(world) is not None

            await world.eventually(lambda: namespace_is_gone(world), "removed", within_s=30)
            assert told(world, "NamespaceRemoved") == ["created by the engine and empty"]
            announced = [line for line in world.audit.lines if b'"delete-namespace"' in line]
            assert len(announced) == 1
            assert await world.hub.get(NAMESPACES, "", "shop") is not None

    in_virtual_time(story)


def test_it_goes_too_when_its_namespace_in_the_hub_is_deleted() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            await world.hub.delete(CONFIGMAPS, "shop", "settings")
            await world.hub.delete(NAMESPACES, "", "shop")

            await world.eventually(lambda: namespace_is_gone(world), "removed", within_s=90)

    in_virtual_time(story)


def test_an_empty_namespace_that_is_still_placed_stays() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            await world.hub.delete(CONFIGMAPS, "shop", "settings")

            await anyio.sleep(300)
            assert await namespace(world) is not None

    in_virtual_time(story)


def test_a_foreign_object_keeps_the_namespace_and_the_history_says_which() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            await world.clusters["east"].apply(CONFIGMAPS, make_configmap("theirs"))
            await unplace(world)

            await anyio.sleep(300)
            assert await namespace(world) is not None
            assert await world.clusters["east"].get(CONFIGMAPS, "shop", "theirs") is not None
            assert told(world, "NamespaceKept") == ["configmaps theirs is in it"]

            await world.clusters["east"].delete(CONFIGMAPS, "shop", "theirs")
            await world.eventually(lambda: namespace_is_gone(world), "removed", within_s=900)

    in_virtual_time(story)


def test_what_every_namespace_has_keeps_nothing() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            east = world.clusters["east"]
            await east.apply(CONFIGMAPS, make_configmap("kube-root-ca.crt"))
            usual: Json = {"metadata": {"name": "default", "namespace": "shop"}}
            await east.apply(SERVICE_ACCOUNTS, usual)
            await unplace(world)

            await world.eventually(lambda: namespace_is_gone(world), "removed", within_s=90)

    in_virtual_time(story)


def test_a_write_in_the_meantime_cancels_the_plan() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            before = await namespace(world)
            assert before is not None
            await unplace(world)
            await anyio.sleep(NOT_YET_S)
            await place_everywhere(world)
            await world.on("east", CONFIGMAPS, "shop", "settings")

            await anyio.sleep(120)
            after = await namespace(world)
            assert after is not None
            assert after["metadata"]["uid"] == before["metadata"]["uid"]
            assert told(world, "NamespaceRemoved") == []

    in_virtual_time(story)


def test_a_namespace_that_was_there_before_us_is_never_removed() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
            await fill(world)
            await unplace(world)

            await anyio.sleep(300)
            assert await namespace(world) is not None

    in_virtual_time(story)


def test_a_paused_target_keeps_its_namespaces() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await fill(world)
            await unplace(world)
            paused: Json = {"metadata": {"annotations": {PAUSE: "{}"}}}
            await world.hub.patch(SYNC_TARGETS, "", "east", paused)

            await anyio.sleep(300)
            assert await namespace(world) is not None

    in_virtual_time(story)


def test_with_hashed_names_a_drained_target_is_left_without_trace() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west"), namespaces="kcp") as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.eventually(lambda: has_hashed(world, "east"), "made", within_s=30)
            await world.settle()
            evict = {"spec": {"unschedulable": True, "evictAfter": "2020-01-01T00:00:00Z"}}

            await world.hub.patch(SYNC_TARGETS, "", "east", evict)
            await world.eventually(lambda: is_clean(world, "east"), "clean", within_s=120)

            assert await has_hashed(world, "west")

    in_virtual_time(story)


async def hashed(world: World, cluster: str) -> list[str]:
    page = [p async for p in world.clusters[cluster].user.list_pages(NAMESPACES)]
    return [item.name for items in page for item in items.items if item.name.startswith("kcp-")]


async def has_hashed(world: World, cluster: str) -> bool:
    return len(await hashed(world, cluster)) == 1


async def is_clean(world: World, cluster: str) -> bool:
    return not await hashed(world, cluster)
