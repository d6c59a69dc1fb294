"""Errors that an earlier run left open: they end where their object is well, or is gone."""

from __future__ import annotations

import pytest

from tests.faults.stage import open_shop
from tmcconsole.contract.records import HistoryRecord
from tmcconsole.contract.text import SafeText

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def left_open(number: int, name: str, target: str = "east") -> HistoryRecord:
    return HistoryRecord(
        id=f"sign{number}-{number}",
        at=1.0,
        category="error",
        severity="High",
        event="ResourcePermission",
        target=SafeText(target),
        subject=SafeText(f"configmaps/shop/{name}"),
    )


async def test_an_error_about_an_object_that_is_gone_ends_with_the_next_run() -> None:
    async with open_shop(("east",)) as world:
        await world.stop()
        world.start()
        world.engine.history.load([left_open(1, "gone"), left_open(2, "settings")])

        def is_over() -> bool:
            return all(record.recovered_at for record in world.engine.history.records()
                       if record.category == "error")  # fmt: skip

        await world.until(is_over, "both errors end")
        assert world.data_on("east") == {"colour": "blue"}
