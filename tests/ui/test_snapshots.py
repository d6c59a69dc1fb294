"""How the console looks: screens at three sizes, every theme, empty screens, questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.driving import make_app
from tests.ui.fixture_link import NOW, FixtureLink
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.records import AnyRecord, EngineRecord
from tmcconsole.contract.text import SafeText as S
from tmcconsole.ui.actions import MODES
from tmcconsole.ui.app import ConsoleApp
from tmcconsole.ui.style.themes import bundled_dir, load_themes

SIZES = ((80, 24), (120, 35), (160, 45))
THEMES = sorted(load_themes((bundled_dir(),)).themes)

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what happens before the picture is taken: a pull, the keys, a frame."""

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await app.pull()
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        app.draw()
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("number", "mode"), list(enumerate(MODES, 1)), ids=MODES)
def test_screen(snap_compare: Compare, number: int, mode: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(FixtureLink()), run_before=after(str(number)), terminal_size=size)


@pytest.mark.parametrize("theme", [name for name in THEMES if name != "tmc-dark"])
def test_theme(snap_compare: Compare, theme: str) -> None:
    app = make_app(FixtureLink(), settings=ConsoleSettings(theme=theme, refresh_hz=0.2))

    assert snap_compare(app, run_before=after(), terminal_size=(120, 35))


def test_ascii(snap_compare: Compare) -> None:
    app = make_app(FixtureLink(), settings=ConsoleSettings(ascii_only=True, refresh_hz=0.2))

    assert snap_compare(app, run_before=after("6"), terminal_size=(120, 35))


def engine(**fields: object) -> list[AnyRecord]:
    """Return a board with nothing but the engine on it."""
    values: dict[str, Any] = {
        "version": "0.1.0", "started_at": NOW - 60, "hub": S("https://hub.example:6443"),
        "hub_connected": True, "hub_since": NOW - 50,
    }  # fmt: skip
    return [EngineRecord(**(values | fields))]


EMPTIES = {
    "none": engine(),
    "denied": engine(hub_connected=False, hub_reason=S("Forbidden: cannot list synctargets")),
    "unreachable": engine(hub_connected=False, hub_reason=S("connect to 10.0.0.1:6443: refused")),
}


@pytest.mark.parametrize("name", sorted(EMPTIES))
def test_empty(snap_compare: Compare, name: str) -> None:
    app = make_app(FixtureLink(EMPTIES[name]))

    assert snap_compare(app, run_before=after("2"), terminal_size=(80, 24))


def test_empty_while_loading(snap_compare: Compare) -> None:
    assert snap_compare(make_app(None), run_before=after("2"), terminal_size=(80, 24))


def test_empty_because_of_the_filter(snap_compare: Compare) -> None:
    keys = ("2", "slash", "z", "z", "enter")

    assert snap_compare(make_app(FixtureLink()), run_before=after(*keys), terminal_size=(80, 24))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("help", ("question_mark",)),
        ("drain-plan", ("2", "X")),
        ("target-detail", ("enter",)),
        ("why", ("6", "w")),
        ("yaml", ("6", "y")),
        ("diff", ("6", "equals_sign")),
        ("pause", ("2", "p")),
        ("quit", ("q",)),
        ("queue", ("3", "enter")),
        ("drift", ("6", "d")),
        ("drifted-field", ("6", "d", "enter")),
        ("adopt", ("6", "d", "a")),
        ("cede", ("6", "d", "c")),
        ("forget", ("2", "j", "j", "j", "O")),
    ],
)
def test_pushed(snap_compare: Compare, name: str, keys: tuple[str, ...]) -> None:
    assert snap_compare(make_app(FixtureLink()), run_before=after(*keys), terminal_size=(80, 24))


def test_the_exported_picture_is_svg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from tests.ui.driving import console

    monkeypatch.chdir(tmp_path)

    async def shoot() -> None:
        async with console() as desk:
            await desk.command("screenshot picture.svg")

    asyncio.run(shoot())

    assert (tmp_path / "picture.svg").read_text().startswith("<svg")
