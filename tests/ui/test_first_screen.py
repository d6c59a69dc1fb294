"""The first screen tells the story at every size: where to look, what is wrong, what is new."""

from __future__ import annotations

from base64 import b64decode

import pytest

from tests.ui.driving import Desk, console
from tests.ui.fixture_link import NOW, FixtureLink, fleet
from tests.ui.test_confirming import on_problem
from tmcconsole.contract.records import EngineRecord, TargetRecord
from tmcconsole.contract.text import SafeText as S
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.rows.targets import note, synced
from tmcconsole.ui.style.ink import plain
from tmcconsole.ui.style.signs import target_sign
from tmcconsole.ui.terminal.clipboard import copy_sequence

SIZES = ((80, 24), (120, 35), (160, 45))
NARROW = (80, 24)


@pytest.mark.parametrize("size", SIZES)
async def test_cause_remedy_and_newest_event_are_on_it(size: tuple[int, int]) -> None:
    async with console(size=size) as desk:
        text = " ".join(desk.text.replace("▏", " ").split())

        assert "connect to 10.9.8.7:6443" in text
        assert "check the VPN" in text
        assert "spec.replicas 4 -> 3 by kubectl-edit" in desk.lines[-3]
        assert "3 objects: admission denied" in text


async def test_the_tabs_say_where_to_look() -> None:
    async with console(size=(160, 45)) as desk:
        assert "3 Queues 1 dead" in desk.lines[1]
        assert "5 History 2 open" in desk.lines[1]
    async with console(size=NARROW) as desk:
        wanted = "1 Overview 2 Targets(2) 3 Queues(1) 4 Health(6) 5 History(2) 6 Resources(4)"
        assert desk.lines[1].strip() == wanted


async def test_the_selected_problem_is_told_in_the_empty_rows() -> None:
    async with console(size=(160, 45)) as desk:
        problem = await on_problem(desk, 3)
        desk.app.draw()
        await desk.pilot.pause()

        assert "webhook quota.example denied the request" in desk.text
        assert all(key in desk.text for key in problem.objects)


@pytest.mark.parametrize("key", ["2", "5", "6"])
async def test_what_explains_stays_where_columns_must_go(key: str) -> None:
    async with console(size=NARROW) as desk:
        await desk.press(key)
        heading = next(line for line in desk.lines if "STATE" in line)

        assert heading.split()[-1] in ("NOTE", "MESSAGE")


async def test_a_long_hub_address_does_not_push_the_numbers_out() -> None:
    link = FixtureLink()
    engine = link.board["EngineRecord", "engine"]
    assert isinstance(engine, EngineRecord)
    fields = {name: getattr(engine, name) for name in EngineRecord.__struct_fields__}
    link.put(EngineRecord(**(fields | {"hub_workspace": S(), "hub": S("/very/long/path" * 20)})))
    async with console(link, size=(120, 35)) as desk:
        assert "348/424 in sync" in desk.lines[0]
        assert "2 failed" in desk.lines[0]


async def test_the_help_is_that_of_the_screen() -> None:
    async def keys_on(desk: Desk, screen: str) -> str:
        await desk.press(screen, "question_mark")
        told = "\n".join("".join(run.text for run in runs) for runs in desk.app.screen.pane.lines)  # type: ignore[attr-defined]
        await desk.press("q")
        return told

    async with console() as desk:
        targets, resources = await keys_on(desk, "2"), await keys_on(desk, "6")

        assert "pause or resume" in targets
        assert "pause or resume" not in resources
        assert "1  ap-southeast-1" in resources
        assert "sort by lag" in targets
        assert "sort by lag" not in resources
        assert "copy of the object" in resources
        assert "copy of the object" not in targets
        assert "next pane" not in targets


async def test_faults_are_not_offered_on_a_real_engine() -> None:
    async with console(link_mode="local") as desk:
        titles = [one.title for one in desk.app.get_system_commands(desk.app.screen)]

        assert titles
        assert not any("simulated" in title for title in titles)


async def test_names_and_commands_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with console() as desk:
        monkeypatch.setattr(desk.app, "copy", copied.append)
        await desk.command("res deploy/web -n shop")
        await desk.press("Y", "K")
        await desk.press("2", "K")

    assert copied == [
        "deployments.apps/shop/web",
        "kubectl get deployments.apps web -n shop -o yaml",
        "kubectl get synctargets.workload.kcp.io ap-southeast-1 -o yaml",
    ]


def test_the_clipboard_is_reached_through_tmux_and_bounded() -> None:
    plain = copy_sequence("web\x1b]", {})
    inside = copy_sequence("web\x1b]", {"TMUX": "/tmp/tmux"})

    assert b64decode(plain.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"web\x1b]"
    assert inside == plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    assert copy_sequence("web", {"STY": "1"}).startswith("\x1bP\x1b]52;")
    with pytest.raises(ValueError, match="too long"):
        copy_sequence("x" * 60_000, {})


def test_a_target_that_is_drained_is_not_draining_nothing_of_nothing() -> None:
    target = next(r for r in fleet() if isinstance(r, TargetRecord) and r.name == "eu-central-1")
    fields = {name: getattr(target, name) for name in TargetRecord.__struct_fields__}
    empty = TargetRecord(**(fields | {"objects": 0, "in_sync": 0, "evict_after": NOW - 60}))
    draw = DrawContext(NOW)

    assert target_sign(empty).word == "drained"
    assert plain(synced(empty, draw)) == "-"
    assert plain(note(empty, draw)) == "nothing left here; u uncordons it"


async def test_where_there_is_no_room_for_a_rail_the_rows_that_are_left_tell_what_is_new() -> None:
    link = FixtureLink()
    for kind, key in list(link.board):
        if kind in ("ObjectRecord", "KindRecord") or (kind == "TargetRecord" and "lab" not in key):
            link.drop(kind, key)
    async with console(link, size=NARROW) as desk:
        text = desk.text.partition("check the VPN")[2]

        assert "Recent" in text
        assert "pause target us-east-1" in text
