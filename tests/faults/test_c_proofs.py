"""C7, C8: two objects that claim one name, and marks that somebody copied."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.hands import told
from tests.faults.stage import Stage, open_shop, open_stage
from tests.world.world import CONFIGMAPS, NAMESPACES, make_configmap, place_everywhere
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json

pytestmark = pytest.mark.anyio


async def forge(world: Stage, name: str, origin: str = "") -> Json:
    """Put an object on the cluster that carries the marks of our copy of ``settings``."""
    copy = world.copy("east", CONFIGMAPS, "settings")
    assert copy
    marks = {part: copy["metadata"][part] for part in ("labels", "annotations")}
    if origin:
        marks["annotations"] = {**marks["annotations"], "syncer.kcp.io/origin": origin}
    tree = make_configmap(name, owner="somebody else")
    tree["metadata"] |= marks
    await world.clusters["east"].apply(CONFIGMAPS, tree, manager="forger")
    found = world.copy("east", CONFIGMAPS, name)
    assert found
    return found


async def test_C8_a_forged_orphan_is_not_deleted_because_we_never_wrote_it() -> None:
    async with open_shop(("east",)) as world:
        copy = world.copy("east", CONFIGMAPS, "settings")
        assert copy
        origin = copy["metadata"]["annotations"]["syncer.kcp.io/origin"]
        place = origin.rpartition("/settings/")[0]
        theirs = await forge(world, "forged", f"{place}/forged/some-uid")
        await anyio.sleep(60)
        await world.restart()
        await anyio.sleep(60)

        assert world.copy("east", CONFIGMAPS, "forged") == theirs
        assert world.deletions() == []
        assert told(world, "forged") == (SyncState.COLLISION, "Unproven")


async def test_C8_a_forged_copy_does_not_keep_the_hub_object_and_is_not_deleted_with_it() -> None:
    async with open_shop(("east",)) as world:
        marks = world.copy("east", CONFIGMAPS, "settings")
        assert marks
        await world.stop()
        await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")
        tree = make_configmap(owner="somebody else")
        tree["metadata"] |= {part: marks["metadata"][part] for part in ("labels", "annotations")}
        await world.clusters["east"].apply(CONFIGMAPS, tree, manager="forger")
        theirs = world.copy("east", CONFIGMAPS, "settings")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        world.start()
        await world.until(lambda: world.names_on("hub") == [], "released", 60)
        await anyio.sleep(60)

        assert world.copy("east", CONFIGMAPS, "settings") == theirs
        assert world.deletions() == []


async def test_C7_a_namespace_that_would_be_too_long_is_refused_with_the_remedy() -> None:
    async with open_stage(("east",), namespaces="prefix", namespace_prefix="p" * 60) as world:
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.until(lambda: told(world) == (SyncState.REFUSED, "NameTooLong"))
        await anyio.sleep(60)

        assert world.writes("east") == []
        assert "namespace_prefix" in world.standing("east").message
        assert world.copy("east", NAMESPACES, "p" * 60 + "shop", "") is None
