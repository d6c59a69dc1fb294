"""The operator's actions: ask what must be asked, send, report the reply.

Each gets the screen it was started on. A reversible action asks on the bottom line with No as the
default; one that is harder to undo shows its plan first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tmcconsole.contract.commands import (
    AllowDeletes,
    AnyOrder,
    CordonTarget,
    PauseTarget,
    ResumeTarget,
    Resync,
    ShowDiff,
    SimFault,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.faults import FAULT_MENU, MEND_ALL
from tmcconsole.contract.records import ObjectRecord, SyncState, TargetRecord
from tmcconsole.ui.orders.asking import chosen, confirmed, read, send
from tmcconsole.ui.orders.copies import cause, yaml
from tmcconsole.ui.orders.copying import copy_command, copy_name
from tmcconsole.ui.orders.dead_letters import retry
from tmcconsole.ui.orders.drain_forget import drain, forget
from tmcconsole.ui.orders.drift_orders import adopt, cede, drift, revert
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.text_screen import diff_lines, text_lines
from tmcconsole.ui.style.format import clock_time, parse_duration, plural
from tmcconsole.ui.subject import Subject, names
from tmcconsole.ui.widgets.bottom import KeyChoice, PromptField, Question

PAUSE_FOR: Final = "1h"  # the default answer; a pause that ends by itself is safer
MAX_DIFFS: Final = 20  # targets asked for one object's diff
FAULTS: Final = (
    KeyChoice("o", "outage"),
    KeyChoice("l", "latency"),
    KeyChoice("t", "429"),
    KeyChoice("c", "cut-watch"),
    KeyChoice("x", "more"),
    KeyChoice("m", "clear all"),
)
_FAULT_OF: Final = {"o": "outage", "l": "latency", "t": "throttle", "c": "cut-watch"}

RunAction = Callable[[FrameScreen, Subject], Awaitable[None]]


async def pause(screen: FrameScreen, subject: Subject) -> None:
    """Pause, asking for how long and why; resume if all are paused already."""
    known = screen.session.mirror.of(TargetRecord)
    paused = [name for name in subject.targets if name in known and known[name].pause]
    if len(paused) == len(subject.targets):
        if await confirmed(screen, f"resume writes to {subject.label}{_ends(screen, paused)}?"):
            await send(screen, [ResumeTarget(target=name) for name in paused],
                       f"resumed writes to {subject.label}")  # fmt: skip
        return
    question = Question(
        f"pause writes to {subject.label}",
        fields=(PromptField("for", "for", PAUSE_FOR, 5), PromptField("why", "because", "", 12)),
        tone="paused",
    )
    answers = await screen.ask(question)
    if answers is None:
        return
    try:
        seconds = parse_duration(answers["for"]) if answers["for"].strip() else 0.0
    except ValueError as error:
        screen.say(str(error), "drift")
        return
    await pause_for(screen, subject, seconds, answers["why"].strip())


def _ends(screen: FrameScreen, paused: Sequence[str]) -> str:
    """Return until when one target is paused; of several it differs."""
    pause = screen.session.mirror.of(TargetRecord)[paused[0]].pause if len(paused) == 1 else None
    if pause is None:
        return ""
    return f", paused until {clock_time(pause.until)}Z" if pause.until else ", paused until resumed"


async def pause_for(screen: FrameScreen, subject: Subject, seconds: float, why: str) -> None:
    """Pause the targets; 0 seconds means until resumed."""
    until = screen.session.mirror.now(screen.session.clock) + seconds if seconds else 0.0
    told = f"until {clock_time(until)}Z" if until else "until resumed"
    commands = [PauseTarget(target=name, until=until, why=why) for name in subject.targets]
    await send(screen, commands, f"paused writes to {subject.label} {told}")


async def resync(screen: FrameScreen, subject: Subject) -> None:
    """Reconcile the copies, or everything on the targets; more than one copy asks."""
    commands: list[AnyOrder]
    if subject.copies:
        what = subject.copies_label
        commands = [Resync(key=key, target=target) for key, target in subject.copies]
    else:
        what = f"all objects on {subject.label}"
        commands = [Resync(target=name) for name in subject.targets]
    asks = len(commands) > 1 or not subject.copies
    if not asks or await confirmed(screen, f"resync {what}?"):
        await send(screen, commands, f"resync of {what} queued")


async def relist(screen: FrameScreen, subject: Subject) -> None:
    """Drop the caches and list again."""
    if await confirmed(screen, f"list again and resync all objects on {subject.label}?"):
        await send(screen, [Resync(target=name, relist=True) for name in subject.targets],
                   f"listing {subject.label} again")  # fmt: skip


async def cordon(screen: FrameScreen, subject: Subject) -> None:
    """Cordon, or uncordon if all are cordoned already."""
    targets = screen.session.mirror.of(TargetRecord)
    undo = all(name in targets and targets[name].cordoned for name in subject.targets)
    word = "uncordon" if undo else "cordon"
    means = "new objects may go there" if undo else "nothing new goes there until uncordoned"
    if not await confirmed(screen, f"{word} {subject.label}: {means}?"):
        return
    commands: list[AnyOrder] = [
        UncordonTarget(target=name) if undo else CordonTarget(target=name)
        for name in subject.targets
    ]
    await send(screen, commands, f"{word}ed {subject.label}")


async def allow_deletes(screen: FrameScreen, subject: Subject) -> None:
    """Release what the mass-delete brake holds, after showing how much that is."""
    targets = screen.session.mirror.of(TargetRecord)
    held = {
        name: targets[name].deletes_held
        for name in dict.fromkeys((*subject.targets, *subject.held))
        if name in targets and targets[name].deletes_held
    }
    if not held:
        screen.say(f"no deletions are held on {subject.label}", "dim")
        return
    number = plural(sum(held.values()), "held deletion")
    what = f"{number} on {names(tuple(held), 'target')}"
    if await confirmed(screen, f"allow {what}?"):
        await send(screen, [AllowDeletes(target=name) for name in held], f"allowed {what}")


async def fault(screen: FrameScreen, subject: Subject) -> None:
    """Inject a fault of a simulated cluster, or clear it."""
    wanted = await chosen(screen, f"fault on {subject.label}:", FAULTS)
    if wanted == "x":
        name = await _any_fault(screen)
    elif wanted == "m":
        name = MEND_ALL
    else:
        name = _FAULT_OF.get(wanted, "")
    if not name:
        return
    is_on = name != MEND_ALL
    commands = [SimFault(target=target, fault=name, on=is_on) for target in subject.targets]
    await send(screen, commands, f"{name if is_on else 'cleared'}: {subject.label}")


async def _any_fault(screen: FrameScreen) -> str:
    """Ask for a group, then for a fault in it; return its name, "" for none."""
    groups = {group.key: group for group in FAULT_MENU}
    choices = tuple(KeyChoice(group.key, group.word) for group in FAULT_MENU)
    group = groups.get(await chosen(screen, "fault:", choices))
    if group is None:
        return ""
    faults = {one.key: one.name for one in group.faults}
    choices = tuple(KeyChoice(one.key, one.word) for one in group.faults)
    return faults.get(await chosen(screen, f"{group.word}:", choices), "")


async def why(screen: FrameScreen, subject: Subject) -> None:
    """Explain an object's state."""
    await read(screen, subject, [Why(key=subject.objects[0])], "Why", text_lines)


