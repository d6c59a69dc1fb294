"""A pane of lines: details beside a table, or a text to read."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tmcconsole.ui.style.ink import BLANK, Run, Runs, fit
from tmcconsole.ui.widgets.paper import Paper


class Pane(Paper):
    """Shows lines and scrolls over them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Runs] = ()
        self.top = 0
        self.left = 0  # first visible column of text, for wide YAML and diffs
        self.lit = -1  # the line of the search hit

    def show(self, lines: Sequence[Runs]) -> None:
        """Show these lines, keeping the scroll position."""
        self.lines = lines
        self.scroll_lines(0)

    def scroll_lines(self, by: int) -> None:
        """Scroll by lines, within the text."""
        self.to_line(self.top + by)

    def to_line(self, line: int) -> None:
        """Put a line at the top, if the text is long enough."""
        self.top = max(0, min(line, len(self.lines) - self.size.height))
        self.patch()

    def light(self, line: int) -> None:
        """Scroll a line into view and highlight it."""
        self.lit = line
        if not self.top <= line < self.top + self.size.height:
            self.top = max(0, min(line - self.size.height // 2, len(self.lines)))
        self.patch()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll three lines a notch."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll three lines a notch."""
        event.stop()
        self.scroll_lines(-3)

    def line(self, y: int, width: int) -> tuple[Runs, str]:
        """Return a visible line; the last one says how many lines are below it."""
        index = self.top + y
        if index >= len(self.lines):
            return BLANK, ""
        ground = "cursor" if index == self.lit else ""
        runs = _without(self.lines[index], self.left)
        if y == self.size.height - 1 and index < len(self.lines) - 1:
            left = len(self.lines) - index - 1
            more = f"{left} more {'line' if left == 1 else 'lines'}"
            return (*fit(runs, width - len(more) - 1), Run(" "), Run(more, "dim")), ground
        return runs, ground


def _without(runs: Runs, columns: int) -> Runs:
    """Return the runs without their first characters."""
    kept: list[Run] = []
    for run in runs:
        text = run.text[columns:]
        columns = max(0, columns - len(run.text))
        if text:
            kept.append(Run(text, run.tone))
    return tuple(kept)
