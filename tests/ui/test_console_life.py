"""The console's life: leaving, losing the engine, holding, resizing, and what it never shows."""

from __future__ import annotations

import asyncio

import pytest

from tests.ui.driving import Desk, console, make_app
from tests.ui.fixture_link import NOW, FixtureLink
from tmcconsole.backoff import Backoff
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.link import EngineLink, LinkLost
from tmcconsole.ui.actions import clashes
from tmcconsole.ui.terminal.input import InputReader


def under_cursor(desk: Desk) -> str:
    """Return the key of the row under the cursor."""
    return str(desk.app.screen.view.cursor)  # type: ignore[attr-defined]


async def test_quitting_asks_while_the_engine_is_ours() -> None:
    async with console() as desk:
        for key in ("q", "ctrl+c", "ctrl+q"):
            await desk.press(key)
            assert "the engine is running here" in desk.text
            await desk.press("escape")
            assert desk.app.is_running
        await desk.press("q", "s")
        await desk.pilot.pause()

        assert desk.app.return_value == "stop"


async def test_ctrl_c_asks_even_while_a_line_is_typed() -> None:
    async with console() as desk:
        await desk.press("slash", "w", "ctrl+c")

        assert "the engine is running here" in desk.text


async def test_an_attached_console_leaves_without_asking() -> None:
    async with console(link_mode="attached", on_quit="detach") as desk:
        await desk.press("q")

        assert desk.app.return_value == "detach"


async def test_detaching_is_offered_only_where_it_is_possible() -> None:
    async with console() as desk:
        await desk.press("q")
        assert "detach" not in desk.text
    async with console(on_quit="detach", link_mode="local") as desk:
        await desk.press("q", "d")
        assert desk.app.return_value == "detach"


async def test_a_silent_engine_makes_the_data_age_and_not_the_screen_hang() -> None:
    class Silent(FixtureLink):
        silent = False

        async def changes(self, since: Revision) -> Changes:
            if self.silent:
                await asyncio.Event().wait()
            return await super().changes(since)

    link = Silent()
    async with console(link) as desk:
        assert "live" in desk.lines[0]
        link.silent = True
        desk.app.tick()
        await desk.later(12)

        assert "data 12s old" in desk.lines[0]
        await desk.press("6")
        assert "Resources" in desk.lines[1]


async def test_a_lost_engine_ends_a_console_that_owned_it_and_says_why() -> None:
    async with console() as desk:
        desk.link.lost = RuntimeError("hub client broke")
        await desk.frame()

        assert desk.app.return_value == "lost"
        assert "hub client broke" in desk.app.failure


async def test_an_attached_console_keeps_the_last_picture_and_reconnects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tmcconsole.ui.app.RECONNECT", Backoff(first_s=0.01, cap_s=30.0))
    fresh = FixtureLink()
    fresh.epoch = "another"
    may_open = asyncio.Event()

    async def open_link() -> EngineLink:
        if not may_open.is_set():
            raise LinkLost("connection refused")
        return fresh

    async with console(link_mode="attached", on_quit="detach", open_link=open_link) as desk:
        desk.link.lost = ConnectionResetError("peer")
        await desk.frame()
        await desk.later(5)
        assert "engine lost" in desk.lines[0]
        assert "eu-west-1" in desk.text

        may_open.set()
        for _ in range(200):
            await desk.pilot.pause(0.01)
            if desk.app.session.link is fresh:
                break
        await desk.frame()

        assert "live" in desk.lines[0]


async def test_the_first_frame_is_there_before_the_engine_is() -> None:
    opening, opened = asyncio.Event(), asyncio.Event()

    async def open_link() -> EngineLink:
        opening.set()
        await opened.wait()
        return FixtureLink()

    app = make_app(None, open_link=open_link)
    async with app.run_test(size=(80, 24)) as pilot:
        desk = Desk(app, FixtureLink(), pilot, [NOW], InputReader(lambda: 0.0), [0.0])
        await asyncio.wait_for(opening.wait(), 5)
        await pilot.pause()
        assert "starting engine…" in desk.text

        opened.set()
        for _ in range(200):
            await pilot.pause(0.01)
            if app.session.mirror.loaded:
                break
        await pilot.pause()

        assert "lab-basement" in desk.text


