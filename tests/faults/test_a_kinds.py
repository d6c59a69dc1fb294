"""A14 and A15: kinds come, go and fail; other kinds are not affected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.faults.definitions import TEXT, WIDGETS, WIDGETS_V2, define, make_widget
from tests.faults.stage import KINDS, Stage, open_shop, open_stage
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    SYNC_TARGETS,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.commands import AllowDeletes, Text, Why
from tmcconsole.contract.records import (
    Health,
    HistoryRecord,
    KindRecord,
    KindState,
    ObjectRecord,
    SyncState,
    TargetRecord,
)
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.objects import Json

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_A14_a_kind_that_goes_and_comes_back_takes_nothing_with_it(side: str) -> None:
    async with open_shop(("east",)) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")))
        sim = world.sims[side]
        sim.faults.switch("kind_gone", hidden_kinds={"configmaps"})
        sim.faults.switch("cut_watches")
        await anyio.sleep(60)
        began = world.now()
        await anyio.sleep(600)
        assert len(world.lists(side, CONFIGMAPS, began)) <= 2 * 600 / 25
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 5}})
        await world.until(lambda: _replicas(world) == 5, "other kinds flow")
        sim.faults.switch("kind_gone", on=False)
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, within_s=130)

        assert world.deletions() == []
        assert world.creations("east", CONFIGMAPS, "settings") == 1


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_A15_a_kind_that_cannot_be_listed_degrades_only_itself(side: str) -> None:
    async with open_stage(("east",)) as world:
        world.sims[side].faults.switch("kind_500", failing_kinds={"configmaps"})
        await world.restart()
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.hub.apply(DEPLOYMENTS, make_deployment())

        await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")), "others flow")
        assert world.names_on("east") == []
        assert world.conditions("east")["Ready"] == "True OK"
        world.sims[side].faults.switch("kind_500", on=False)
        await world.until(lambda: bool(world.data_on("east")), "it recovers", 65)


def _replicas(world: Stage) -> int:
    tree = world.copy("east", DEPLOYMENTS, "web")
    return int(tree["spec"]["replicas"]) if tree else 0


async def test_A14_a_new_definition_is_synced_within_seconds() -> None:
    async with open_shop(("east",), kinds_allow=(*KINDS, WIDGETS.id)) as world:
        await world.hub.apply(CRDS, define())
        await anyio.sleep(10)
        assert await _kind(world) == "Pending KindNotServed"
        await world.clusters["east"].apply(CRDS, define())
        await world.hub.apply(WIDGETS, make_widget())

        await world.until(lambda: bool(world.copy("east", WIDGETS, "one")), "synced", 5)
        assert await _kind(world) == "Accepted"
        await world.until(lambda: _listed(world).get(WIDGETS.id) == "Accepted", "told", 5)
        await world.rest()


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_A14_a_vanished_definition_is_gone_with_one_condition_and_comes_back(
    side: str,
) -> None:
    async with _widgets() as world:
        sim = world.sims[side]
        sim.faults.switch("kind_gone", hidden_kinds={WIDGETS.id})
        sim.faults.switch("cut_watches")
        await world.until(lambda: world.standing("east", WIDGETS, "one").reason == "KindAway")
        standing = world.standing("east", WIDGETS, "one")
        assert standing.state is SyncState.HELD
        assert await _kind(world) == "Gone KindAway"
        await world.until(
            lambda: world.conditions("east")["APIImportsReady"] == "False KindsMissing"
        )
        others = {k: v for k, v in world.conditions("east").items() if k != "APIImportsReady"}
        assert set(others.values()) == {"True OK"}
        assert _listed(world)[WIDGETS.id] == "Pending"
        told = [one for one in await world.records(HistoryRecord) if one.subject == WIDGETS.id]
        assert [one.event for one in told] == ["KindGone"]
        reply = await world.engine.request(Why(key=f"{WIDGETS.id}/shop/one"))
        assert isinstance(reply, Text)
        assert "kind gone: kind away" in reply.body
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "others flow")
        sim.faults.switch("kind_gone", on=False)

        await world.until(
            lambda: world.standing("east", WIDGETS, "one").state is SyncState.IN_SYNC, "back", 130
        )
        await world.until(lambda: world.conditions("east")["APIImportsReady"] == "True OK")
        assert world.deletions() == []
        assert world.creations("east", WIDGETS, "one") == 1
        events = [one.event for one in await world.records(HistoryRecord)]
        assert "KindAccepted" in events


async def test_A14_what_vanished_is_still_known_after_a_restart() -> None:
    async with _widgets() as world:
        world.sims["east"].faults.switch("kind_gone", hidden_kinds={WIDGETS.id})
        await world.restart()
        await world.until(
            lambda: (
                world.conditions("east")["APIImportsReady"] == "False KindsMissing"
                and bool(world.engine.supervisors)
            ),
            "told again",
        )

        assert await _kind(world) == "Gone KindAway"


async def test_A14_a_version_change_moves_and_writes_nothing() -> None:
    async with _widgets() as world:
        for side in (world.hub, world.clusters["east"]):
            await side.apply(CRDS, define("v1", "v2"))
        await anyio.sleep(20)
        began = world.now()
        for side in (world.hub, world.clusters["east"]):
            await side.apply(CRDS, define("v2"))
        await anyio.sleep(20)
        assert [record.version for record in await _records(world)] == ["v2"]
        assert world.writes(since=began) == []
        await world.restart()
        await anyio.sleep(20)
        assert world.writes(since=began) == []
        await world.hub.patch(WIDGETS_V2, "shop", "one", {"spec": {"size": 8}})

        await world.until(lambda: _size(world) == 8, "synced in the new version", 5)
        assert world.deletions() == []
        assert world.creations("east", WIDGETS, "one") == 1


async def test_A14_a_definition_deleted_in_the_hub_takes_no_copies_until_somebody_allows_it() -> (
    None
):
    async with _widgets() as world:
        await world.hub.delete(CRDS, "", WIDGETS.id)
        await anyio.sleep(120)
        assert world.deletions() == []
        assert "being deleted" in world.standing("east", WIDGETS, "one").message
        assert world.standing("east", WIDGETS, "one").reason == "DeletionHeld"

        await world.engine.request(AllowDeletes(target="east", actor="test"))
        await world.until(lambda: world.copy("east", WIDGETS, "one") is None, "meant", 60)
        await world.until(lambda: world.copy("hub", CRDS, WIDGETS.id, "") is None, "gone", 60)


async def test_A14_a_definition_deleted_on_a_cluster_comes_back_with_its_copies() -> None:
    async with _widgets() as world:
        await world.clusters["east"].delete(CRDS, "", WIDGETS.id)
        await world.until(lambda: world.standing("east", WIDGETS, "one").reason == "KindAway")
        assert world.copy("hub", WIDGETS, "one") is not None
        await world.clusters["east"].apply(CRDS, define())

        await world.until(lambda: _size(world) == 3, "written again", 10)


async def test_A14_a_kind_that_does_not_fit_is_not_synced_names_the_field_and_recovers() -> None:
    async with _widgets() as world:
        began = world.now()
        await world.clusters["east"].apply(CRDS, define("v1", size=TEXT))
        await world.until(
            lambda: world.conditions("east")["APIImportsReady"] == "False KindsMissing", "", 10
        )
        [record] = await _records(world)
        assert record.state is KindState.INCOMPATIBLE
        assert "spec.size: integer in the hub, string there" in record.message
        assert _listed(world)[WIDGETS.id] == "Incompatible"
        assert world.standing("east", WIDGETS, "one").reason == "SchemaNarrower"
        await world.hub.patch(WIDGETS, "shop", "one", {"spec": {"size": 4}})
        await world.paint("green")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "others flow")
        assert [one for one in world.writes("east", began) if "widgets" in one.path] == []
        await world.clusters["east"].apply(CRDS, define())

        await world.until(lambda: _size(world) == 4, "synced again", 10)
        assert world.deletions() == []


@asynccontextmanager
async def _widgets() -> AsyncIterator[Stage]:
    """Open a shop where both sides serve widgets and one is in sync."""
    async with open_shop(("east",), kinds_allow=(*KINDS, WIDGETS.id)) as world:
        for side in (world.hub, world.clusters["east"]):
            await side.apply(CRDS, define())
        await world.hub.apply(WIDGETS, make_widget())
        await world.until(lambda: _size(world) == 3, "a widget is there")
        await world.until(lambda: _listed(world).get(WIDGETS.id) == "Accepted", "told")
        await world.settle()
        yield world


async def _records(world: Stage) -> list[KindRecord]:
    return [one for one in await world.records(KindRecord) if one.kind == WIDGETS.id]


async def _kind(world: Stage) -> str:
    [record] = await _records(world)
    return f"{record.state.value} {record.reason}".strip()


def _listed(world: Stage) -> dict[str, str]:
    """Return the states in the SyncTarget's status, by kind."""
    tree: Json = world.sims["hub"].store.get(SYNC_TARGETS.id, "", "east") or {}
    found = (tree.get("status") or {}).get("syncedResources") or []
    return {f"{one['resource']}.{one['group']}".rstrip("."): one["state"] for one in found}


