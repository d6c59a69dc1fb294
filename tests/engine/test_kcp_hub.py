"""A kcp workspace as the hub: hashed namespaces that say whose they are."""

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
from tmcconsole.kube.objects import annotations_of, labels_of
from tmcconsole.sync.identity import Locator, tenant_id
from tmcconsole.sync.world import Target

pytestmark = pytest.mark.anyio


def target_of(world: World, name: str) -> Target:
    session = world.engine.session
    assert session is not None
    return next(target for target in session.world.targets.values() if target.name == name)


async def test_a_workspace_is_recognised_and_named_by_its_logical_cluster() -> None:
    async with open_world(("east",), hub_flavour="kcp") as world:
        await world.settle()
        session = world.engine.session

        assert session is not None
        assert session.identity.flavour == "kcp"
        assert session.identity.cluster == session.world.hub.cluster != ""


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
