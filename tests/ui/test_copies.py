"""A single copy: Enter on an object's details asks its target, and y shows the copy too."""

from __future__ import annotations

from tests.ui.driving import Desk, console
from tests.ui.test_confirming import on_problem
from tmcconsole.contract.commands import Command, Query, Resync, ShowCopy, ShowObject
from tmcconsole.contract.records import ObjectRecord
from tmcconsole.ui.actions import MODES

RESOURCES = str(MODES.index("resources") + 1)


def asked(desk: Desk) -> list[Command]:
    return [one for one in desk.link.sent if isinstance(one, Query)]


async def on_object(desk: Desk, copies: int) -> ObjectRecord:
    """Put the cursor on the first object with the given number of copies."""
    await desk.press(RESOURCES)
    view = desk.app.screen.view  # type: ignore[attr-defined]
    for _ in view.order:
        record = view.current()
        assert isinstance(record, ObjectRecord)
        if len(record.cells) == copies:
            return record
        await desk.press("j")
    raise AssertionError("no such object")


async def test_two_keys_lead_from_a_problem_to_the_cause_and_the_pods() -> None:
    async with console() as desk:
        problem = await on_problem(desk, 1)
        await desk.press("enter", "enter")

        assert asked(desk) == [ShowCopy(key=problem.objects[0], target=problem.targets[0])]
        assert "CrashLoopBackOff: exit 1, 14 times" in desk.text
        assert f"On {problem.targets[0]}: {problem.objects[0]}" in desk.text


async def test_of_several_copies_the_worst_is_offered_first_and_none_is_asked_unnamed() -> None:
    async with console() as desk:
        record = await on_object(desk, 3)
        await desk.press("enter", "enter")
        assert "its copy on:" in desk.lines[-2]
        assert asked(desk) == []
        await desk.press("2")

        (command,) = asked(desk)
        assert isinstance(command, ShowCopy)
        assert command.target in [cell.target for cell in record.cells]
        assert "CrashLoopBackOff" in desk.text


async def test_yaml_of_a_selected_copy_shows_it_beside_the_hubs_object() -> None:
    async with console() as desk:
        problem = await on_problem(desk, 1)
        await desk.press("enter", "enter", "y")

        key, target = problem.objects[0], problem.targets[0]
        assert asked(desk)[1:] == [ShowObject(key=key), ShowObject(key=key, target=target)]


async def test_yaml_of_an_object_with_no_copy_selected_is_the_hubs() -> None:
    async with console() as desk:
        record = await on_object(desk, 3)
        await desk.press("y")

        assert asked(desk) == [ShowObject(key=record.key)]


async def test_a_chosen_copy_of_a_row_is_the_one_that_enter_asks_and_that_orders_are_for() -> None:
    async with console(size=(160, 45)) as desk:
        record = await on_object(desk, 3)
        await desk.press("l", "l")
        target = str(record.cells[1].target)
        assert f"copy on {target}" in desk.lines[1]
        await desk.press("enter")
        assert asked(desk)[-1] == ShowCopy(key=record.key, target=target)

        await desk.press("escape", "r")
        assert desk.link.orders == [Resync(key=record.key, target=target)]
        await desk.press("escape")
        assert "copy on" not in desk.text
