"""The bottom line: the last message, or a question with its answers, or a line to type in.

One widget of one line for all three, so that asking repaints a line and not the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from textual import events

from tmcconsole.ui.style.ink import Run, Runs, elide, ink, width_of
from tmcconsole.ui.terminal.input import ReadKey
from tmcconsole.ui.widgets.paper import Paper

MAX_TYPED = 500  # characters; the rest is dropped
LEAST_ASKED: Final = 8  # columns of a question that its answers must leave free
UNREAD_S: Final = 0.3  # a key that comes sooner was typed before anyone could read the question

_PASSED_ON = ("up", "down", "pageup", "pagedown")  # these still move what is behind the line

Answers = dict[str, str]


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """A key that answers a question, and the word beside it."""

    key: str
    word: str

    @property
    def shown(self) -> str:
        """Return the key as people write it."""
        return "Esc" if self.key == "escape" else self.key


YES: Final = (KeyChoice("y", "yes"), KeyChoice("n", "no"))


@dataclass(frozen=True, slots=True)
class PromptField:
    """Something to type: its label and its initial value."""

    name: str
    label: str
    start: str = ""
    width: int = 10  # columns shown while another field is typed in


@dataclass(frozen=True, slots=True)
class Question:
    """A question. Without fields a choice's key answers it; with fields Enter does."""

    text: str
    choices: tuple[KeyChoice, ...] = ()
    fields: tuple[PromptField, ...] = ()
    tone: str = "prompt"
    complete: Callable[[str], tuple[str, ...]] | None = None  # whole lines that could follow
    typed: Callable[[str], None] | None = None  # called at each change, for a live filter
    is_line: bool = False  # it was opened to be typed in at once: it asks nothing
    scrolls: bool = False  # what is behind it belongs to the question and can be scrolled


@dataclass(slots=True)
class _Open:
    """The question on the line now."""

    question: Question
    answer: Callable[[Answers | None], None]
    values: list[str] = field(default_factory=list)
    at: int = 0  # which field has the cursor
    caret: int = 0
    asked_at: float = 0.0  # monotonic seconds
    broken: int = 0  # the read that had a line break in its middle: none of it answers


