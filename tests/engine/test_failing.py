"""What a user is told when something is wrong with a target or the hub."""

from __future__ import annotations

import pytest

from tests.world.world import SYNC_TARGETS, World, open_world
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.records import HistoryRecord, TargetRecord, TargetState
from tmcconsole.engine.connection.connect import SetupError
from tmcconsole.engine.hub.failing import understand
from tmcconsole.tmc.errors import ErrorType

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def test_a_wrong_setup_is_told_with_its_own_remedy_and_nothing_else() -> None:
    found = understand(SetupError("APIsNotInstalled", "run tmc-console init --install"), "hub")

    assert found.type is ErrorType.CONFIGURATION_ERROR
    assert (found.reason, found.message, found.hint) == (
        "APIsNotInstalled",
        "run tmc-console init --install",
        "",
    )


async def the_target(world: World) -> TargetRecord | None:
    changes = await world.engine.changes(NOTHING_SEEN)
    found = [record for record in changes.upserted if isinstance(record, TargetRecord)]
    return found[0] if found else None


async def test_a_deleted_synctarget_is_a_matter_of_the_setup_and_not_our_failure() -> None:
    async with open_world(("east",)) as world:

        async def syncs() -> bool:
            target = await the_target(world)
            return target is not None and target.state is TargetState.SYNCING

        async def is_missed() -> bool:
            target = await the_target(world)
            return target is not None and target.reason == "SyncTargetMissing"

        await world.eventually(syncs, "a target that syncs")
        await world.hub.delete(SYNC_TARGETS, "", "east")
        await world.eventually(is_missed, "the SyncTarget to be missed")

        changes = await world.engine.changes(NOTHING_SEEN)
        events = {r.event for r in changes.upserted if isinstance(r, HistoryRecord)}
        target = await the_target(world)
        assert target is not None
        assert target.state is TargetState.REFUSED
        assert ErrorType.INTERNAL_ERROR not in events


async def test_another_cluster_under_the_name_is_refused_with_the_remedy() -> None:
    async with open_world(("east",)) as world:

        async def is_refused() -> TargetRecord | None:
            target = await the_target(world)
            return target if target and target.reason == "IdentityChanged" else None

        await world.eventually(lambda: the_target(world), "a target")
        note = {"metadata": {"annotations": {"syncer.kcp.io/cluster-uid": "another"}}}
        await world.hub.delete(SYNC_TARGETS, "", "east")
        await world.hub.apply(SYNC_TARGETS, {"metadata": {"name": "east", **note["metadata"]}})
        target = await world.eventually(is_refused, "the other cluster to be noticed")

        assert target.state is TargetState.REFUSED
        assert target.message.startswith("east was cluster another and is now ")
        assert target.message.endswith("nothing is written until then")
