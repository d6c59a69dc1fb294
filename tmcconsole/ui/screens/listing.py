"""A screen with one live table, and a detail pane and recent history if there is room."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from tmcconsole.contract.records import ObjectRecord
from tmcconsole.ui import filter as filters
from tmcconsole.ui.actions import LIST, Action, bindings
from tmcconsole.ui.details.happened import recent
from tmcconsole.ui.details.others import detail
from tmcconsole.ui.empty import empty_lines
from tmcconsole.ui.rows.history import HISTORY
from tmcconsole.ui.rows.table import Listing
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.format import count
from tmcconsole.ui.style.ink import Run, Runs, ink
from tmcconsole.ui.subject import Subject, subject_of
from tmcconsole.ui.tabs import tabs
from tmcconsole.ui.view import View
from tmcconsole.ui.widgets.bottom import Answers, PromptField, Question
from tmcconsole.ui.widgets.live_table import LiveTable
from tmcconsole.ui.widgets.pane import Pane

REST_S = 0.1  # a cursor that moves on sooner does not update the panes: they cost 5 KB a row
ROOMY = 100  # columns from which the count of rows fits beside the tabs
CRUMB_GAP = 4  # blank columns of the line that has the tabs
EDGE = 1_000_000_000  # a row number beyond any list: moves stop at the last row


class ListScreen(FrameScreen, inherit_bindings=False):
    """One listing as a screen."""

    BINDINGS = bindings(LIST)

    def __init__(
        self, session: Session, listing: Listing, *, name: str, view: View | None = None
    ) -> None:
        super().__init__(session, name=name)
        self.has_rail = listing is not HISTORY  # it would show the same rows twice
        self.table = LiveTable(view or session.view(listing), id="table")
        self.pane = Pane(id="detail")
        self.rail = Pane(id="rail")
        self._follow: Timer | None = None
        self._copy_on = ""  # the target whose copy of the row is chosen, "" = the whole row

    @property
    def current(self) -> LiveTable:
        """Return the table that keys go to."""
        return self.table

    @property
    def tables(self) -> tuple[LiveTable, ...]:
        """Return all tables, in Tab's order."""
        return (self.table,)

    @property
    def view(self) -> View:
        """Return the view that keys go to."""
        return self.current.view

    def body(self) -> ComposeResult:
        """Return the table and the panes beside it."""
        with Horizontal(id="body"):
            yield self.table
            with Vertical(id="side"):
                yield self.pane
                if self.has_rail:
                    yield self.rail

    def on_mount(self) -> None:
        """Focus the table, and prepare the rows for the first paint."""
        self.table.focus()
        self.frame()

    def title_runs(self) -> Runs:
        """Return the screen's name, the filter, and the sort order."""
        view = self.view
        runs: list[Run] = [*tabs(self.session.mirror, self.name or "", self._tab_room())]
        if view.filter.source:
            runs += [Run("  /", "key"), Run(view.filter.source, "strong")]
            inactive = view.inactive_terms(self.session.draw())
            if inactive:
                runs += [Run(f"  inactive here: {' '.join(inactive)}", "drift")]
        if view.problems_only:
            runs += [Run("  !", "key"), Run(" problems only", "strong")]
        return tuple(runs)

    def _tab_room(self) -> int:
        """Return the columns for the tabs: a filter leaves them those of this screen."""
        if self.view.filter.source or self.view.problems_only:
            return 0
        return self.size.width - len(self.chip()) - CRUMB_GAP

    def chip(self) -> str:
        """Return how many of all rows are shown, and the marks."""
        view = self.view
        if self.size.width < ROOMY and len(view.order) == view.total and not view.marked:
            return f"copy on {self.copy_on}" if self.copy_on else ""  # the tabs matter more
        shown, total = len(view.order), view.total
        number = count(total) if shown == total else f"{count(shown)}/{count(total)}"
        text = f"{number} {view.listing.noun if total == 1 else view.listing.many}"
        if self.copy_on:
            text = f"copy on {self.copy_on} · {text}"
        if view.marked:
            hidden = f" ({view.hidden_marks} hidden)" if view.hidden_marks else ""
            text += f" · {len(view.marked)} marked{hidden}"
        return text

    def subject(self) -> Subject:
        """Return the marked rows, or the one under the cursor."""
        objects = self.session.mirror.of(ObjectRecord)
        whole = subject_of(self.view.chosen(), objects, self.view.hidden_marks)
        if not self.copy_on:
            return whole
        copies = ((whole.objects[0], self.copy_on),)
        return replace(whole, targets=(self.copy_on,), copies=copies)

    @property
    def copy_on(self) -> str:
        """Return the target whose copy is chosen in the row under the cursor, or ""."""
        return self._copy_on if self._copy_on in self._copies() and not self.view.marked else ""

    def offers(self, action: Action) -> bool:
        """Return whether an action can do anything here: sort a column, choose a copy or a pane."""
        views = [table.view for table in self.tables]
        if action.id.startswith("sort-"):
            return any(view.sortable(action.keys) is not None for view in views)
        if action.id.startswith("copy-") and action.group == "Move":
            return any(view.listing.kind is ObjectRecord for view in views)
        if action.id.startswith("pane"):
            return len(views) > 1
        return super().offers(action)

    def lacks(self, action: Action, subject: Subject) -> str:
        """Return what is missing for an action, such as a row to open; "" if nothing."""
        if action.id == "open" and self.view.current() is None:
            return f"{action.word}: no row is selected"
        return super().lacks(action, subject)

    def _copies(self) -> tuple[str, ...]:
        record = self.view.current()
        return (
            tuple(cell.target for cell in record.cells) if isinstance(record, ObjectRecord) else ()
        )

    def action_copy(self, step: int) -> None:
        """Choose the next copy of the object under the cursor; after the last, the whole row."""
        names = ("", *self._copies())
        if len(names) == 1:
            self.say("no copies in this row; they are on screen 6", "dim")
            return
        self._copy_on = names[(names.index(self.copy_on) + step) % len(names)]
        self.frame()

    def frame(self) -> None:
        """Draw what changed."""
        draw = self.session.draw()
        for table in self.tables:
            self.session.settle(table.view)
            table.empty = empty_lines(self.session, table.view)
            table.copy_on = self.copy_on
            table.frame(draw)
        self.show_detail()
        super().frame()

    def show_detail(self) -> None:
        """Draw the panes for the row under the cursor."""
        draw, mirror = self.session.draw(), self.session.mirror
        if self.pane.size:
            record = self.view.current()
            width = max(20, self.pane.size.width - 1)
            self.pane.show(detail(record, mirror, draw, width) if record is not None else [])
        if self.rail.size:
            lines = recent(mirror, draw)
            self.rail.show(lines[1:] or [ink("nothing has happened yet", "dim")])

    def on_live_table_moved(self, event: LiveTable.Moved) -> None:
        """Update the panes for the cursor's row, once it rests."""
        if self._follow is not None:
            self._follow.stop()
        self._follow = self.set_timer(REST_S, self.show_detail)

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        """Drill in."""
        self.action_open()

    def narrow(self, source: str) -> None:
        """Apply a filter, or say what is wrong with it."""
        try:
            self.view.set_filter(filters.parse(source))
        except filters.FilterError as error:
            self.say(str(error), "drift")
            return
        self.frame()

    def action_filter(self) -> None:
        """Edit the filter; it applies while it is typed."""
        before = self.view.filter.source
        field = PromptField("filter", "/", before)
        question = Question("", fields=(field,), typed=self._try_filter, is_line=True)
        self.begin(self._edit_filter(self.open(question), before), "prompt")

    async def _edit_filter(self, answered: asyncio.Future[Answers | None], before: str) -> None:
        answers = await answered
        self.narrow(answers["filter"] if answers is not None else before)

    def _try_filter(self, source: str) -> None:
        """Apply a filter that may be incomplete: an incomplete one changes nothing."""
        try:
            wanted = filters.parse(source)
        except filters.FilterError:
            return
        self.view.set_filter(wanted)
        self.frame()

    def action_step(self, rows: int) -> None:
        """Move the cursor."""
        self.current.step(rows)

    def action_edge(self, end: int) -> None:
        """Go to the first or the last row."""
        self.current.go(EDGE if end else 0)

    def action_page(self, pages: float) -> None:
        """Move by pages."""
        self.current.page(pages)

    def action_pane(self, step: int) -> None:
        """Focus the next table."""
        tables = self.tables
        tables[(tables.index(self.current) + step) % len(tables)].focus()

    def action_problem(self, step: int) -> None:
        """Go to the next or previous problem."""
        if self.view.next_problem(step):
            self.current.step(0)
        else:
            self.say("no problems in this list", "synced")

    def action_problems_only(self) -> None:
        """Show problem rows only, or all."""
        self.view.toggle_problems()
        self.frame()

    def action_sort(self, letter: str) -> None:
        """Sort, or reverse."""
        title = self.view.sort_by(letter)
        self.say(f"sorted by {title.lower()}" if title else "no such column here", "dim")
        self.frame()

    def action_mark(self) -> None:
        """Mark or unmark the row and move to the next."""
        key = self.view.cursor
        if key is not None:
            self.view.marked ^= {key}
            self.current.step(1)

    def action_open(self) -> None:
        """Drill into the row."""
        record = self.view.current()
        if self.copy_on:
            self.console.operate("cause", self.subject())
        elif record is not None:
            self.console.drill(record)

    def action_back(self) -> None:
        """Clear marks, then the filter, then close; one of the six screens stays."""
        view = self.view
        if self.copy_on:
            self._copy_on = ""
        elif view.marked:
            view.marked.clear()
        elif view.filter.terms or view.problems_only:
            view.set_filter(filters.Filter())
            view.problems_only = False
        else:
            super().action_back()
            return
        self.frame()