def _size(world: Stage) -> int:
    tree = world.copy("east", WIDGETS, "one")
    return int(tree["spec"]["size"]) if tree else 0


@pytest.mark.parametrize("side", ["hub", "east"])
async def test_A15_a_kind_that_cannot_be_watched_any_more_is_told_as_old(side: str) -> None:
    async with open_shop(("east",)) as world:
        await world.until(lambda: bool(world.data_on("east")))
        await world.settle()
        faults = world.sims[side].faults
        faults.switch("kind_500", failing_kinds={"configmaps"})
        faults.switch("cut_watches")
        await anyio.sleep(30)

        [target] = await world.records(TargetRecord)
        assert (target.objects, target.in_sync) == (1, 0)
        [record] = await world.records(ObjectRecord)
        [cell] = record.cells
        assert (cell.state, cell.health) == (SyncState.STALE, Health.DEGRADED)
        assert world.conditions("east")["KindsWatched"] == "False KindsStale"
        assert world.conditions("east")["Ready"] == "True OK"
        reply = await world.engine.request(Why(key="configmaps/shop/settings"))
        assert isinstance(reply, Text)
        assert "last known: in sync" in reply.body, reply.body
        told = [one for one in await world.records(HistoryRecord) if one.event == "KindStale"]
        assert [(one.subject, one.recovered_at) for one in told] == [("configmaps", 0.0)]

        faults.switch("kind_500", on=False)
        await anyio.sleep(60)
        [target] = await world.records(TargetRecord)
        assert target.in_sync == 1
        assert world.conditions("east")["KindsWatched"] == "True OK"
        told = [one for one in await world.records(HistoryRecord) if one.event == "KindStale"]
        assert [bool(one.recovered_at) for one in told] == [True]
