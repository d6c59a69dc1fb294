"""H8 again: selecting and deselecting, and what a typing mistake must not do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest

from tests.faults.stage import Stage, open_shop
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.records import SyncState, TargetRecord
from tmcconsole.sync.names.markers import EXCLUDE_TARGETS, POLICY, SWITCH, TARGETS

pytestmark = pytest.mark.anyio

MANY = tuple(f"map-{number:02}" for number in range(20))


async def test_H8_a_config_that_excludes_everything_empties_no_fleet() -> None:
    async with open_shop(("east", "west"), maps=MANY) as world:
        await _restart_with(world, namespaces_exclude=("*",))
        await anyio.sleep(590)
        for name in ("east", "west"):
            assert len(world.names_on(name)) == 20  # nothing replaces them: they stay
        held = {str(r.name): r.deletes_held for r in await world.records(TargetRecord)}
        assert held == {"east": 0, "west": 0}
        began = world.now()
        await _restart_with(world, namespaces_exclude=())
        await world.settle()

        assert world.deletions() == []
        for name in ("east", "west"):
            assert len(world.names_on(name)) == 20
            assert world.writes(name, began) == []


async def test_an_object_that_is_switched_off_leaves_by_the_ordinary_path_and_comes_back() -> None:
    async with open_shop(("east", "west")) as world:
        await _annotate(world, SWITCH, "disabled")
        await world.until(lambda: world.names_on("east") == world.names_on("west") == [], "left")
        await world.until(lambda: world.finalizers(CONFIGMAPS, "settings") == [], "let go")
        assert len(world.audited_deletes()) == 2
        reply = await world.engine.request(Why(key="configmaps/shop/settings"))
        assert isinstance(reply, Text)
        assert "not selected: sync disabled" in reply.body
        await world.rest()
        await _annotate(world, SWITCH, None)

        await world.until(lambda: bool(world.data_on("east") and world.data_on("west")), "back")


async def test_a_paused_object_is_neither_written_nor_taken_away() -> None:
    async with open_shop(("east",)) as world:
        await _annotate(world, SWITCH, "pause")
        await anyio.sleep(5)
        began = world.now()
        await world.paint("green")
        await world.until(lambda: world.standing("east").reason == "SyncPaused", "held")
        assert world.standing("east").state is SyncState.HELD
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await anyio.sleep(60)
        assert world.writes("east", began) == []
        assert world.data_on("east") == {"colour": "blue"}
        await _annotate(world, SWITCH, None)

        await world.until(lambda: world.names_on("east") == [], "deleted once it may be")


async def test_an_object_goes_only_to_the_targets_it_names() -> None:
    async with open_shop(("east", "west")) as world:
        await _annotate(world, TARGETS, "east")
        await world.until(lambda: world.names_on("west") == [], "left west")
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        await _annotate(world, TARGETS, None)
        await _annotate(world, EXCLUDE_TARGETS, "east")

        await world.until(lambda: world.names_on("east") == [], "left east")
        await world.until(lambda: world.names_on("west") == ["settings"], "on west")
        await world.settle()
        await world.rest()


async def test_what_the_config_does_not_select_gets_no_mark_and_no_copy() -> None:
    async with open_shop(("east", "west"), selector="tier!=back") as world:
        plain = make_configmap("back")
        plain["metadata"]["labels"] = {"tier": "back"}
        await world.hub.apply(CONFIGMAPS, plain)
        await anyio.sleep(10)
        assert world.names_on("east") == world.names_on("west") == ["settings"]
        tree = world.copy("hub", CONFIGMAPS, "back")
        assert tree is not None
        assert world.finalizers(CONFIGMAPS, "back") == []
        marks = {**tree["metadata"]["labels"], **tree["metadata"].get("annotations", {})}
        assert [name for name in marks if "kcp.io" in name] == []
        await world.rest()


async def test_a_target_may_have_a_selection_of_its_own() -> None:
    async with open_shop(("east", "west")) as world:
        targets = tuple(
            replace(target, overrides=(("field_selector", "metadata.name!=settings"),))
            if target.name == "east"
            else target
            for target in world.settings.targets
        )
        world.settings = replace(world.settings, targets=targets)
        await world.restart()

        await world.until(lambda: world.names_on("east") == [], "left east", 60)
        assert world.names_on("west") == ["settings"]


async def test_batched_changes_are_one_write_per_interval() -> None:
    async with open_shop(("east",), policy="batched", batch_interval_s=30.0) as world:
        began = world.now()
        for number in range(60):
            await world.paint(f"shade {number}")
            await anyio.sleep(1)
        await world.until(lambda: world.data_on("east") == {"colour": "shade 59"}, "newest", 40)

        assert 2 <= len(world.writes("east", began)) <= 4


async def test_a_delayed_object_is_written_when_it_has_been_quiet() -> None:
    async with open_shop(("east",), delay_s=20.0) as world:
        await _annotate(world, POLICY, "delayed")
        began = world.now()
        for number in range(30):
            await world.paint(f"shade {number}")
            await anyio.sleep(2)
        assert world.writes("east", began) == []
        assert world.standing("east").reason == "Delayed"
        took = await world.until(lambda: world.data_on("east") == {"colour": "shade 29"}, "quiet")

        assert took <= 21
        assert len(world.writes("east", began)) == 1


async def test_a_deletion_waits_for_no_policy() -> None:
    async with open_shop(("east",)) as world:
        await _annotate(world, POLICY, "delayed")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")

        await world.until(lambda: world.names_on("east") == [], "deleted", 5)


async def _annotate(world: Stage, name: str, value: str | None) -> None:
    patch = {"metadata": {"annotations": {name: value}}}
    await world.hub.patch(CONFIGMAPS, "shop", "settings", patch)


async def _restart_with(world: Stage, **sync: Any) -> None:
    world.settings = replace(world.settings, sync=replace(world.settings.sync, **sync))
    await world.restart()
