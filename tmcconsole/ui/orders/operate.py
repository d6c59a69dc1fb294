"""The operator's actions: ask what must be asked, send, report the reply.

Each gets the screen it was started on. A reversible action asks on the bottom line with No as the
default; one that is harder to undo shows its plan first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from tmcconsole.contract.commands import (
    AllowDeletes,
    AnyOrder,
    CordonTarget,
    PauseTarget,
    ResumeTarget,
    Resync,
    ShowDiff,
    ShowObject,
    SimFault,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.faults import FAULT_MENU, MEND_ALL
from tmcconsole.contract.records import ObjectRecord, SyncState, TargetRecord
from tmcconsole.ui.orders.asking import chosen, confirmed, read, send
from tmcconsole.ui.orders.dead_letters import retry
from tmcconsole.ui.orders.drain_forget import drain, forget
from tmcconsole.ui.orders.drift_orders import adopt, cede, drift, revert
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.text_screen import diff_lines, text_lines, yaml_lines
from tmcconsole.ui.style.format import countdown, parse_duration, plural
from tmcconsole.ui.subject import Subject
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
    targets = screen.session.mirror.of(TargetRecord)
    paused = [name for name in subject.targets if name in targets and targets[name].pause]
    if len(paused) == len(subject.targets):
        if await confirmed(screen, f"resume {subject.label}?"):
            await send(screen, [ResumeTarget(target=name) for name in paused],
                       f"resumed {subject.label}")  # fmt: skip
        return
    question = Question(
        f"pause {subject.label}",
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


async def pause_for(screen: FrameScreen, subject: Subject, seconds: float, why: str) -> None:
    """Pause the targets; 0 seconds means until resumed."""
    mirror = screen.session.mirror
    now = mirror.now(screen.session.clock)
    until = now + seconds if seconds else 0.0
    span = countdown(until, now) if until else "until resumed"
    commands = [PauseTarget(target=name, until=until, why=why) for name in subject.targets]
    await send(screen, commands, f"paused {subject.label} {span}")


async def resync(screen: FrameScreen, subject: Subject) -> None:
    """Reconcile the objects, or everything on the targets; asks if more than one object."""
    commands: list[AnyOrder]
    if subject.objects:
        commands = [Resync(key=key) for key in subject.objects]
        asks = len(subject.objects) > 1
    else:
        commands = [Resync(target=name) for name in subject.targets]
        asks = True
    if not asks or await confirmed(screen, f"resync {subject.label}?"):
        await send(screen, commands, f"resync of {subject.label} queued")


async def relist(screen: FrameScreen, subject: Subject) -> None:
    """Drop the caches and list again."""
    if await confirmed(screen, f"re-list and resync everything on {subject.label}?"):
        await send(screen, [Resync(target=name, relist=True) for name in subject.targets],
                   f"re-list of {subject.label} queued")  # fmt: skip


async def cordon(screen: FrameScreen, subject: Subject) -> None:
    """Cordon, or uncordon if all are cordoned already."""
    targets = screen.session.mirror.of(TargetRecord)
    undo = all(name in targets and targets[name].cordoned for name in subject.targets)
    word = "uncordon" if undo else "cordon"
    if not await confirmed(screen, f"{word} {subject.label}?"):
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
        for name in subject.targets if name in targets and targets[name].deletes_held
    }  # fmt: skip
    if not held:
        screen.say(f"no deletions are held on {subject.label}", "dim")
        return
    number = plural(sum(held.values()), "deletion")
    if await confirmed(screen, f"allow {number} on {', '.join(held)}?"):
        await send(screen, [AllowDeletes(target=name) for name in held], f"allowed {number}")


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


async def yaml(screen: FrameScreen, subject: Subject) -> None:
    """Show the hub's object."""
    await read(screen, subject, [ShowObject(key=subject.objects[0])], "YAML", yaml_lines)


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
    "diff": diff,
    "drift": drift,
    "adopt": adopt,
    "revert": revert,
    "cede": cede,
    "retry": retry,
    "forget": forget,
}
