"""The console as a user sees it: keys in, screen and commands out."""

from __future__ import annotations

import pytest

from tests.ui.driving import Desk, console
from tests.ui.fixture_link import NOW
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.commands import (
    AllowDeletes,
    CordonTarget,
    DrainTarget,
    PauseTarget,
    ResumeTarget,
    Resync,
    SimFault,
    UncordonTarget,
)
from tmcconsole.ui.actions import ACTIONS, MODES


def under_cursor(desk: Desk) -> str:
    """Return the key of the row under the cursor."""
    return str(desk.app.screen.view.cursor)  # type: ignore[attr-defined]


async def test_the_overview_shows_the_worst_target_first_and_why() -> None:
    async with console() as desk:
        assert "✗ unreachable" in desk.lines[3]
        assert "lab-basement" in desk.lines[3]
        assert "check the VPN" in desk.text


@pytest.mark.parametrize(("key", "mode"), list(zip("123456", MODES, strict=True)))
async def test_digits_show_the_six_screens(key: str, mode: str) -> None:
    async with console() as desk:
        await desk.press(key)

        assert desk.app.current_mode == mode


async def test_pause_asks_how_long_and_why_and_sends_it() -> None:
    async with console() as desk:
        await desk.press("2", "p", "tab")
        await desk.write("JIRA-7")
        await desk.press("enter")
        await desk.frame()

        assert desk.link.sent == [
            PauseTarget(target="ap-southeast-1", until=NOW + 3600, why="JIRA-7")
        ]
        assert "‖ paused" in desk.lines[3]


async def test_pausing_a_paused_target_offers_to_resume() -> None:
    async with console() as desk:
        await desk.press("2", "G", "k", "p")
        assert "resume writes to us-east-1, paused until" in desk.text
        await desk.press("y")

        assert desk.link.sent == [ResumeTarget(target="us-east-1")]


async def test_escape_answers_every_question_with_no() -> None:
    async with console() as desk:
        for key in ("p", "u", "r", "R", "D", "F", "q"):
            await desk.press("2", "j", "j", key, "escape")

        assert desk.link.sent == []
        assert desk.app.is_running


async def test_enter_does_not_confirm_a_yes_no_question() -> None:
    async with console() as desk:
        await desk.press("2", "u", "enter")

        assert desk.link.sent == []


async def test_cordon_toggles() -> None:
    async with console() as desk:
        await desk.press("2", "u", "y")
        await desk.frame()
        await desk.press("u", "y")

        assert desk.link.sent == [
            CordonTarget(target="ap-southeast-1"),
            UncordonTarget(target="ap-southeast-1"),
        ]


async def test_a_drain_shows_its_plan_and_starts_only_when_the_name_is_typed() -> None:
    async with console() as desk:
        await desk.press("2", "X")
        assert "Stays here: no other target can take it" in desk.text
        await desk.write("ap-southeast")
        await desk.press("enter")
        assert "does not match" in desk.text
        assert not any(isinstance(command, DrainTarget) for command in desk.link.sent)

        await desk.write("ap-southeast-1")
        await desk.press("enter")

        assert desk.link.sent[-1] == DrainTarget(target="ap-southeast-1", confirm="ap-southeast-1")
        assert "draining ap-southeast-1" in desk.text


async def test_a_drain_takes_what_stays_only_when_the_loss_is_typed() -> None:
    async with console() as desk:
        await desk.press("2", "X")
        await desk.write("ap-southeast-1 loses 3")
        await desk.press("enter")
        assert not any(isinstance(command, DrainTarget) for command in desk.link.sent)

        await desk.write("ap-southeast-1 loses 11")
        await desk.press("enter")

        order = DrainTarget(target="ap-southeast-1", confirm="ap-southeast-1 loses 11", force=True)
        assert desk.link.sent[-1] == order


async def test_leaving_the_drain_plan_does_nothing() -> None:
    async with console() as desk:
        await desk.press("2", "X", "escape")

        assert "Targets" in desk.lines[1]
        assert not any(isinstance(command, DrainTarget) for command in desk.link.sent)


async def test_the_plan_scrolls_while_the_name_is_typed() -> None:
    async with console() as desk:
        await desk.press("2", "X")
        before = desk.lines[2]

        await desk.press("pagedown")

        assert desk.lines[2] != before
        assert "type ap-southeast-1" in desk.text


async def test_held_deletions_are_a_problem_and_released_only_after_yes() -> None:
    async with console() as desk:
        assert "14 deletions held" in desk.text
        await desk.press("2", "j", "j", "D")
        assert "allow 14 held deletions on eu-west-1?" in desk.text

        await desk.press("y")

        assert desk.link.sent == [AllowDeletes(target="eu-west-1")]


