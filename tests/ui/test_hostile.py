"""Hostile strings from clusters on every screen: shown as text, never obeyed, never fatal."""

from __future__ import annotations

import msgspec
import pytest

from tests.ui.driving import console
from tests.ui.fixture_link import FixtureLink, fleet
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


def hostile(value: object, string: str) -> object:
    """Return a copy of a record with every cluster text replaced."""
    if isinstance(value, SafeText):
        return SafeText(string)
    if isinstance(value, tuple):
        return tuple(hostile(item, string) for item in value)
    if isinstance(value, msgspec.Struct):
        fields = {f: hostile(getattr(value, f), string) for f in value.__struct_fields__}
        return type(value)(**fields)
    return value


def board(string: str) -> list[AnyRecord]:
    """Return the fleet with every cluster text replaced."""
    return [hostile(record, string) for record in fleet()]  # type: ignore[misc]


@pytest.mark.parametrize("string", STRINGS, ids=range(len(STRINGS)))
async def test_every_screen_draws_it_as_text(string: str) -> None:
    async with console(FixtureLink(board(string)), size=(100, 30)) as desk:
        for key in "123456":
            await desk.press(key, "enter")
            drawn = desk.text
            assert desk.app.is_running
            assert not any(c in drawn for c in "\x1b\x9b\x07\u202e\u200b\u2028")
            await desk.press("escape", "escape")
            if not desk.app.screen.bottom.is_asking:  # type: ignore[attr-defined]
                await desk.press("p")
            await desk.press("escape")
        assert desk.app.is_running
        assert desk.app.return_value is None
