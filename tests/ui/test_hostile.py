"""Hostile strings from clusters on every screen: shown as text, never obeyed, never fatal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import msgspec
import pytest

from tests.ui.driving import console
from tests.ui.fixture_link import FixtureLink, fleet
from tmcconsole.contract.commands import AnyCommand, AnyReply
from tmcconsole.contract.records import AnyRecord
from tmcconsole.contract.text import SafeText

STRINGS = (
    "[/]",
    "x[/nope]",
    "[@click=app.exit]here[/]",
    "[bold red]loud[/bold red]",
    "[link=http://evil.example]x[/link]",
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "a\u202eb\u200bc\u2028d",
    "e" + "\u0301" * 40,
    "日本語" * 30,
    "$(reboot)`id`",
    "{}%s%n",
    "x" * 5000,
    "",
)


def hostile(value: object, strings: Iterator[str]) -> object:
    """Return a copy of a record with every cluster text replaced by the next hostile one."""
    if isinstance(value, SafeText):
        return SafeText(next(strings))
    if isinstance(value, tuple):
        return tuple(hostile(item, strings) for item in value)
    if isinstance(value, msgspec.Struct):
        fields = {f: hostile(getattr(value, f), strings) for f in value.__struct_fields__}
        return type(value)(**fields)
    return value


def board(start: int) -> list[AnyRecord]:
    """Return the fleet in hostile words. Each ``start`` gives each field another string."""
    strings = cycle(STRINGS[start:] + STRINGS[:start])
    return [hostile(record, strings) for record in fleet()]  # type: ignore[misc]


class HostileLink(FixtureLink):
    """Answers every question in hostile words, too."""

    async def request(self, command: AnyCommand) -> AnyReply:
        reply = await super().request(command)
        return hostile(reply, cycle(STRINGS))  # type: ignore[return-value]


@pytest.mark.parametrize("start", range(0, len(STRINGS), 4))
async def test_every_screen_draws_it_as_text(start: int) -> None:
    async with console(FixtureLink(board(start)), size=(100, 30)) as desk:
        for key in "123456":
            await desk.press(key)
            drawn = desk.text
            await desk.press("enter")
            drawn += desk.text
            assert not any(c in drawn for c in "\x1b\x9b\x07\u202e\u200b\u2028")
            await desk.press("escape")
        assert desk.app.is_running
        assert desk.app.return_value is None


async def test_lists_that_the_engine_is_asked_for_draw_it_as_text() -> None:
    async with console(HostileLink(board(0)), size=(100, 30)) as desk:
        for line in ("dead", "forget k39Lsq3x"):
            await desk.command(line)
            drawn = desk.text
            await desk.press("enter")
            drawn += desk.text
            assert not any(c in drawn for c in "\x1b\x9b\x07\u202e\u200b\u2028")
            await desk.press("escape", "escape")
        assert desk.app.is_running


async def test_questions_and_answers_draw_it_as_text() -> None:
    async with console(HostileLink(board(0)), size=(100, 30)) as desk:
        for keys in ("2p", "2u", "2X", "6w", "6y", "6=", "6d", "6da", "6dv", "6dc", "3t"):
            await desk.press(*(("equals_sign" if key == "=" else key) for key in keys))
            assert not any(c in desk.text for c in "\x1b\x9b\x07\u202e\u200b\u2028")
            await desk.press("escape")
        assert desk.app.is_running
