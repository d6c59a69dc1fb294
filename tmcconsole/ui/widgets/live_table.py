"""The live table: rows patched in place, cursor and scroll anchored to the row's key."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.message import Message

from tmcconsole.ui.rows.table import GAP, Column, DrawContext, fit_widths
from tmcconsole.ui.style.ink import BLANK, Run, Runs, fit, ink, width_of
from tmcconsole.ui.view import View
from tmcconsole.ui.widgets.paper import Paper

HEADER = 1  # lines above the first row


class LiveTable(Paper, can_focus=True):
    """Shows a ``View``. Draws only on ``frame`` and on keys."""

    @dataclass
    class Moved(Message):
        """The cursor moved to another row."""

        table: LiveTable

    @dataclass
    class Opened(Message):
        """Enter, or a click on the row under the cursor."""

        table: LiveTable

    def __init__(self, view: View, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = view
        self.empty: tuple[Runs, ...] = ()  # shown if there are no rows
        self.below: tuple[Runs, ...] = ()  # shown in the rows that the last one leaves empty
        self.copy_on = ""  # the target whose copy in the cursor's row is chosen
        self._look = DrawContext(0.0)
        self._columns: tuple[Column, ...] = ()
        self._widths: list[int] = []
        self._wanted: dict[str, int] = {}  # grows only, so that columns do not jump
        self._top = 0
        self._laid_out_for = Size(0, 0)

    @property
    def rows(self) -> int:
        """Return how many rows fit."""
        return max(0, self.size.height - HEADER)

    def frame(self, draw: DrawContext) -> None:
        """Show the view as it is now. The view must be settled."""
        self._look = draw
        self._lay_out()
        self.patch()

    def page(self, pages: float) -> None:
        """Move the cursor by pages of rows."""
        self.step(round(pages * max(1, self.rows - 1)))

    def step(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.go(self.view.index() + rows)

    def go(self, index: int) -> None:
        """Move the cursor to a row; negative counts from the end."""
        size = len(self.view.order)
        self.view.move(index)
        self._shown_again()
        if size:
            self.post_message(self.Moved(self))

    def _shown_again(self) -> None:
        self._lay_out()
        self.patch()

    def on_resize(self) -> None:
        """Measure again for a new size."""
        super().on_resize()
        if self._laid_out_for != self.size:
            self._wanted.clear()
            self._lay_out()

    def on_focus(self) -> None:
        """The cursor row changes its background."""
        self.patch()

    def on_blur(self) -> None:
        """The cursor row changes its background."""
        self.patch()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked row; a second click opens it."""
        index = self._top + event.y - HEADER
        if event.y < HEADER or not 0 <= index < len(self.view.order):
            return
        if index == self.view.index():
            self.post_message(self.Opened(self))
        self.go(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the cursor, three rows a notch."""
        event.stop()
        self.step(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the cursor, three rows a notch."""
        event.stop()
        self.step(-3)

    def line(self, y: int, width: int) -> tuple[Runs, str]:
        """Return the heading, a row, or a line of the empty state."""
        if self._laid_out_for != self.size:
            self._lay_out()
        if y < HEADER:
            return self._heading(), "heading"
        index = self._top + y - HEADER
        if index >= len(self.view.order):
            return self._blank(y, width), ""
        key = self.view.order[index]
        record = self.view.record(key)
        if record is None:
            return BLANK, ""  # gone since the view was settled: the next frame closes the gap
        return self._row(record, index, width), self._ground(key)

    def _ground(self, key: str) -> str:
        if key == self.view.cursor:
            return "cursor" if self.has_focus else "cursor-blurred"
        return "mark" if key in self.view.marked else ""

    def _heading(self) -> Runs:
        sorted_by = self.view.sort_column
        arrow = ("v" if self._look.ascii_only else "▾") if not self.view.descending else (
            "^" if self._look.ascii_only else "▴"
        )  # fmt: skip
        runs: list[Run] = [Run(" ")]
        for column, width in zip(self._columns, self._widths, strict=False):
            if width:
                chosen = column.id == sorted_by
                title = f"{column.title}{arrow}" if chosen else column.title
                tone = "strong" if chosen else "dim"
                runs += [*fit(ink(title, tone), width, right=column.right), Run(" " * GAP)]
        return tuple(runs[:-1]) if len(runs) > 1 else tuple(runs)

    def _row(self, record: object, index: int, width: int) -> Runs:
        mark = "▌" if not self._look.ascii_only else "*"
        marked = self.view.order[index] in self.view.marked
        runs: list[Run] = [Run(mark if marked else " ", "key")]
        faded = self.view.listing.faded(record)
        for column, room in zip(self._columns, self._widths, strict=False):
            if room:
                cell = column.draw(record, self._look)
                if self.copy_on and self.view.order[index] == self.view.cursor:
                    cell = self._chosen(column, cell)
                if faded and column.id not in ("state", "note"):
                    cell = tuple(Run(run.text, "stale") for run in cell)
                runs += [*fit(cell, room, right=column.right, middle=column.middle)]
                runs.append(Run(" " * GAP))
        return self._with_thumb(tuple(runs[:-1]), index - self._top, width)

    def _chosen(self, column: Column, cell: Runs) -> Runs:
        """Return a cell with the chosen copy marked: its column, or its sign among all."""
        if column.id == f"@{self.copy_on}":
            return tuple(Run(run.text, "badge") for run in cell)
        if column.id != "where" or self.copy_on not in self._look.targets:
            return cell
        place = self._look.targets.index(self.copy_on)
        return tuple(Run(r.text, "badge" if n == place else r.tone) for n, r in enumerate(cell))

    def _with_thumb(self, runs: Runs, y: int, width: int) -> Runs:
        """Put the scroll thumb in the last column if not everything fits."""
        size, rows = len(self.view.order), self.rows
        if size <= rows:
            return runs
        length = max(1, rows * rows // size)
        start = (rows - length) * self._top // max(1, size - rows)
        bar = "|" if self._look.ascii_only else "▐"
        thumb = Run(bar if start <= y < start + length else " ", "rule")
        return (*fit(runs, width - 1), thumb)

    def _blank(self, y: int, width: int) -> Runs:
        if self.view.order:
            index = y - HEADER - len(self.view.order) - 1
            return self.below[index] if 0 <= index < len(self.below) else BLANK
        first = max(HEADER + 1, (self.rows - len(self.empty)) // 3)
        index = y - first
        if not 0 <= index < len(self.empty):
            return BLANK
        runs = self.empty[index]
        return (Run(" " * max(2, (width - width_of(runs)) // 2)), *runs)

    def _lay_out(self) -> None:
        """Choose columns and widths for what is visible, and keep the cursor visible."""
        self._scroll()
        self._laid_out_for = self.size
        width = max(0, self.size.width - 2)
        self._columns = self.view.listing.columns(self._look, width)
        visible = self.view.order[self._top : self._top + self.rows]
        records = [record for key in visible if (record := self.view.record(key)) is not None]
        for column in self._columns:
            drawn = (width_of(column.draw(record, self._look)) for record in records)
            room_for_arrow = len(column.title) + (column.order is not None)
            wanted = max(room_for_arrow, self._wanted.get(column.id, 0), *drawn, 0)
            self._wanted[column.id] = wanted
        self._widths = fit_widths(
            self._columns, [self._wanted[column.id] for column in self._columns], width
        )

    def _scroll(self) -> None:
        size, rows = len(self.view.order), self.rows
        index = self.view.index()
        if index < self._top:
            self._top = index
        elif rows and index >= self._top + rows:
            self._top = index - rows + 1
        self._top = max(0, min(self._top, size - rows))
