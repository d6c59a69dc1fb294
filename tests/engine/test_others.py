"""Others write to the clusters, too: foreign objects, drift, and writers that will not stop."""

from __future__ import annotations

import anyio
import pytest

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import (
    CONFIGMAPS,
    NAMESPACES,
    World,
    make_configmap,
    place_everywhere,
)
from tmcconsole.contract.commands import Resync
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.conflicts.drift_ledger import FIGHT_FLIPS, FIGHT_WINDOW_S
from tmcconsole.sync.state.ledger import LedgerEntry
from tmcconsole.sync.state.live_reads import REFUSED_RECHECK_S
from tmcconsole.sync.state.target import Target

SETTINGS = ObjectKey("shop", "settings")


def target(world: World) -> Target:
    session = world.engine.session
    assert session is not None
    return next(iter(session.shared.targets.values()))


def entry(world: World) -> LedgerEntry:
    return target(world).ledger.entry("configmaps", SETTINGS)


async def data(world: World) -> Json:
    found = await world.clusters["east"].get(CONFIGMAPS, "shop", "settings")
    assert found is not None
    values: Json = found.get("data") or {}
    return values


async def is_ours_again(world: World) -> bool:
    return (await data(world)).get("colour") == "blue"


async def in_sync(world: World) -> None:
    await place_everywhere(world)
    await world.hub.apply(CONFIGMAPS, make_configmap())
    await world.on("east", CONFIGMAPS, "shop", "settings")
    await world.settle()


def test_a_foreign_object_is_found_out_by_one_attempt_and_then_only_looked_at() -> None:
    """C6: it is neither overwritten nor retried in a loop."""

    async def story() -> None:
        async with open_virtual_world() as world:
            await place_everywhere(world)
            theirs = await make_foreign(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await anyio.sleep(30)
            assert entry(world).standing.reason == "Collision"
            before = target(world).client.writes_attempted

            for _ in range(3):
                await world.engine.request(Resync(target="east"))
                await anyio.sleep(5)
            assert target(world).client.writes_attempted == before
            found = await world.clusters["east"].get(CONFIGMAPS, "shop", "settings")
            assert found == theirs

            await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")
            await anyio.sleep(REFUSED_RECHECK_S + 30)
            assert await is_ours_again(world)

    in_virtual_time(story)


async def make_foreign(world: World) -> Json:
    """Make an object of that name on the cluster before ours can be made."""
    await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
    return await world.clusters["east"].apply(CONFIGMAPS, make_configmap(colour="theirs"))


@pytest.mark.parametrize(
    "change", [{"colour": "green"}, {"colour": None}], ids=["changed", "taken out"]
)
def test_a_change_back_and_forth_ends_in_a_truce_that_says_so(change: Json) -> None:
    """B4: whether the other writer changes our field or removes it."""

    async def story() -> None:
        async with open_virtual_world() as world:
            await in_sync(world)
            for _ in range(FIGHT_FLIPS):
                await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", {"data": change})
                await world.eventually(lambda: is_ours_again(world), "reverted")

            await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", {"data": change})
            await anyio.sleep(60)
            assert not await is_ours_again(world)
            assert entry(world).standing.reason == "Fight"
            told = [r for r in world.engine.history.records() if r.event == "Fight"]
            assert len(told) == 1
            assert "colour" in told[0].message

            # A new desired state ends the truce at once.
            await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"size": "XL"}})
            await world.eventually(lambda: is_ours_again(world), "the new desired state is written")

    in_virtual_time(story)


def test_changes_far_apart_are_taken_back_for_ever() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await in_sync(world)
            for _ in range(2 * FIGHT_FLIPS):
                await world.clusters["east"].patch(
                    CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}}
                )
                await world.eventually(lambda: is_ours_again(world), "reverted")
                await anyio.sleep(FIGHT_WINDOW_S / FIGHT_FLIPS)

            assert entry(world).standing.reason == ""

    in_virtual_time(story)
