"""The operator's actions: ask what must be asked, send, say what came back.

Each takes the screen it was started on. A reversible action asks on the bottom line with No as the
default; a drain shows its plan and wants the target's name typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tmcconsole.contract.commands import (
    Accepted,
    AllowDeletes,
    AnyCommand,
    AnyReply,
    CordonTarget,
    DrainPlan,
    PauseTarget,
    PlanDrain,
    QueueItems,
    Refused,
    ResumeTarget,
    Resync,
    ShowDiff,
    ShowObject,
    ShowQueue,
    SimFault,
    Text,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.faults import FAULT_MENU, MEND_ALL
from tmcconsole.contract.records import ObjectRecord, QueueRecord, SyncState, TargetRecord
from tmcconsole.ui.format import countdown, parse_duration, plural
from tmcconsole.ui.ink import Run, Runs, ink
from tmcconsole.ui.screens.drain import DrainScreen
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.text import TextScreen, diff_lines, text_lines, yaml_lines
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.widgets.bottom import Choice, Field, Question

YES: Final = (Choice("y", "yes"), Choice("n", "no"))
PAUSE_FOR: Final = "1h"  # offered; a pause that ends by itself is the safer default
MAX_DIFFS: Final = 20  # targets asked for one object's diff
FAULTS: Final = (
    Choice("o", "outage"),
    Choice("l", "latency"),
    Choice("t", "429"),
    Choice("c", "cut-watch"),
    Choice("x", "more"),
    Choice("m", "mend all"),
)
_FAULT_OF: Final = {"o": "outage", "l": "latency", "t": "throttle", "c": "cut-watch"}

Act = Callable[[FrameScreen, Subject], Awaitable[None]]


async def send(screen: FrameScreen, commands: Sequence[AnyCommand], done: str) -> bool:
    """Send commands one by one; say ``done``, or the first refusal. Return whether all went."""
    for command in commands:
        reply = await screen.session.send(command)
        if isinstance(reply, Refused):
            screen.say(f"refused: {reply.reason} {reply.fix}".rstrip(), "failed")
            return False
        if isinstance(reply, Accepted) and reply.message and len(commands) == 1:
            done = reply.message
    screen.say(done, "synced")
    return True


async def confirmed(screen: FrameScreen, text: str) -> bool:
    """Ask yes or no, No being the default."""
    return await screen.ask(Question(text, YES)) == {"choice": "y"}


async def pause(screen: FrameScreen, subject: Subject) -> None:
    """Pause, asking for how long and why; resume where all are paused already."""
    targets = screen.session.mirror.of(TargetRecord)
    paused = [name for name in subject.targets if name in targets and targets[name].pause]
    if len(paused) == len(subject.targets):
        if await confirmed(screen, f"resume {subject.label}?"):
            await send(screen, [ResumeTarget(target=name) for name in paused],
                       f"resumed {subject.label}")  # fmt: skip
        return
    question = Question(
        f"pause {subject.label}",
        fields=(Field("for", "for", PAUSE_FOR, 5), Field("why", "because", "", 12)),
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
    """Reconcile the objects, or everything on the targets; more than one object asks."""
    commands: list[AnyCommand]
    if subject.objects:
        commands = [Resync(key=key) for key in subject.objects]
        asks = len(subject.objects) > 1
    else:
        commands = [Resync(target=name) for name in subject.targets]
        asks = True
    if not asks or await confirmed(screen, f"resync {subject.label}?"):
        await send(screen, commands, f"resync of {subject.label} queued")


async def relist(screen: FrameScreen, subject: Subject) -> None:
    """Drop caches and list anew."""
    if await confirmed(screen, f"re-list and resync everything on {subject.label}?"):
        await send(screen, [Resync(target=name, relist=True) for name in subject.targets],
                   f"re-list of {subject.label} queued")  # fmt: skip


async def cordon(screen: FrameScreen, subject: Subject) -> None:
    """Cordon, or uncordon where all are cordoned already."""
    targets = screen.session.mirror.of(TargetRecord)
    undo = all(name in targets and targets[name].cordoned for name in subject.targets)
    word = "uncordon" if undo else "cordon"
    if not await confirmed(screen, f"{word} {subject.label}?"):
        return
    commands: list[AnyCommand] = [
        UncordonTarget(target=name) if undo else CordonTarget(target=name)
        for name in subject.targets
    ]
    await send(screen, commands, f"{word}ed {subject.label}")


async def drain(screen: FrameScreen, subject: Subject) -> None:
    """Ask for the plan and show it; the plan's screen asks for the name."""
    if len(subject.targets) != 1:
        screen.say("drain: one target at a time", "drift")
        return
    screen.say(f"planning the drain of {subject.label}…", "dim")
    reply = await screen.session.send(PlanDrain(target=subject.targets[0]))
    if isinstance(reply, DrainPlan):
        screen.say("")
        push(screen, DrainScreen(screen.session, reply))
    else:
        complain(screen, reply)


async def allow_deletes(screen: FrameScreen, subject: Subject) -> None:
    """Release what the mass-delete brake holds, after saying how much that is."""
    targets = screen.session.mirror.of(TargetRecord)
    held = {
        name: targets[name].deletes_held
        for name in subject.targets if name in targets and targets[name].deletes_held
    }  # fmt: skip
    if not held:
        screen.say(f"no deletions are held on {subject.label}", "dim")
        return
    number = plural(sum(held.values()), "deletion")
    if await confirmed(screen, f"let {number} on {', '.join(held)} go ahead?"):
        await send(screen, [AllowDeletes(target=name) for name in held], f"allowed {number}")