class BottomLine(Paper):
    """Owner of the message and of the open question.

    It never has the focus, because moving the focus repaints widgets: the screen passes it the
    keys.
    """

    def __init__(self, clock: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock  # monotonic seconds
        self._message: Runs = ()
        self._open: _Open | None = None

    @property
    def is_asking(self) -> bool:
        """Return whether a question waits for its answer."""
        return self._open is not None

    def say(self, message: Runs) -> None:
        """Show a message; a question covers it until answered."""
        self._message = message
        self.patch()

    def ask(self, question: Question, answer: Callable[[Answers | None], None]) -> None:
        """Ask, and call ``answer`` with what was typed or chosen; None means no."""
        self.dismiss()
        values = [each.start for each in question.fields]
        self._open = _Open(
            question=question,
            answer=answer,
            values=values,
            at=0,
            caret=len(values[0]) if values else 0,
            asked_at=self._clock(),
        )
        self.patch()

    def dismiss(self) -> None:
        """Answer an open question with no."""
        self._close(None)

    def passes_on(self, key: str) -> bool:
        """Return whether a key goes to what is behind the line."""
        if self._open is None:
            return True
        question = self._open.question
        return bool(question.fields or question.scrolls) and key in _PASSED_ON

    def take_key(self, event: events.Key) -> None:
        """Take a key while asking: a question is never answered by accident."""
        if self._open is None:
            return
        is_early = self._is_early(event)
        if self._open.question.fields:
            self._type(event, is_early=is_early)
        elif not is_early:
            self._choose(event.character or event.key, event.key)

    def _is_early(self, event: events.Key) -> bool:
        """Return whether a key was pressed before the question could be read."""
        assert self._open is not None, "only called while asking"
        came = event.read_at if isinstance(event, ReadKey) else self._clock()
        return not self._open.question.is_line and came < self._open.asked_at + UNREAD_S

    def take_paste(self, event: events.Paste) -> None:
        """Insert pasted text: one line, whatever it was; it answers no question."""
        if self._open is not None and self._open.question.fields:
            self._insert(" ".join(event.text.split()))

    def _choose(self, character: str, key: str) -> None:
        assert self._open is not None, "only called while asking"
        wanted = next(
            (c.key for c in self._open.question.choices if c.key in (character, key)), None
        )
        if wanted is not None:
            self._close({"choice": wanted})
        elif character in ("n", "q") or key in ("enter", "escape"):
            self._close(None)  # the default is no

    def _type(self, event: events.Key, *, is_early: bool) -> None:
        assert self._open is not None, "only called while asking"
        state = self._open
        edit = _EDITS.get(event.key)
        if event.key == "enter":
            self._enter(event, is_early=is_early)
        elif event.key == "escape":
            if not _is_amid(event):  # else it is part of what came in one go
                self._close(None)
        elif event.key in ("tab", "shift+tab"):
            self._tab(1 if event.key == "tab" else -1)
            self.patch()
        elif edit is not None:
            state.values[state.at], state.caret = edit(state.values[state.at], state.caret)
            self._changed()
            self.patch()
        elif event.character and event.is_printable:
            self._insert(event.character)

    def _enter(self, event: events.Key, *, is_early: bool) -> None:
        """Answer; a line break in the middle of what came in one read is a space of it."""
        assert self._open is not None, "only called while asking"
        state = self._open
        if _is_amid(event) or (isinstance(event, ReadKey) and event.read == state.broken):
            state.broken = event.read if isinstance(event, ReadKey) else 0
            self._insert(" ")
        elif not is_early:
            fields = state.question.fields
            self._close({f.name: v for f, v in zip(fields, state.values, strict=True)})

    def _insert(self, text: str) -> None:
        assert self._open is not None, "only called while asking"
        state = self._open
        value = state.values[state.at]
        value = value[: state.caret] + text + value[state.caret :]
        state.values[state.at] = value[:MAX_TYPED]
        state.caret = min(state.caret + len(text), MAX_TYPED)
        self._changed()
        self.patch()

    def _changed(self) -> None:
        assert self._open is not None, "only called while asking"
        if self._open.question.typed is not None:
            self._open.question.typed(self._open.values[0])

    def _tab(self, step: int) -> None:
        """Accept the completion, or go to the next field."""
        assert self._open is not None, "only called while asking"
        state = self._open
        offers = self._offers(state)
        if offers and len(state.values) == 1:
            state.values[0] = offers[0]
            state.caret = len(offers[0])
            self._changed()
            return
        state.at = (state.at + step) % len(state.values)
        state.caret = len(state.values[state.at])

    def _offers(self, state: _Open) -> tuple[str, ...]:
        complete = state.question.complete
        return complete(state.values[0]) if complete is not None else ()

    def _close(self, answers: Answers | None) -> None:
        if self._open is None:
            return
        answer, self._open = self._open.answer, None
        self.patch()
        answer(answers)

    def line(self, y: int, width: int) -> tuple[Runs, str]:
        """Return the message, or the question with its answers so far."""
        if self._open is None:
            return (Run(" "), *self._message), ""
        question = self._open.question
        choices: list[Run] = []
        for choice in question.choices:
            choices += [Run("  "), Run(choice.shown, "key"), Run(f" {choice.word}", "dim")]
        room = max(LEAST_ASKED, width - 1 - width_of(choices))  # the answers are not cut off
        asked = elide(question.text, room, middle=True) if choices else question.text
        runs: list[Run] = [Run(" "), Run(asked, question.tone)]
        for index, each in enumerate(question.fields):
            runs += self._field(self._open, index, each)
        return (*runs, *choices), ""

    def _field(self, state: _Open, index: int, each: PromptField) -> Runs:
        label = Run(f"{each.label} " if not state.question.text else f"  {each.label} ", "dim")
        value = state.values[index]
        if index != state.at:
            return (label, Run(value.ljust(each.width), "text"))
        head, tail = value[: state.caret], value[state.caret :]
        ghost = next(iter(self._offers(state)), "")[len(value) :] if not tail else ""
        under = (tail or ghost or " ")[0]
        rest = Run(tail[1:], "text") if tail else Run(ghost[1:], "ghost")
        return (label, *ink(head, "strong"), Run(under, "caret"), rest)


def _is_amid(event: events.Key) -> bool:
    """Return whether more keys came after it in the same read."""
    return isinstance(event, ReadKey) and event.later > 0


def _back(value: str, caret: int) -> tuple[str, int]:
    return (value[: caret - 1] + value[caret:], caret - 1) if caret else (value, 0)


def _word_back(value: str, caret: int) -> tuple[str, int]:
    head = value[:caret].rstrip()
    cut = head.rfind(" ") + 1
    return value[:cut] + value[caret:], cut


_EDITS: dict[str, Callable[[str, int], tuple[str, int]]] = {
    "backspace": _back,
    "delete": lambda value, caret: (value[:caret] + value[caret + 1 :], caret),
    "left": lambda value, caret: (value, max(0, caret - 1)),
    "right": lambda value, caret: (value, min(len(value), caret + 1)),
    "home": lambda value, caret: (value, 0),
    "end": lambda value, caret: (value, len(value)),
    "ctrl+u": lambda value, caret: (value[caret:], 0),
    "ctrl+w": _word_back,
}
