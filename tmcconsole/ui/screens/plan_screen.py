"""A plan: what will be written where. It starts after a yes, or when a name is typed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tmcconsole.contract.commands import AnyReply, Refused
from tmcconsole.ui.screens.text_screen import TextScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import Lines
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.widgets.bottom import YES, PromptField, Question


@dataclass(frozen=True, slots=True)
class Harder:
    """What else may be typed: it names what is lost, and carries that out, too."""

    typed: str
    carry_out: Callable[[], Coroutine[Any, Any, AnyReply]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown, what is asked, and what a yes does."""

    title: str
    lines: Callable[[int], Lines]  # given the width in columns
    question: str
    carry_out: Callable[[], Coroutine[Any, Any, AnyReply]]
    done: Callable[[AnyReply], str]  # what to say afterwards
    typed: str = ""  # the name that must be typed; "" = a yes is enough
    refusal: str = ""  # why it cannot be carried out: then nothing is asked
    harder: Harder | None = None  # what may be typed instead, for more
    about: Subject = field(default_factory=Subject)


class PlanScreen(TextScreen, inherit_bindings=False):
    """Shows a plan and asks whether to carry it out."""

    BINDINGS = TextScreen.BINDINGS

    def __init__(self, session: Session, plan: Plan) -> None:
        super().__init__(session, plan.title, plan.lines, about=plan.about)
        self.plan = plan

    def on_mount(self) -> None:
        """Ask at once; the plan can be scrolled meanwhile."""
        if self.plan.refusal:
            self.say(f"not possible: {self.plan.refusal}", "failed")
        elif self.session.read_only:
            self.say("this console is read-only: the plan is for reading", "drift")
        else:
            self.begin(self._confirm(), "prompt")

    async def _confirm(self) -> None:
        plan = self.plan
        agreed = await (self._name_typed() if plan.typed else self._yes())
        if not agreed:
            self.dismiss()
            return
        self.say("sent…", "dim")
        is_harder = plan.harder is not None and agreed == plan.harder.typed
        reply = await (plan.harder.carry_out if plan.harder and is_harder else plan.carry_out)()
        if isinstance(reply, Refused):
            self.say(f"refused: {reply.reason} {reply.fix}".rstrip(), "failed")
            return
        self.console.flash_back(self.plan.done(reply), "synced")
        self.dismiss()

    async def _yes(self) -> str:
        question = Question(self.plan.question, YES, tone="drift", scrolls=True)
        return "y" if await self.ask(question) == {"choice": "y"} else ""

    async def _name_typed(self) -> str:
        """Return what was typed of what may be, "" for Esc."""
        wanted, text, harder = self.plan.typed, self.plan.question, self.plan.harder
        accepted = {wanted} | ({harder.typed} if harder else set())
        while True:
            answers = await self.ask(
                Question(text, fields=(PromptField("name", ""),), tone="drift")
            )
            if answers is None:
                return ""
            typed = " ".join(answers["name"].split())
            if typed in accepted:
                return typed
            text = f"does not match: type {wanted}, or Esc:"