async def diff(screen: FrameScreen, subject: Subject) -> None:
    """Show the diff of desired and actual state, for every target of the object."""
    key = subject.objects[0]
    record = screen.session.mirror.of(ObjectRecord).get(key)
    cells = record.cells if record is not None else ()
    ordered = sorted(cells, key=lambda cell: (cell.state is SyncState.IN_SYNC, cell.target))
    commands = [ShowDiff(key=key, target=cell.target) for cell in ordered[:MAX_DIFFS]]
    if not commands:
        screen.say("diff: the object is not placed", "drift")
        return
    await read(screen, subject, commands, "Diff", diff_lines)


async def switch(screen: FrameScreen, subject: Subject, verb: str) -> None:
    """Execute a verb that was typed in full: it is not confirmed again."""
    kinds: dict[str, type[ResumeTarget | CordonTarget | UncordonTarget]] = {
        "resume": ResumeTarget,
        "cordon": CordonTarget,
        "uncordon": UncordonTarget,
    }
    commands: list[AnyOrder] = [kinds[verb](target=name) for name in subject.targets]
    await send(screen, commands, f"{verb}: {subject.label}")


async def run(act: str, screen: FrameScreen, subject: Subject) -> None:
    """Run the action with this id."""
    await ACTS[act](screen, subject)


ACTS: Final[dict[str, RunAction]] = {
    "pause": pause,
    "resync": resync,
    "relist": relist,
    "cordon": cordon,
    "drain": drain,
    "allow-deletes": allow_deletes,
    "fault": fault,
    "why": why,
    "yaml": yaml,
    "cause": cause,
    "diff": diff,
    "drift": drift,
    "adopt": adopt,
    "revert": revert,
    "cede": cede,
    "retry": retry,
    "forget": forget,
    "copy-name": copy_name,
    "copy-command": copy_command,
}
