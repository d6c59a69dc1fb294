"""A kcp workspace as the hub: hashed namespaces that tell their origin."""

from __future__ import annotations

import pytest

from tests.world.world import (
    CONFIGMAPS,
    NAMESPACES,
    World,
    make_configmap,
    open_world,
    place_everywhere,
)
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import ObjectKey, annotations_of, labels_of
from tmcconsole.sync.names.identity import Locator, tenant_id
from tmcconsole.sync.names.renames import KCP_ROOT_CA, ROOT_CA
from tmcconsole.sync.state.target import Target

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def target_of(world: World, name: str) -> Target:
    session = world.engine.session
    assert session is not None
    return next(target for target in session.shared.targets.values() if target.name == name)


async def test_a_workspace_is_recognised_and_named_by_its_logical_cluster() -> None:
    async with open_world(("east",), hub_flavour="kcp") as world:
        await world.settle()
        session = world.engine.session

        assert session is not None
        assert session.identity.flavour == "kcp"
        assert session.identity.cluster == session.shared.hub.cluster != ""


async def test_a_copy_lives_in_a_hashed_namespace_that_tells_its_origin() -> None:
    async with open_world(("east",), hub_flavour="kcp") as world:
        await place_everywhere(world, "shop")
        await world.hub.apply(CONFIGMAPS, make_configmap("settings"))
        await world.settle()
        names = target_of(world, "east").names

        await world.on("east", CONFIGMAPS, names.on_target("shop"), "settings")

        found = await world.on("east", NAMESPACES, "", names.on_target("shop"))
        locator = Locator.from_json(annotations_of(found)["kcp.io/namespace-locator"])
        assert found["metadata"]["name"].startswith("kcp-")
        assert locator == names.locator("shop")
        assert labels_of(found)["kcp.io/tenant-id"] == tenant_id(locator)
        assert await world.clusters["east"].get(NAMESPACES, "", "shop") is None


async def test_the_workspaces_authority_goes_beside_the_clusters_and_leaves_again() -> None:
    async with open_world(("east",), hub_flavour="kcp") as world:
        await place_everywhere(world, "shop")
        await world.hub.apply(CONFIGMAPS, make_configmap(ROOT_CA, authority="the workspace's"))
        await world.hub.apply(CONFIGMAPS, make_configmap(KCP_ROOT_CA))
        await world.settle()
        space = target_of(world, "east").names.on_target("shop")

        copy = await world.on("east", CONFIGMAPS, space, KCP_ROOT_CA)
        theirs = await world.on("east", CONFIGMAPS, space, ROOT_CA)
        assert copy["data"] == {"authority": "the workspace's"}
        assert theirs["data"] != copy["data"]
        await world.settle()
        ledger = target_of(world, "east").ledger
        mine, reserved = (
            ledger.get("configmaps", ObjectKey("shop", name)) for name in (ROOT_CA, KCP_ROOT_CA)
        )
        assert mine is not None
        assert mine.standing.state is SyncState.IN_SYNC
        assert reserved is not None
        assert (reserved.standing.state, reserved.standing.reason) == (SyncState.REFUSED, "RootCA")

        await world.clusters["east"].patch(CONFIGMAPS, space, KCP_ROOT_CA, {"data": {"x": "y"}})
        await world.clusters["east"].delete(CONFIGMAPS, space, KCP_ROOT_CA)
        await world.on("east", CONFIGMAPS, space, KCP_ROOT_CA)
        await world.hub.delete(CONFIGMAPS, "shop", ROOT_CA)

        async def is_gone() -> bool:
            here = await world.clusters["east"].get(CONFIGMAPS, space, KCP_ROOT_CA)
            return here is None and await world.hub.get(CONFIGMAPS, "shop", ROOT_CA) is None

        await world.eventually(is_gone, "both are gone")
        assert await world.clusters["east"].get(CONFIGMAPS, space, ROOT_CA) is not None


async def test_a_plain_hubs_authority_stays_where_it_is() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world, "shop")
        await world.hub.apply(CONFIGMAPS, make_configmap(ROOT_CA))
        await world.hub.apply(CONFIGMAPS, make_configmap(KCP_ROOT_CA))

        await world.on("east", CONFIGMAPS, "shop", KCP_ROOT_CA)
        await world.settle()

        found = target_of(world, "east").ledger.get("configmaps", ObjectKey("shop", ROOT_CA))
        assert found is None or found.standing.reason == "RootCA"
