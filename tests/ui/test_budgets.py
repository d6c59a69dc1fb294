"""What the console sends to a terminal: little for small changes, nothing for none."""

from __future__ import annotations

import pytest

from tests.ui.driving import Desk, console
from tests.ui.fixture_link import NOW


async def cost(desk: Desk, *keys: str) -> int:
    """Return the bytes that keys cause, including the panes that follow the cursor."""
    before = desk.app.written
    await desk.press(*keys)
    await desk.pilot.pause(0.2)  # the panes follow when the cursor rests
    return desk.app.written - before


async def test_nothing_is_drawn_while_nothing_changes() -> None:
    async with console(size=(160, 45)) as desk:
        await cost(desk, "2")
        before = desk.app.written
        for _ in range(20):
            await desk.frame()

        assert desk.app.written == before


async def test_ages_cost_little() -> None:
    async with console(size=(160, 45)) as desk:
        await cost(desk, "2")
        before = desk.app.written
        for second in range(60):
            desk.link.wall = desk.clock[0] = NOW + second
            await desk.frame()

        assert 0 < desk.app.written - before <= 60 * 200


async def test_a_changed_row_costs_half_a_kilobyte_at_most() -> None:
    async with console(size=(160, 45)) as desk:
        await cost(desk, "2")
        before = desk.app.written
        for number in range(20):
            desk.link.change("eu-central-1", in_sync=10 + number)
            await desk.frame()

        assert 0 < desk.app.written - before <= 20 * 512


@pytest.mark.parametrize(
    ("keys", "budget"), [(("j",), 1536), (("u", "n"), 2048), (("6",), 60 * 1024)]
)
async def test_a_key_stays_within_its_budget(keys: tuple[str, ...], budget: int) -> None:
    async with console(size=(80, 24)) as desk:
        await cost(desk, "2")

        assert 0 < await cost(desk, *keys) <= budget


async def test_a_large_screen_switches_within_sixty_kilobytes() -> None:
    async with console(size=(160, 45)) as desk:
        assert 0 < await cost(desk, "6") <= 60 * 1024
