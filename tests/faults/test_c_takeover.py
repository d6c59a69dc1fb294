"""C6 and the write modes: objects already there, and copies only created or only reported."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.faults.hands import annotate, audited, edit, told
from tests.faults.stage import Stage, open_shop, open_stage
from tests.world.world import (
    CONFIGMAPS,
    NAMESPACES,
    make_configmap,
    place_everywhere,
)
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.kube.objects import Json, Kind

pytestmark = pytest.mark.anyio

AUTOSCALERS = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")


async def test_create_only_makes_a_copy_again_and_changes_none() -> None:
    async with open_shop(("east",), write_mode="CreateOnly") as world:
        began = world.now()
        await world.paint("green")
        await edit(world, taste="theirs")
        await anyio.sleep(60)
        assert world.writes("east", since=began) == []
        assert told(world) == (SyncState.IN_SYNC, "CreateOnly")
        await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "made again")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")

        await world.until(lambda: world.names_on("hub") == [], "released")
        assert world.names_on("east") == []


async def test_report_diff_writes_nothing_and_tells_what_it_would() -> None:
    async with open_stage(("east",), write_mode="ReportDiff") as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        await world.clusters["east"].apply(
            CONFIGMAPS, make_configmap("taken", colour="red"), "them"
        )
        await place_everywhere(world)
        for name in ("absent", "taken"):
            await world.hub.apply(CONFIGMAPS, make_configmap(name))
        await world.until(lambda: told(world, "taken") == (SyncState.DRIFTED, "Reported"))
        await world.until(lambda: told(world, "absent") == (SyncState.DRIFTED, "Reported"))
        await anyio.sleep(1300)

        assert world.writes("east") == []
        assert (
            "data.colour: 'blue' there 'red' by them"
            in world.standing("east", name="taken").message
        )
        assert "created" in world.standing("east", name="absent").message
        await world.hub.delete(CONFIGMAPS, "shop", "absent")
        await world.until(lambda: world.names_on("hub") == ["taken"], "released")


async def test_report_diff_withholds_a_deletion_and_says_so() -> None:
    async with open_shop(("east",)) as world:
        await annotate(world, write_mode="ReportDiff")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: told(world) == (SyncState.HELD, "Reported"))
        await anyio.sleep(120)

        assert world.deletions() == []
        assert world.names_on("east") == ["settings"]


async def taken_name(world: Stage, **data: str) -> Json:
    """Make a foreign ConfigMap under the name that ours will have."""
    await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
    tree = make_configmap(**data)
    await world.clusters["east"].apply(CONFIGMAPS, tree, manager="stranger")
    made = world.copy("east", CONFIGMAPS, "settings")
    assert made
    await place_everywhere(world)
    await world.hub.apply(CONFIGMAPS, make_configmap())
    return made


async def test_C6_if_no_diff_adopts_what_is_the_same_and_writes_it_down() -> None:
    async with open_stage(("east",), takeover="IfNoDiff") as world:
        theirs = await taken_name(world, colour="blue")
        await world.until(lambda: told(world)[0] is SyncState.IN_SYNC, "adopted")

        copy = world.copy("east", CONFIGMAPS, "settings")
        assert copy
        assert copy["metadata"]["uid"] == theirs["metadata"]["uid"]
        assert [line["uid"] for line in audited(world, "adopt-copy")] == [copy["metadata"]["uid"]]
        events = [record.event for record in await world.records(HistoryRecord)]
        assert events.count("Adopted") == 1
        await world.rest()


async def test_C6_if_no_diff_leaves_alone_what_would_change() -> None:
    async with open_stage(("east",), takeover="IfNoDiff") as world:
        theirs = await taken_name(world, colour="red")
        await world.until(lambda: told(world) == (SyncState.COLLISION, "Collision"))
        await anyio.sleep(1300)

        assert world.copy("east", CONFIGMAPS, "settings") == theirs
        assert "data.colour" in world.standing("east").message
        assert audited(world, "adopt-copy") == []


async def test_C6_always_takes_over_and_keeps_what_the_desired_state_does_not_mention() -> None:
    async with open_stage(("east",), takeover="Always") as world:
        await taken_name(world, colour="red", taste="theirs")
        await world.until(lambda: told(world)[0] is SyncState.IN_SYNC, "adopted")

        assert world.data_on("east") == {"colour": "blue", "taste": "theirs"}
        assert len(audited(world, "adopt-copy")) == 1


@pytest.mark.parametrize(
    "claim",
    [
        {"labels": {"internal.workload.kcp.io/cluster": "of-another-hub"}},
        {"annotations": {"syncer.kcp.io/origin": "other-hub/shop/settings/some-uid"}},
        {"labels": {"karmada.io/managed": "true"}},
    ],
    ids=["label of another hub", "origin of another hub", "another syncer"],
)
async def test_C6_what_another_syncer_claims_is_never_taken_over(
    claim: Json,
) -> None:
    async with open_stage(("east",), takeover="Always") as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        tree: Any = make_configmap(colour="red")
        tree["metadata"] |= claim
        await world.clusters["east"].apply(CONFIGMAPS, tree, manager="stranger")
        theirs = world.copy("east", CONFIGMAPS, "settings")
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.until(lambda: told(world) == (SyncState.COLLISION, "Collision"))
        await anyio.sleep(1300)

        assert world.copy("east", CONFIGMAPS, "settings") == theirs
