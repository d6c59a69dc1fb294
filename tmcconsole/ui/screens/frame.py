"""The frame of every screen: header, breadcrumb, body, bottom line, keys."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar, cast

from anyio.lowlevel import checkpoint
from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from tmcconsole.contract.records import TargetRecord
from tmcconsole.ui.actions import ACTIONS, BY_ID, Action, by_key
from tmcconsole.ui.console_protocol import Console
from tmcconsole.ui.header import crumb_right, head_left, head_right
from tmcconsole.ui.rows.targets import is_gone
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import BLANK, GROUNDS, TONES, Run, Runs, ink
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.terminal.input import ReadKey
from tmcconsole.ui.widgets.bars import Bar, KeyBar
from tmcconsole.ui.widgets.bottom import Answers, BottomLine, PromptField, Question

_COMMAND = PromptField("line", ":")
MESSAGE_S = 20.0  # how long a message stays; the history keeps what matters


class FrameScreen(Screen[None], inherit_bindings=False):
    """Base of all screens. Subclasses give the body, and draw it in ``frame``."""

    WHERE = "list"  # which actions of the registry are bound here
    AUTO_FOCUS = None
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{tone}" for tone in (*TONES, *GROUNDS)}

    def __init__(self, session: Session, *, name: str) -> None:
        super().__init__(name=name)
        self.session = session
        self.head = Bar(id="head")
        self.crumb = Bar(id="crumb")
        self.bottom = BottomLine(session.options.monotonic, id="bottom")
        self.keybar = KeyBar(id="keys")
        self._said_at = 0.0

    @property
    def console(self) -> Console:
        """Return the app, as screens may use it."""
        return cast(Console, self.app)

    def compose(self) -> ComposeResult:
        """Put the frame around the body."""
        self._take_breakpoints()
        self.set_class(self.session.options.settings.ascii_only, "-ascii")
        yield self.head
        yield self.crumb
        yield from self.body()
        yield self.bottom
        yield self.keybar
        yield TooSmall(id="guard")

    def _take_breakpoints(self) -> None:
        """Apply the size's classes before the first layout: Textual would do so only after it."""
        for points, size in (
            (self.app.HORIZONTAL_BREAKPOINTS, self.app.size.width),
            (self.app.VERTICAL_BREAKPOINTS, self.app.size.height),
        ):
            fitting = [name for least, name in points or () if size >= least]
            self.add_class(*fitting[-1:])

    def body(self) -> ComposeResult:
        """Return the widgets between breadcrumb and bottom line."""
        raise NotImplementedError

    def title_runs(self) -> Runs:
        """Return the breadcrumb."""
        return ink(self.name or "", "title")

    def chip(self) -> str:
        """Return the counts on the breadcrumb's right."""
        return ""

    def subject(self) -> Subject:
        """Return what actions apply to."""
        return Subject()

    def frame(self) -> None:
        """Draw what changed. Called by the frame timer only."""
        self.head.show(head_left(self.session, self.size.width), head_right(self.session))
        self.crumb.show(self.title_runs(), crumb_right(self.session, self.chip()))
        self.keybar.show(self._keys())
        self._forget_message()

    def on_screen_resume(self) -> None:
        """Draw at once when shown again."""
        self.call_after_refresh(self.frame)

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size once it is laid out."""
        self.call_after_refresh(self.frame)

    def say(self, text: str, tone: str = "text") -> None:
        """Show a message on the bottom line."""
        self._said_at = self.session.clock
        self.bottom.say(ink(text, tone))

    def _forget_message(self) -> None:
        if self._said_at and self.session.clock - self._said_at > MESSAGE_S:
            self._said_at = 0.0
            self.bottom.say(BLANK)

    def open(self, question: Question) -> asyncio.Future[Answers | None]:
        """Ask on the bottom line from now on; the answers come later, None for no.

        The line is open when this returns: the next key is its own.
        """
        future: asyncio.Future[Answers | None] = asyncio.get_running_loop().create_future()

        def answered(answers: Answers | None) -> None:
            if not future.done():
                future.set_result(answers)

        self.bottom.ask(question, answered)
        return future

    async def ask(self, question: Question) -> Answers | None:
        """Ask on the bottom line and return the answers, None for no."""
        return await self.open(question)

    async def take_key(self, event: events.Key) -> None:
        """Carry a key out whole: an open question's first, then what is bound to it."""
        if await self.app._check_bindings(event.key, priority=True):
            return
        if not self.bottom.passes_on(event.key):
            self.bottom.take_key(event)
            return
        action = by_key(event.key, self.WHERE)
        is_amid = isinstance(event, ReadKey) and event.later > 0
        if action is not None and (action.writes or action.id == "quit") and is_amid:
            self.say(f"{action.word}: keys that came in one go are no order, press it alone")
            return
        await self.app._check_bindings(event.key)
        await checkpoint()  # what it began opens its question before the next key

    def take_paste(self, event: events.Paste) -> None:
        """Hand pasted text to an open line; without one it is nothing."""
        if self.bottom.is_asking:
            self.bottom.take_paste(event)
        else:
            self.say("pasted text is no order; open a line with : or / for it", "dim")

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a task that waits; it ends with the screen, one per name at a time."""
        self.run_worker(work, name=name, group=name, exclusive=True, exit_on_error=False)

    def action_command(self) -> None:
        """Open the command line."""
        question = Question("", fields=(_COMMAND,), complete=self.console.completions, is_line=True)
        self.begin(self._command(self.open(question)), "prompt")

    async def _command(self, answered: asyncio.Future[Answers | None]) -> None:
        answers = await answered
        if answers is not None and answers["line"].strip():
            self.console.obey(answers["line"])

    def action_act(self, act: str) -> None:
        """Start an operator's action on the selection, or say why it is not possible."""
        reason = self.refusal(BY_ID[act])
        if reason:
            self.say(reason, "drift")
        else:
            self.console.operate(act, self.subject())

    def offers(self, action: Action) -> bool:
        """Return whether an action can do anything on this screen, whatever is selected."""
        return not action.demo or self.session.options.link_mode == "demo"

    def refusal(self, action: Action) -> str:
        """Return why an action is not possible here and now; "" if it is."""
        if action.writes and self.session.read_only:
            return f"{action.word}: this console is read-only"
        return self.lacks(action, self.subject())

    def lacks(self, action: Action, subject: Subject) -> str:
        """Return what the screen or the selection lacks for an action; "" if nothing."""
        if action.demo and self.session.options.link_mode != "demo":
            return f"{action.word}: only in the demo"
        found, missing = {
            "": (True, ""),
            "target": (subject.targets, "select a target first (screens 1 to 5)"),
            "object": (subject.objects, "select an object first (screen 6)"),
            "any": (subject.targets or subject.objects, "nothing is selected"),
            "letter": (subject.letters or subject.queues, "select a dead letter (screen 3, :dead)"),
            "field": (subject.drifts, "select a drifted field first (d on an object)"),
            "held": (subject.held or self._hold_deletions(subject), "no deletions are held there"),
            "gone": (self._are_gone(subject), "for targets that do not respond; drain the others"),
        }[action.needs]
        return "" if found else f"{action.word}: {missing}"

    def _are_gone(self, subject: Subject) -> bool:
        """Return whether there are targets and none of them responds."""
        targets = self._targets(subject)
        return bool(targets) and all(is_gone(target) for target in targets)

    def _hold_deletions(self, subject: Subject) -> bool:
        return any(target.deletes_held for target in self._targets(subject))

    def _targets(self, subject: Subject) -> list[TargetRecord]:
        known = self.session.mirror.of(TargetRecord)
        return [known[name] for name in subject.targets if name in known]

    def _keys(self) -> tuple[tuple[str, str, bool], ...]:
        if self.bottom.is_asking:  # every key is its answer
            return ()
        subject = self.subject()
        actions = sorted(
            (action for action in ACTIONS if action.bar and self.WHERE in action.where),
            key=lambda action: action.bar,
        )
        return tuple(
            (action.shown, action.word, not (action.writes and self.session.read_only))
            for action in actions
            if not self.lacks(action, subject)
        )

    def action_leave(self) -> None:
        """Close a view; on one of the six screens ask to quit."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()
        else:
            self.begin(self.console.ask_quit(), "prompt")

    def action_back(self) -> None:
        """Go back to the previous screen."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()


class TooSmall(Bar):
    """Shown alone if the terminal is too small for anything else."""

    def on_mount(self) -> None:
        """Say what size is needed."""
        self.show((Run("too small: 60x15 is the minimum", "drift"),))
