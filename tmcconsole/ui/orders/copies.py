"""Looking at copies: one as its cluster tells it, and as YAML beside the hub's object."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tmcconsole.contract.commands import ShowCopy, ShowObject
from tmcconsole.contract.records import Cell, ObjectRecord
from tmcconsole.ui.orders.asking import chosen, read
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.text_screen import text_lines, yaml_lines
from tmcconsole.ui.style.signs import cell_sign
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.widgets.bottom import KeyChoice

MAX_OFFERED: Final = 9  # copies to choose from, one digit each, the worst first


async def cause(screen: FrameScreen, subject: Subject) -> None:
    """Ask a target about its copy: cause, conditions, pods, events. Of several, ask which."""
    key = subject.objects[0]
    target = _selected(subject) or await _choose(screen, key)
    if not target:
        return
    about = replace(subject, objects=(key,), targets=(target,), copies=((key, target),))
    await read(screen, about, [ShowCopy(key=key, target=target)], f"On {target}", text_lines)


async def yaml(screen: FrameScreen, subject: Subject) -> None:
    """Show the hub's object, and the copy where one is selected and there."""
    key, target = subject.objects[0], _selected(subject)
    commands = [ShowObject(key=key)]
    if target and any(cell.target == target and cell.ready for cell in _cells(screen, key)):
        commands.append(ShowObject(key=key, target=target))
    await read(screen, subject, commands, "YAML", yaml_lines)


def _selected(subject: Subject) -> str:
    """Return the target of the one copy that is selected, "" if it is none or several."""
    found = {target for key, target in subject.copies if key == subject.objects[0]}
    return next(iter(found)) if len(found) == 1 else ""


async def _choose(screen: FrameScreen, key: str) -> str:
    cells = _cells(screen, key)[:MAX_OFFERED]
    if len(cells) < 2:
        if not cells:
            screen.say("cause: the object is placed nowhere", "drift")
        return str(cells[0].target) if cells else ""
    choices = tuple(KeyChoice(str(n), cell.target) for n, cell in enumerate(cells, 1))
    answer = await chosen(screen, "its copy on:", choices)
    return str(cells[int(answer) - 1].target) if answer else ""


def _cells(screen: FrameScreen, key: str) -> list[Cell]:
    record = screen.session.mirror.of(ObjectRecord).get(key)
    cells = record.cells if record is not None else ()
    return sorted(cells, key=lambda cell: (cell_sign(cell).rank, cell.target))