async def test_the_fault_menu_is_there_in_the_demo_only() -> None:
    async with console() as desk:
        await desk.press("2", "F", "o")
        assert desk.link.sent == [SimFault(target="ap-southeast-1", fault="outage")]

    async with console() as desk:
        await desk.press("2", "F", "x")
        assert "network" in desk.text
        await desk.press("w", "s")
        await desk.press("F", "m")
        assert desk.link.sent == [
            SimFault(target="ap-southeast-1", fault="silent_watches"),
            SimFault(target="ap-southeast-1", fault="all", on=False),
        ]

    async with console(link_mode="local") as desk:
        await desk.press("2", "F")
        assert "only in the demo" in desk.text
        assert desk.link.sent == []


async def test_read_only_refuses_every_change_and_says_so() -> None:
    async with console(settings=ConsoleSettings(refresh_hz=0.2, read_only=True)) as desk:
        for key in ("p", "u", "r", "R", "X", "D", "F"):
            await desk.press("2", key)
            assert "read-only" in desk.lines[-2]
        await desk.command("pause eu-west-1 for 1h")
        await desk.command("cordon eu-west-1")

        assert desk.link.sent == []


async def test_marked_rows_are_resynced_together_after_a_question() -> None:
    async with console() as desk:
        await desk.press("6", "space", "space", "r")
        assert "on all their targets?" in desk.text

        await desk.press("y")

        assert len(desk.link.sent) == 2
        assert all(isinstance(command, Resync) and command.key for command in desk.link.sent)


async def test_marks_hidden_by_the_filter_are_named_in_the_question() -> None:
    async with console() as desk:
        await desk.press("6", "space", "space", "slash")
        await desk.write("kind:Secret")
        await desk.press("enter", "r")

        assert "2 of them hidden by the filter?" in desk.text


async def test_the_filter_applies_while_typed_and_escape_brings_back_the_old_one() -> None:
    async with console() as desk:
        await desk.press("6", "slash")
        await desk.write("billing")
        assert "12/96" in desk.lines[1]

        await desk.press("escape")

        assert "12/96" not in desk.lines[1]


async def test_a_wrong_filter_is_told_and_changes_nothing() -> None:
    async with console() as desk:
        await desk.press("6", "slash")
        await desk.write("[")
        await desk.press("enter")

        assert "not a regular expression" in desk.text
        assert "96 objects" in desk.lines[1]


async def test_keys_typed_into_a_line_are_text_and_not_actions() -> None:
    async with console() as desk:
        await desk.press("slash")
        await desk.write("quX1")

        assert desk.app.is_running
        assert "/quX1" in desk.lines[-2].replace(" ", "")


async def test_commands_narrow_screens_and_act() -> None:
    async with console() as desk:
        await desk.command("res deploy -n shop @eu-*")
        assert desk.lines[1].strip().startswith("Resources  /kind:deploy -n shop @eu-*")
        await desk.command("pause @prod for 30m because JIRA-7")

        assert [c.target for c in desk.link.sent if isinstance(c, PauseTarget)] == [
            "ap-southeast-1",
            "eu-central-1",
            "eu-west-1",
            "us-east-1",
        ]


async def test_an_unknown_command_suggests_the_nearest() -> None:
    async with console() as desk:
        await desk.command("pasue eu-west-1")
        assert "did you mean pause" in desk.text
        await desk.command("cordon eu-wst-1")
        assert "did you mean eu-west-1" in desk.text


async def test_tab_completes_the_command_line() -> None:
    async with console() as desk:
        await desk.press("colon")
        await desk.write("drain eu-c")
        await desk.press("tab")

        assert "drain eu-central-1" in desk.lines[-2]


@pytest.mark.parametrize(
    ("key", "shown"),
    [("w", "the hub wins"), ("y", "replicas: 4"), ("equals_sign", "+3")],
)
async def test_inspecting_an_object_opens_a_text_and_escape_returns(key: str, shown: str) -> None:
    async with console() as desk:
        await desk.press("6", key)
        assert shown in desk.text

        await desk.press("escape")

        assert "Resources" in desk.lines[1]


async def test_searching_a_text_lights_the_match() -> None:
    async with console() as desk:
        await desk.press("6", "y", "slash")
        await desk.write("image")
        await desk.press("enter")

        pane = desk.app.screen.pane  # type: ignore[attr-defined]
        assert "image" in "".join(run.text for run in pane.lines[pane.lit])


async def test_the_help_of_the_screens_lists_every_action() -> None:
    async with console(size=(120, 120)) as desk:
        told = ""
        for screen in "123456":
            await desk.press(screen, "question_mark")
            told += desk.text
            await desk.press("q")
        await desk.press("6", "d", "question_mark")
        told += desk.text

        for action in ACTIONS:
            if "list" in action.where:
                assert action.title in told


async def test_enter_drills_in_and_escape_goes_back() -> None:
    async with console() as desk:
        await desk.press("2", "enter")
        assert "Target: ap-southeast-1" in desk.lines[1]
        assert "Conditions" in desk.text
        await desk.press("escape", "4", "j", "enter")
        assert "Resources  /@ap-southeast-1" in desk.lines[1]
        await desk.press("3", "enter")
        assert "in-flight" in desk.text
