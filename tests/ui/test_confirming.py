"""What a confirmation names is what is done: the action, its object, and until when."""

from __future__ import annotations

import pytest

from tests.ui.driving import Desk, console
from tmcconsole.contract.commands import AllowDeletes, CordonTarget, ResumeTarget, Resync
from tmcconsole.contract.records import Cell, ObjectRecord, SyncState
from tmcconsole.contract.text import SafeText as S
from tmcconsole.ui.rows.problems import Problem

WEB = "deployments.apps/shop/web"


async def on_problem(desk: Desk, objects: int) -> Problem:
    """Put the cursor on the first problem row of the given number of objects on one target."""
    await desk.press("tab")
    view = desk.app.screen.view  # type: ignore[attr-defined]
    for _ in view.order:
        problem = view.current()
        if len(problem.objects) == objects and len(problem.targets) == 1:
            assert isinstance(problem, Problem)
            return problem
        await desk.press("j")
    raise AssertionError("no such row")


async def test_a_resync_of_a_problem_is_of_its_objects_on_its_target_only() -> None:
    async with console() as desk:
        problem = await on_problem(desk, 1)
        await desk.press("r")

        assert desk.link.orders == [Resync(key=problem.objects[0], target=problem.targets[0])]
        assert f"{problem.objects[0]} on {problem.targets[0]}" in desk.text


async def test_a_resync_of_folded_objects_names_and_takes_all_of_them() -> None:
    async with console(size=(160, 45)) as desk:
        problem = await on_problem(desk, 3)
        await desk.press("r")
        assert f"{problem.objects[2]} on {problem.targets[0]}?" in desk.text
        await desk.press("y")

        assert desk.link.orders == [
            Resync(key=key, target=problem.targets[0]) for key in problem.objects
        ]


@pytest.mark.parametrize(("key", "order"), [("p", ResumeTarget), ("u", CordonTarget)])
async def test_an_order_to_the_target_of_a_problem_names_the_target(key: str, order: type) -> None:
    async with console() as desk:
        problem = await on_problem(desk, 3)
        await desk.press(key)
        assert problem.targets[0] in desk.lines[-2]
        assert WEB not in desk.lines[-2]
        await desk.press("y")

        assert [(type(one), one.target) for one in desk.link.orders] == [  # type: ignore[union-attr]
            (order, problem.targets[0])
        ]


async def test_a_pause_says_until_when() -> None:
    async with console() as desk:
        await desk.command("pause eu-west-1 for 30m because JIRA-7")

        assert "paused writes to eu-west-1 until 14:43:20Z" in desk.text


async def test_a_resync_by_name_keeps_its_target() -> None:
    async with console() as desk:
        await desk.command(f"resync {WEB} @eu-west-1")

        assert desk.link.orders == [Resync(key=WEB, target="eu-west-1")]


async def test_deletions_are_allowed_from_the_object_that_waits_for_it() -> None:
    held = Cell(S("eu-west-1"), SyncState.HELD, S("DeletionHeld"), S("held by the brake"))
    async with console() as desk:
        record = desk.link.board["ObjectRecord", WEB]
        assert isinstance(record, ObjectRecord)
        fields = {name: getattr(record, name) for name in ObjectRecord.__struct_fields__}
        desk.link.put(ObjectRecord(**(fields | {"cells": (held,)})))
        await desk.frame()
        await desk.command("res deploy/web -n shop")
        await desk.press("D")
        assert "allow 14 held deletions on eu-west-1?" in desk.text
        await desk.press("y")

        assert desk.link.orders == [AllowDeletes(target="eu-west-1")]


@pytest.mark.parametrize(("line", "asked"), [
    (f"adopt {WEB} /spec/replicas @eu-west-1", "adopt spec.replicas to "),
    (f"revert {WEB} /spec/replicas @eu-west-1", "revert spec.replicas to "),
    (f"cede {WEB} /spec/replicas @eu-west-1", "cede spec.replicas of deployments.apps/shop/web"),
])  # fmt: skip
async def test_an_order_about_a_field_names_field_value_and_object(line: str, asked: str) -> None:
    async with console(size=(160, 45)) as desk:
        await desk.command(line)

        assert asked in desk.lines[-2]
        assert WEB in desk.lines[-2]
