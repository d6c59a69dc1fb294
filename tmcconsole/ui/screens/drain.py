"""The drain plan: what moves where, what has nowhere to go; starts when the name is typed."""

from __future__ import annotations

from tmcconsole.contract.commands import DrainPlan, DrainTarget, Refused
from tmcconsole.ui.format import count, plural
from tmcconsole.ui.ink import BLANK, Run, Runs, ink
from tmcconsole.ui.screens.text import TextScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.widgets.bottom import Field, Question


class DrainScreen(TextScreen, inherit_bindings=False):
    """Shows a plan and asks for the target's name."""

    BINDINGS = TextScreen.BINDINGS

    def __init__(self, session: Session, plan: DrainPlan) -> None:
        super().__init__(
            session,
            f"Drain plan: {plan.target}",
            lambda width: plan_lines(plan, session.look().ascii_only),
            about=Subject((plan.target,)),
        )
        self.plan = plan

    def on_mount(self) -> None:
        """Ask at once; the plan can be scrolled after Esc, and D... asked for again with Enter."""
        self.action_open()

    def action_open(self) -> None:
        """Ask for the name."""
        self.begin(self._confirm(), "prompt")

    async def _confirm(self) -> None:
        target = self.plan.target
        question = Question(
            f"type {target} to drain it:", fields=(Field("name", ""),), tone="drift"
        )
        answers = await self.ask(question)
        if answers is None:
            self.dismiss()
            return
        if answers["name"].strip() != target:
            self.say(f"not drained: that is not {target}. Esc leaves, Enter asks again", "drift")
            return
        reply = await self.session.send(DrainTarget(target=target, confirm=target))
        if isinstance(reply, Refused):
            self.say(f"refused: {reply.reason} {reply.fix}".rstrip(), "failed")
            return
        self.console.flash_back(f"draining {target}", "cordoned")
        self.dismiss()


def plan_lines(plan: DrainPlan, ascii_only: bool) -> list[Runs]:
    """Return the plan: counts, then what is stranded, then what moves."""
    arrow = "->" if ascii_only else "→"
    stranded = [move for move in plan.moves if not move.to]
    moving = [move for move in plan.moves if move.to]
    lines: list[Runs] = [
        (Run(f"{plural(len(moving), 'object')} will move", "strong"), Run("  "),
         Run(f"{count(plan.stranded)} with nowhere to go",
             "failed" if plan.stranded else "synced")),
        ink("nothing is done yet: copies stay until their new places are in sync", "dim"),
        BLANK,
    ]  # fmt: skip
    if stranded:
        lines.append(ink("Nowhere to go", "title"))
        lines += [
            (Run("✗ " if not ascii_only else "x ", "failed"), Run(move.key, "text"),
             Run(f"  {move.reason}", "dim")) for move in stranded
        ]  # fmt: skip
        lines.append(BLANK)
    if moving:
        lines.append(ink("Moves", "title"))
        lines += [
            (Run(f"  {move.key}  "), Run(f"{arrow} {', '.join(move.to)}", "synced"),
             Run(f"  {move.reason}", "dim")) for move in moving
        ]  # fmt: skip
    return lines or [ink("nothing is on this target", "dim")]
