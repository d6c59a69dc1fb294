"""The drain plan: what moves where, what has nowhere to go; starts when the name is typed."""

from __future__ import annotations

from tmcconsole.contract.commands import DrainPlan, DrainTarget, Refused
from tmcconsole.ui.format import count, plural
from tmcconsole.ui.ink import BLANK, Run, Runs, ink, width_of
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
        """Ask at once. The plan still scrolls while the name is typed."""
        self.begin(self._confirm(), "prompt")

    async def _confirm(self) -> None:
        target = self.plan.target
        text = f"type {target} to drain it, Esc leaves it as it is:"
        while True:
            answers = await self.ask(Question(text, fields=(Field("name", ""),), tone="drift"))
            if answers is None:
                self.dismiss()
                return
            if answers["name"].strip() == target:
                break
            text = f"that is not it: type {target}, or Esc:"
        reply = await self.session.send(DrainTarget(target=target, confirm=target))
        if isinstance(reply, Refused):
            self.say(f"refused: {reply.reason} {reply.fix}".rstrip(), "failed")
            return
        self.console.flash_back(f"draining {target}", "cordoned")
        self.dismiss()


def plan_lines(plan: DrainPlan, ascii_only: bool) -> list[Runs]:
    """Return the plan: counts, then what is stranded, then what moves."""
    arrow = "->" if ascii_only else "→"
    size = max((width_of(ink(move.key)) for move in plan.moves), default=0)
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
            (Run("✗ " if not ascii_only else "x ", "failed"), Run(move.key.ljust(size), "text"),
             Run(f"  {move.reason}", "dim")) for move in stranded
        ]  # fmt: skip
        lines.append(BLANK)
    if moving:
        lines.append(ink("Moves", "title"))
        lines += [
            (Run(f"  {move.key.ljust(size)}  "), Run(f"{arrow} {', '.join(move.to)}", "synced"),
             Run(f"  {move.reason}", "dim")) for move in moving
        ]  # fmt: skip
    return lines or [ink("nothing is on this target", "dim")]
