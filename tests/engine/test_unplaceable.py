"""A copy that cannot be on its target is counted, shown with its reason, and not lost."""

from __future__ import annotations

from typing import Any

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.faults.definitions import WHOLE, WIDGETS, define, make_widget
from tests.world.world import SYNC_TARGETS, World, place_everywhere
from tmcconsole.contract.commands import Why
from tmcconsole.contract.records import Health, SyncState
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.verdict import NOT_WELL, exit_code, troubles
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.objects import Json, Kind

ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount")


async def board_of(world: World) -> Follower:
    board = Follower()
    await board.pull(world.engine)
    return board


async def told(world: World) -> list[tuple[str, str, str, str]]:
    """Return (target, key, state, reason) of all copies that are not well."""
    return [
        (str(one.cell.target), one.record.key, one.state, str(one.cell.reason))
        for one in troubles(await board_of(world))
    ]


async def imports_condition(world: World, target: str) -> Json:
    tree = await world.hub.get(SYNC_TARGETS, "", target)
    conditions = ((tree or {}).get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == "APIImportsReady"), {})


def test_an_object_of_a_kind_that_a_target_lacks_is_a_row_there_until_it_can_go() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await world.hub.apply(CRDS, define(size=WHOLE))
            await world.clusters["west"].apply(CRDS, define(size=WHOLE))
            await place_everywhere(world, "shop")
            await world.hub.apply(WIDGETS, make_widget())
            await world.on("west", WIDGETS, "shop", "one")
            row = ("east", "widgets.example.com/shop/one", "Held", "KindNotServed")
            await world.eventually(lambda: _is(told(world), [row]), "one row", 60)

            board = await board_of(world)
            engine = board.engine()
            assert engine is not None
            assert (engine.placed, engine.in_sync, engine.held, engine.failed) == (2, 1, 1, 0)
            assert exit_code(board) == NOT_WELL

            async def names_the_kind() -> bool:
                condition = await imports_condition(world, "east")
                said = condition.get("message") or ""
                return condition.get("status") == "False" and "widgets.example.com" in said

            await world.eventually(names_the_kind, "APIImportsReady is False and says why", 30)
            assert (await imports_condition(world, "west"))["status"] == "True"
            reply: Any = await world.engine.request(Why(key="widgets.example.com/shop/one"))
            assert "install its CRD there" in reply.body

            await world.clusters["east"].apply(CRDS, define(size=WHOLE))
            await world.on("east", WIDGETS, "shop", "one")
            await world.eventually(lambda: _is(told(world), []), "well", 120)

    in_virtual_time(story)


def test_a_kind_that_no_target_has_is_told_on_each_and_leaves_with_its_object() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await world.hub.apply(CRDS, define(size=WHOLE))
            await place_everywhere(world, "shop")
            await world.hub.apply(WIDGETS, make_widget())
            rows = [
                (name, "widgets.example.com/shop/one", "Held", "KindNotServed")
                for name in ("east", "west")
            ]
            await world.eventually(lambda: _is(told(world), rows), "a row on each", 120)

            await world.hub.delete(WIDGETS, "shop", "one")
            await world.eventually(lambda: _is(told(world), []), "no row", 60)

    in_virtual_time(story)


def test_what_policy_refuses_by_kind_is_told_and_what_each_cluster_makes_is_not() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await place_everywhere(world, "shop")
            for name in ("default", "builder"):
                await world.hub.apply(ACCOUNTS, {"metadata": {"name": name, "namespace": "shop"}})
            row = ("east", "serviceaccounts/shop/builder", "Held", "KindNotNamed")
            await world.eventually(lambda: _is(told(world), [row]), "one row", 60)

            found = troubles(await board_of(world))
            assert "sync.kinds_named" in found[0].message
            assert found[0].cell.health is Health.DEGRADED
            assert found[0].cell.state is SyncState.HELD
            assert await world.clusters["east"].get(ACCOUNTS, "shop", "builder") is None

    in_virtual_time(story)


def test_what_the_config_leaves_out_by_name_is_wanted_by_nobody() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",), kinds_deny=("configmaps",)) as world:
            await place_everywhere(world, "shop")
            tree: Json = {"metadata": {"name": "a", "namespace": "shop"}, "data": {}}
            await world.hub.apply(Kind("", "v1", "configmaps", "ConfigMap"), tree)
            await world.settle()

            assert await told(world) == []

    in_virtual_time(story)


async def _is(found: Any, wanted: object) -> bool:
    return bool(await found == wanted)
