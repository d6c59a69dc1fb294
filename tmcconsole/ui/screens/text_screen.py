"""A text to read: YAML, a diff, an explanation, the help. Searched with /, closed with Esc."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import ComposeResult

from tmcconsole.ui.actions import TEXT, bindings
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import Lines, Run, Runs, ink, plain, wrap
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.widgets.bottom import Answers, PromptField, Question
from tmcconsole.ui.widgets.pane import Pane

EDGE = 1_000_000_000
UNBROKEN = 1_000_000  # columns: no line is that long


class TextScreen(FrameScreen, inherit_bindings=False):
    """Shows lines; with ``live`` they are rebuilt for each frame."""

    WHERE = TEXT
    BINDINGS = bindings(TEXT)

    def __init__(
        self,
        session: Session,
        title: str,
        lines: Callable[[int], Lines],  # given the width in columns
        *,
        live: bool = False,
        about: Subject | None = None,
    ) -> None:
        super().__init__(session, name="text")
        self.reading = title
        self.pane = Pane(id="text")
        self._lines = lines
        self._live = live
        self._about = about or Subject()
        self._searched = ""
        self._drawn_width = -1

    def body(self) -> ComposeResult:
        """Return the text."""
        yield self.pane

    def title_runs(self) -> Runs:
        """Return the text's title and what was searched."""
        searched = (Run("  /", "key"), Run(self._searched, "strong")) if self._searched else ()
        return (Run(self.reading, "title"), *searched)

    def chip(self) -> str:
        """Return the reader's position in the text."""
        total = len(self.pane.lines)
        last = min(total, self.pane.top + self.pane.size.height)
        return f"{last}/{total} lines" if total else ""

    def subject(self) -> Subject:
        """Return what the text is about."""
        return self._about

    def frame(self) -> None:
        """Draw what changed."""
        width = max(20, self.pane.size.width - 2)
        if self.pane.size and (self._live or width != self._drawn_width):
            self._drawn_width = width
            self.pane.show(self._lines(width))
        super().frame()

    def whole(self) -> str:
        """Return the text without the line breaks that a terminal needs."""
        return "\n".join(plain(runs).rstrip() for runs in self._lines(UNBROKEN)) + "\n"

    def action_save(self) -> None:
        """Write the text to its own file."""
        self.console.obey("save")

    def action_step(self, rows: int) -> None:
        """Scroll by lines."""
        self.pane.scroll_lines(rows)
        self.frame()

    def action_edge(self, end: int) -> None:
        """Go to the first or last line."""
        self.pane.to_line(EDGE if end else 0)
        self.frame()

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        self.action_step(round(pages * max(1, self.pane.size.height - 1)))

    def action_shift(self, columns: int) -> None:
        """Scroll sideways."""
        self.pane.left = max(0, self.pane.left + columns)
        self.pane.patch()

    def action_filter(self) -> None:
        """Search."""
        field = PromptField("text", "/", self._searched)
        answered = self.open(Question("", fields=(field,), is_line=True))
        self.begin(self._search(answered), "prompt")

    async def _search(self, answered: asyncio.Future[Answers | None]) -> None:
        answers = await answered
        if answers is not None:
            self._searched = answers["text"]
            self.pane.lit = -1
            self.action_match(1)

    def action_match(self, step: int) -> None:
        """Go to the next or previous line with the searched text."""
        wanted = self._searched.lower()
        lines = self.pane.lines
        found = [i for i, runs in enumerate(lines) if wanted and wanted in plain(runs).lower()]
        if not found:
            self.pane.light(-1) if self.pane.lit < 0 else None
            self.say(f"no {self._searched!r} here" if wanted else "search with / first", "drift")
            return
        here = self.pane.lit if self.pane.lit >= 0 else self.pane.top - 1
        after = [line for line in found if (line > here if step > 0 else line < here)]
        self.pane.light((after or found)[0 if step > 0 else -1])
        self.frame()


def text_lines(body: str, width: int) -> list[Runs]:
    """Return plain text; long lines wrap with an indent."""
    lines: list[Runs] = []
    for line in body.replace("\t", "    ").split("\n"):
        indent = len(line) - len(line.lstrip()) + 2
        first, *rest = wrap(line.strip(), max(20, width - indent))
        lines.append((Run(" " * (indent - 2)), *first))
        lines += [(Run(" " * indent), *runs) for runs in rest]
    return lines


def diff_lines(body: str, width: int) -> list[Runs]:
    """Return a unified diff in its colours; the +/- signs stay. Long lines scroll sideways."""
    return [ink(line.replace("\t", "    "), _diff_tone(line)) for line in body.split("\n")]


def _diff_tone(line: str) -> str:
    if line.startswith(("+++", "---", "# ")):
        return "strong"
    if line.startswith("@@"):
        return "info"
    return {"+": "diff-added", "-": "diff-removed", "~": "drift"}.get(line[:1], "text")


def yaml_lines(body: str, width: int) -> list[Runs]:
    """Return YAML with keys and values in different tones. Long lines scroll sideways."""
    return [_yaml_line(line.replace("\t", "    ")) for line in body.split("\n")]


def _yaml_line(line: str) -> Runs:
    if line.lstrip().startswith("#"):
        return ink(line, "dim")
    key, colon, value = line.partition(":")
    bare = key.strip().removeprefix("- ")
    if not colon or " " in bare or (value and not value.startswith(" ")):
        return ink(line)
    return (Run(key, "info"), Run(colon, "dim"), Run(value, "text"))