async def test_an_engine_that_does_not_start_ends_the_console_with_the_reason() -> None:
    async def open_link() -> EngineLink:
        raise OSError("config.toml: no such file")

    app = make_app(None, open_link=open_link)
    async with app.run_test() as pilot:
        for _ in range(200):
            await pilot.pause(0.01)
            if app.failure:
                break

        assert "config.toml: no such file" in app.failure


async def test_holding_stops_the_picture_and_letting_go_shows_what_came() -> None:
    async with console() as desk:
        await desk.press("2", "z")
        desk.link.drop("TargetRecord", "eu-central-1")
        await desk.frame()
        assert "eu-central-1" in desk.text
        assert "1 changes waiting" in desk.lines[0]

        await desk.press("z")
        await desk.frame()

        assert "eu-central-1" not in desk.text


async def test_the_cursor_stays_on_its_row_while_rows_come_and_go() -> None:
    async with console() as desk:
        await desk.press("2", "j", "j")
        stayed = under_cursor(desk)
        desk.link.drop("TargetRecord", "ap-southeast-1")
        await desk.frame()

        assert under_cursor(desk) == stayed


async def test_problem_keys_jump_over_what_is_well() -> None:
    async with console() as desk:
        await desk.press("2", "full_stop")
        assert under_cursor(desk) == "eu-west-1"
        await desk.press("full_stop")
        assert under_cursor(desk) == "lab-basement"
        await desk.press("comma", "exclamation_mark")

        assert "problems only" in desk.lines[1]
        assert "eu-central-1" not in desk.text


async def test_a_small_terminal_says_what_would_do() -> None:
    async with console(size=(50, 12)) as desk:
        assert "60x15" in desk.text


async def test_resizing_from_wide_to_narrow_keeps_the_row() -> None:
    async with console(size=(160, 45)) as desk:
        await desk.press("2", "j", "j", "j")
        stayed = under_cursor(desk)
        await desk.pilot.resize_terminal(80, 24)
        await desk.pilot.pause()

        assert under_cursor(desk) == stayed
        assert all(len(line.rstrip()) <= 80 for line in desk.lines)


async def test_a_theme_can_be_chosen_and_a_wrong_one_is_told() -> None:
    async with console() as desk:
        await desk.command("theme tmc-light")
        assert desk.app.theme == "tmc-light"
        await desk.command("theme nosuch")

        assert "no theme 'nosuch'" in desk.text


async def test_the_palette_holds_our_actions_and_opens_them() -> None:
    async with console() as desk:
        await desk.press("ctrl+p")
        await desk.write("queues")
        await desk.pilot.pause(0.3)
        await desk.press("enter")
        await desk.pilot.pause(0.1)

        assert desk.app.current_mode == "queues"


def test_no_two_actions_of_a_context_claim_one_key() -> None:
    assert clashes() == []


async def test_ascii_mode_draws_nothing_but_ascii() -> None:
    async with console(settings=ConsoleSettings(refresh_hz=0.2, ascii_only=True)) as desk:
        for key in "123456":
            await desk.press(key)
            assert desk.text.isascii()


async def test_a_fatal_error_is_told_without_the_values_of_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def run_and_fail() -> None:
        async with make_app(FixtureLink()).run_test() as pilot:
            pilot.app.call_later(fail)
            await pilot.pause()

    def fail() -> None:
        token = "-".join(("s3cret", "value"))
        raise RuntimeError(f"length {len(token)}")

    with pytest.raises(RuntimeError, match="length"):
        await run_and_fail()

    told = capsys.readouterr().err
    assert "length 12" in told
    assert "s3cret-value" not in told


async def test_ages_are_drawn_though_nothing_changes() -> None:
    async with console(size=(220, 45)) as desk:
        await desk.press("2")
        assert "4m" in desk.lines[6]
        desk.clock[0] += 60
        desk.link.wall += 60
        await desk.frame()

        assert "5m" in desk.lines[6]