async def fault(screen: FrameScreen, subject: Subject) -> None:
    """Switch a fault of a simulated cluster, or mend it."""
    chosen = await _choose(screen, f"fault on {subject.label}:", FAULTS)
    if chosen == "x":
        name = await _any_fault(screen)
    elif chosen == "m":
        name = MEND_ALL
    else:
        name = _FAULT_OF.get(chosen, "")
    if not name:
        return
    is_on = name != MEND_ALL
    commands = [SimFault(target=target, fault=name, on=is_on) for target in subject.targets]
    await send(screen, commands, f"{name if is_on else 'mended'}: {subject.label}")


async def _any_fault(screen: FrameScreen) -> str:
    """Ask for a group, then for a fault in it; return its name, "" for none."""
    groups = {group.key: group for group in FAULT_MENU}
    choices = tuple(Choice(group.key, group.word) for group in FAULT_MENU)
    group = groups.get(await _choose(screen, "which kind of fault?", choices))
    if group is None:
        return ""
    faults = {one.key: one.name for one in group.faults}
    choices = tuple(Choice(one.key, one.word) for one in group.faults)
    return faults.get(await _choose(screen, f"{group.word}:", choices), "")


async def _choose(screen: FrameScreen, text: str, choices: tuple[Choice, ...]) -> str:
    answers = await screen.ask(Question(text, choices, tone="drift"))
    return answers["choice"] if answers else ""


async def why(screen: FrameScreen, subject: Subject) -> None:
    """Show why an object is as it is."""
    await _read(screen, subject, [Why(key=subject.objects[0])], "Why", text_lines)


async def yaml(screen: FrameScreen, subject: Subject) -> None:
    """Show the hub's object."""
    await _read(screen, subject, [ShowObject(key=subject.objects[0])], "YAML", yaml_lines)


async def diff(screen: FrameScreen, subject: Subject) -> None:
    """Show what is wanted against what is there, for every target of the object."""
    key = subject.objects[0]
    record = screen.session.mirror.of(ObjectRecord).get(key)
    cells = record.cells if record is not None else ()
    ordered = sorted(cells, key=lambda cell: (cell.state is SyncState.IN_SYNC, cell.target))
    commands = [ShowDiff(key=key, target=cell.target) for cell in ordered[:MAX_DIFFS]]
    if not commands:
        screen.say("diff: the object is placed nowhere", "drift")
        return
    await _read(screen, subject, commands, "Diff", diff_lines)


async def queue_items(screen: FrameScreen, queue: QueueRecord) -> None:
    """Show the keys in a queue."""
    reply = await screen.session.send(ShowQueue(target=queue.target, kind=queue.kind))
    if isinstance(reply, QueueItems):
        look = screen.session.look()
        lines = queue_lines(reply, look.now)
        push(screen, TextScreen(screen.session, f"Queue: {queue.target} {queue.kind}",
                                lambda _width: lines))  # fmt: skip
    else:
        complain(screen, reply)


def queue_lines(reply: QueueItems, now: float) -> list[Runs]:
    """Return a queue's keys, aligned."""
    if not reply.items:
        return [ink("the queue is empty", "dim")]
    size = max(len(item.key) for item in reply.items)
    tones = {"in-flight": "pending", "delayed": "drift"}
    return [
        (
            Run(f"{item.state:<10}", tones.get(item.state, "text")),
            Run(item.key.ljust(size), "strong"),
            Run(f"  {item.attempts} tries" if item.attempts else "", "dim"),
            Run(f"  in {countdown(item.due_at, now)}" if item.due_at > now else "", "dim"),
            Run(f"  {item.error}" if item.error else "", "failed"),
        )
        for item in reply.items
    ]


async def _read(
    screen: FrameScreen,
    subject: Subject,
    commands: Sequence[AnyCommand],
    title: str,
    lines: Callable[[str, int], list[Runs]],
) -> None:
    """Ask questions and show the answers as one text."""
    screen.say("asking…", "dim")
    answers: list[Text] = []
    for command in commands:
        reply = await screen.session.send(command)
        if not isinstance(reply, Text):
            complain(screen, reply)
            return
        answers.append(reply)
    screen.say("")

    def read(width: int) -> list[Runs]:
        parts: list[Runs] = []
        for answer in answers:
            parts += [ink(answer.title, "title")] if len(answers) > 1 else []
            parts += [*lines(answer.body, width), ()]
        return parts

    shown = f"{title}: {subject.objects[0]}"
    push(screen, TextScreen(screen.session, shown, read, about=subject))


def push(screen: FrameScreen, new: FrameScreen) -> None:
    """Show an answer, unless the person has gone elsewhere meanwhile."""
    if screen.is_current:
        screen.app.push_screen(new)


def complain(screen: FrameScreen, reply: AnyReply) -> None:
    """Say what came back instead of an answer."""
    match reply:
        case Refused():
            screen.say(f"refused: {reply.reason} {reply.fix}".rstrip(), "failed")
        case Accepted():
            screen.say(reply.message or "accepted", "synced")
        case _:
            screen.say(f"unexpected answer: {type(reply).__name__}", "failed")


async def switch(screen: FrameScreen, subject: Subject, verb: str) -> None:
    """Carry out a verb that was written out in full: it was meant, so nothing is asked."""
    kinds: dict[str, type[ResumeTarget | CordonTarget | UncordonTarget]] = {
        "resume": ResumeTarget,
        "cordon": CordonTarget,
        "uncordon": UncordonTarget,
    }
    commands: list[AnyCommand] = [kinds[verb](target=name) for name in subject.targets]
    await send(screen, commands, f"{verb}: {subject.label}")


async def run(act: str, screen: FrameScreen, subject: Subject) -> None:
    """Run the action with this id."""
    await ACTS[act](screen, subject)


ACTS: Final[dict[str, Act]] = {
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
}
