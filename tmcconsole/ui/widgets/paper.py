"""A widget of lines that repaints only the part of a line that changed.

Textual repaints whole widgets; on a slow line that is the difference between 0.3 and 18 KB for one
changed cell. ``patch`` draws every visible line, compares it with what the terminal shows, and
requests only the differing columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tmcconsole.ui.style.ink import Runs, fit


class Paper(Widget):
    """Base of everything that shows records. Subclasses provide ``line``.

    Tones get their colours from the screen's ``ink--*`` styles in console.tcss: once per screen,
    because Textual resolves a component style for every widget that has it.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._painted: dict[int, Strip] = {}
        self._is_stale = False  # colours may have changed since the lines were painted
        self._inks: dict[tuple[str, str], Style] = {}

    def line(self, y: int, width: int) -> tuple[Runs, str]:
        """Return the runs of visible line ``y`` and the background they are on ("" = plain)."""
        raise NotImplementedError

    def patch(self) -> None:
        """Repaint the columns that differ from the last paint."""
        if not self.is_attached or not self.size:
            return
        regions: list[Region] = []
        self._is_stale = False
        for y in range(self.size.height):
            drawn = self._draw(y)
            before = self._painted.get(y)
            if before is None or before.cell_length != drawn.cell_length:
                regions.append(Region(0, y, self.size.width, 1))
            elif before != drawn:
                start, end = _differing(before, drawn)
                regions.append(Region(start, y, end - start, 1))
            self._painted[y] = drawn
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Return the line as last painted; draw it now if it never was."""
        strip = self._painted.get(y)
        if self._is_stale or strip is None or strip.cell_length != self.size.width:
            strip = self._painted[y] = self._draw(y)
        return strip

    def notify_style_update(self) -> None:
        """Mark painted lines as stale, since colours may have changed; equal ones are not sent
        again.
        """
        self._is_stale = True
        self._inks.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        """Mark painted lines as stale: they may have another width."""
        self._is_stale = True

    def _draw(self, y: int) -> Strip:
        runs, ground = self.line(y, self.size.width)
        return self.strip(runs, ground)

    def strip(self, runs: Runs, ground: str = "") -> Strip:
        """Return the runs as one painted line, a segment for each run of equal style."""
        width = self.size.width
        segments: list[Segment] = []
        ascii_only = self.screen.has_class("-ascii")
        for text, tone in fit(runs, width):
            text = text.replace("…", "~") if ascii_only else text
            style = self._ink(tone, ground)
            if segments and segments[-1].style == style:
                segments[-1] = Segment(segments[-1].text + text, style)
            else:
                segments.append(Segment(text, style))
        return Strip(segments, width)

    def _ink(self, tone: str, ground: str) -> Style:
        style = self._inks.get((tone, ground))
        if style is None:
            style = self.rich_style + self._look_up(tone)
            if ground:
                style += self._look_up(ground)
            self._inks[tone, ground] = style
        return style

    def _look_up(self, name: str) -> Style:
        return self.screen.get_component_rich_style(f"ink--{name}", partial=True)


def _differing(before: Strip, after: Strip) -> tuple[int, int]:
    """Return the first differing column and one past the last, for two lines of equal width."""
    head = _alike(before, after)
    tail = _alike(reversed(list(before)), reversed(list(after)))
    width = after.cell_length
    return (head, width - tail) if head + tail < width else (0, width)


def _alike(one: Iterable[Segment], other: Iterable[Segment]) -> int:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(segment.cell_length for segment, _ in pairs)
