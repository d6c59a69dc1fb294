"""The first screen: the targets worst first, what needs attention, recent events."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tmcconsole.ui.details.happened import newest, recent
from tmcconsole.ui.details.others import told_lines
from tmcconsole.ui.rows.problems import PROBLEMS, Problem, problems
from tmcconsole.ui.rows.targets import FLEET
from tmcconsole.ui.screens.asked_causes import AskedCauses
from tmcconsole.ui.screens.listing import ListScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import Run, Runs
from tmcconsole.ui.view import View
from tmcconsole.ui.widgets.bars import Bar
from tmcconsole.ui.widgets.live_table import LiveTable


class OverviewScreen(ListScreen, inherit_bindings=False):
    """Targets at the top, problems below, recent history below or beside them."""

    BINDINGS = ListScreen.BINDINGS

    def __init__(self, session: Session) -> None:
        super().__init__(session, FLEET, name="overview")
        self._problems: dict[str, Problem] = {}
        self.problems = LiveTable(View(PROBLEMS, lambda: self._problems), id="problems")
        self.news = Bar(id="news")
        self._causes = AskedCauses(session)
        self._fleet_lines = 0

    @property
    def tables(self) -> tuple[LiveTable, ...]:
        """Return the fleet and the problems."""
        return (self.table, self.problems)

    @property
    def current(self) -> LiveTable:
        """Return the table that has the focus."""
        return self.problems if self.focused is self.problems else self.table

    def body(self) -> ComposeResult:
        """Return both tables with the panes beside them."""
        with Horizontal(id="body"):
            with Vertical(id="main"):
                yield self.table
                yield self.problems
                yield self.rail
            with Vertical(id="side"):
                yield self.pane
        yield self.news

    def show_detail(self) -> None:
        """Draw the panes, the selected problem in the empty rows, and the newest event."""
        super().show_detail()
        draw, mirror = self.session.draw(), self.session.mirror
        problem = self.problems.view.current()
        width = max(20, self.problems.size.width - 2)
        told = told_lines(problem, mirror, draw, width) if problem else []
        told = _within(told, self.problems.rows - len(self.problems.view.order) - 1)
        if not self.rail.size:  # too small for the rail: the rows that are left have its lines
            told += recent(mirror, draw)
        self.problems.below = tuple(told)
        self.problems.patch()
        self.news.show(newest(mirror, draw))

    def frame(self) -> None:
        """Draw what changed; the targets get the lines they need, at most half."""
        self._find_problems()
        self._ask_causes()
        lines = max(3, min(len(self.table.view.order) + 1, self.size.height // 2 - 3))
        if lines != self._fleet_lines:
            self._fleet_lines = lines
            self.table.styles.height = lines
        super().frame()

    def _ask_causes(self) -> None:
        shown = [one.ailing for one in self._problems.values() if one.ailing is not None]
        due = self._causes.due(shown)
        if due:
            self.begin(self._causes.ask(due), "causes")

    def _find_problems(self) -> None:
        draw = self.session.draw()
        found = {
            problem.key: problem
            for problem in problems(self.session.mirror, draw, self._causes.told)
        }
        if found != self._problems:
            self.problems.view.touch(self._problems.keys() ^ found.keys())
            self.problems.view.touch(
                key for key in found.keys() & self._problems.keys()
                if found[key].rank != self._problems[key].rank
            )  # fmt: skip
            self._problems = found


def _within(lines: list[Runs], room: int) -> list[Runs]:
    """Return the lines that have room; the last of them ends in dots if more was to be told."""
    if len(lines) <= room or room <= 0:
        return lines
    return [*lines[: room - 1], (*lines[room - 1], Run("…", "dim"))]
