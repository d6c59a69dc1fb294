"""Leaving a cluster: drain it while it responds, forget it once it is gone for good."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

from tmcconsole.contract.commands import (
    AnyReply,
    DrainPlan,
    DrainTarget,
    Fate,
    ForgetPlan,
    ForgetTarget,
    Move,
    PlanDrain,
    PlanForget,
)
from tmcconsole.contract.drain_words import EMPTY, FATES, NOT_DONE, live, loss
from tmcconsole.ui.orders.asking import complain, push
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.plan_screen import Harder, Plan, PlanScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.format import count, plural
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink, width_of, wrap
from tmcconsole.ui.subject import Subject


async def drain(screen: FrameScreen, subject: Subject) -> None:
    """Ask for the plan and show it; the plan's screen asks for the name."""
    if len(subject.targets) != 1:
        screen.say("drain: one target at a time", "drift")
        return
    target, session = subject.targets[0], screen.session
    screen.say(f"planning the drain of {target}…", "dim")
    reply = await session.send(PlanDrain(target=target))
    if not isinstance(reply, DrainPlan):
        complain(screen, reply)
        return
    screen.say("")
    ascii_only = session.draw().ascii_only
    plan = Plan(
        title=f"Drain plan: {target}",
        lines=lambda width: drain_lines(reply, width, ascii_only),
        question=f"type {target} to drain it, Esc to cancel:",
        carry_out=partial(session.send, DrainTarget(target=target, confirm=target)),
        harder=_by_force(session, reply),
        done=lambda _reply: f"draining {target}",
        typed=target,
        about=Subject((target,)),
    )
    push(screen, PlanScreen(session, plan))


def _by_force(session: Session, plan: DrainPlan) -> Harder | None:
    if not plan.stranded:
        return None
    typed = loss(plan)
    order = DrainTarget(target=str(plan.target), confirm=typed, force=True)
    return Harder(typed, partial(session.send, order))


async def forget(screen: FrameScreen, subject: Subject) -> None:
    """Ask what forgetting would release and show it; the screen asks for the name.

    The target may be the key of a SyncTarget that no longer exists.
    """
    if len(subject.targets) != 1:
        screen.say("forget: one target at a time", "drift")
        return
    target, session = subject.targets[0], screen.session
    screen.say(f"counting what {target} may hold…", "dim")
    reply = await session.send(PlanForget(target=target))
    if not isinstance(reply, ForgetPlan):
        complain(screen, reply)
        return
    screen.say("")
    plan = Plan(
        title=f"Forget: {target}",
        lines=lambda width: forget_lines(reply, width),
        question=f"type {target} to forget it, Esc to cancel:",
        carry_out=partial(session.send, ForgetTarget(target=target, confirm=target)),
        done=_released,
        typed=target,
        refusal=reply.refusal,
        about=subject,
    )
    push(screen, PlanScreen(session, plan))


def _released(reply: AnyReply) -> str:
    if not isinstance(reply, ForgetPlan):
        return f"unexpected answer: {type(reply).__name__}"
    return f"forgot {reply.target}: {plural(_total(reply), 'object')} released"


def _total(plan: ForgetPlan) -> int:
    return sum(kind.count for kind in plan.kinds)


def forget_lines(plan: ForgetPlan, width: int) -> list[Runs]:
    """Return what forgetting releases, and what that means."""
    lines: list[Runs] = [
        (Run(f"{plural(_total(plan), 'object')} of the hub", "strong"),
         Run(" may have a copy on this cluster, key "), Run(plan.target_key, "info")),
    ]  # fmt: skip
    if plan.refusal:
        lines += [BLANK, *wrap(f"Not possible: {plan.refusal}", width, "failed")]
    lines += [BLANK, ink("What it does", "title")]
    for text in (
        "In the hub, the SyncTarget, if it exists, is cordoned and drained; then finalizers,"
        " labels and reported statuses of this target are removed from the objects below,"
        " and its Lease is deleted.",
        "Objects whose deletion in the hub only waits for this cluster are gone at once.",
        "Nothing is sent to the cluster: if it comes back, its copies are still there.",
    ):
        first, *rest = wrap(text, width - 2)
        lines += [(Run("- ", "dim"), *first), *((Run("  "), *runs) for runs in rest)]
    lines += [BLANK, ink("Released", "title")]
    size = max((len(count(kind.count)) for kind in plan.kinds), default=0)
    lines += [
        (Run(f"  {count(kind.count).rjust(size)}  ", "strong"), Run(kind.kind))
        for kind in plan.kinds
    ]  # fmt: skip
    return lines if plan.kinds else [*lines, ink("  nothing: no object refers to it", "dim")]


_TONES: Final = {
    Fate.STAYS: "failed",
    Fate.MOVES: "text",
    Fate.REMOVED: "synced",
    Fate.ABSENT: "dim",
}


def drain_lines(plan: DrainPlan, width: int, ascii_only: bool) -> list[Runs]:
    """Return the plan: counts, then what becomes of each object, what stays first."""
    if not plan.moves:
        return [ink(EMPTY, "dim")]
    numbers = Counter(move.fate for move in plan.moves)
    lines: list[Runs] = [
        tuple(
            Run(f"{count(numbers[fate])} {short}  ", _TONES[fate])
            for fate, _, short in FATES
            if numbers[fate]
        ),
        ink(NOT_DONE, "dim"),
    ]
    if plan.stranded:
        lines.append(ink(f"to remove what stays, too, type: {loss(plan)}", "failed"))
    lines.append(BLANK)
    for fate, title, _ in FATES:
        found = [move for move in plan.moves if move.fate is fate]
        if found:
            lines += [ink(title, "title"), *_fate_lines(plan, found, width, ascii_only), BLANK]
    return lines


def _fate_lines(plan: DrainPlan, moves: list[Move], width: int, ascii_only: bool) -> list[Runs]:
    """Return a line for each object; in a narrow window below what becomes of it, and why."""
    size = max(width_of(ink(move.key)) for move in plan.moves)
    rows: list[Runs] = [
        (Run(f"  {move.key.ljust(size)}  ", "text"), *_fate(move, ascii_only)) for move in moves
    ]
    if all(width_of(row) <= width for row in rows):
        return rows
    alike: dict[Runs, list[str]] = {}
    for move in moves:
        alike.setdefault(_fate(move, ascii_only), []).append(move.key)
    lines: list[Runs] = []
    for fate, keys in alike.items():
        lines += [(Run("  "), *told) for told in _folded(fate, width - 2)]
        lines += [(Run("    "), *runs) for key in keys for runs in wrap(key, width - 4)]
    return lines


def _fate(move: Move, ascii_only: bool) -> Runs:
    """Return where an object goes, where else it is live, and why."""
    arrow = "->" if ascii_only else "→"
    return (
        Run(f"{arrow} {', '.join(move.to)}  " if move.to else "", "synced"),
        Run(f"{live(move)}  " if live(move) else "", "text"),
        Run(move.reason, "dim"),
    )


def _folded(fate: Runs, width: int) -> list[Runs]:
    """Return a fate on one line, or, if it is wider, each part of it wrapped."""
    if width_of(fate) <= width:
        return [fate]
    return [line for run in fate if run.text for line in wrap(run.text, width, run.tone)]
