"""E: the process dies, stalls or fails; the next one finishes what it left half done."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from tests.faults.stage import open_shop
from tests.world.world import CONFIGMAPS
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio


async def test_E2_a_process_that_was_stopped_for_a_minute_wakes_up_careful() -> None:
    async with open_shop(("east", "west")) as world:
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        clock = asyncio.get_running_loop()._selector.clock  # type: ignore[attr-defined]
        clock.advance(60.0)
        began = world.now()
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, "goes on", 60)
        await anyio.sleep(60)

        assert world.deletions() == []
        assert len(world.writes("east", began)) <= 1
        assert world.conditions("east")["Ready"] == "True OK"


async def test_E5_a_loop_that_is_blocked_again_and_again_is_no_outage() -> None:
    async with open_shop(("east", "west")) as world:
        clock = asyncio.get_running_loop()._selector.clock  # type: ignore[attr-defined]
        began = world.now()
        for number in range(20):
            clock.advance(2.0)  # nothing runs meanwhile
            await world.paint(f"shade {number}")
            await anyio.sleep(0.5)

        await world.until(lambda: world.data_on("west") == {"colour": "shade 19"}, "goes on", 60)
        assert world.deletions() == []
        for side in ("east", "west"):
            assert len(world.writes(side, began)) <= 20
            assert world.conditions(side)["Ready"] == "True OK"


async def test_E9_an_error_of_our_own_in_one_reconcile_is_counted_and_stops_nothing_else(
    surprises: list[str],
) -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:

        def err(cluster: str, request: Request) -> Response | None:
            if cluster == "east" and request.path.endswith("/settings"):
                raise ZeroDivisionError("a mistake in here")
            return None

        world.meddle = err
        began = world.now()
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        await world.hub.patch(CONFIGMAPS, "shop", "other", {"data": {"colour": "green"}})
        await world.until(lambda: world.data_on("east", "other") == {"colour": "green"}, "other")
        await anyio.sleep(600)
        assert 3 < len(world.writes("east", began)) <= 20
        standing = world.standing("east")
        assert (standing.state, standing.reason) == (SyncState.FAILED, "ZeroDivisionError")
        errors = [r for r in await world.records(HistoryRecord) if r.category == "error"]
        assert [record.event for record in errors] == ["InternalError"]
        assert errors[0].count == len(surprises)
        surprises.clear()
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "recovers", 330)


async def test_E9_an_error_of_our_own_in_a_background_task_restarts_its_target_only(
    surprises: list[str],
) -> None:
    async with open_shop(("east", "west")) as world:

        def err(cluster: str, request: Request) -> Response | None:
            if cluster == "east" and request.path == "/version":
                raise ZeroDivisionError("a mistake in here")
            return None

        world.meddle = err
        await anyio.sleep(60)
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": "green"}})
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, "west", 1)
        assert 3 <= len(surprises) <= 8
        surprises.clear()
        world.meddle = lambda _cluster, _request: None

        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "east", 60)
        assert world.deletions() == []
