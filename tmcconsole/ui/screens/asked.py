"""A list that is not on the board: the engine is asked for it, and again after changes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.contract.commands import AnyReply, Refused
from tmcconsole.contract.records import ObjectRecord
from tmcconsole.ui.rows.table import Listing
from tmcconsole.ui.screens.listing import ListScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import Run, Runs
from tmcconsole.ui.subject import Subject, subject_of
from tmcconsole.ui.view import View

EVERY_S: Final = 2.0  # asked at most this often, and not while the board does not change


@dataclass(frozen=True, slots=True)
class AskedRows:
    """Rows by key, and a remark about all of them."""

    rows: Mapping[str, Any]
    remark: str = ""


AskRows = Callable[[], Coroutine[Any, Any, AskedRows | AnyReply]]


class AskedScreen(ListScreen, inherit_bindings=False):
    """Owner of the rows of the last answer."""

    BINDINGS = ListScreen.BINDINGS

    def __init__(
        self, session: Session, listing: Listing, title: str, *,
        ask: AskRows, first: AskedRows, about: Subject | None = None,
    ) -> None:  # fmt: skip
        rows = View(listing, lambda: self._answer.rows)
        super().__init__(session, listing, name=title, view=rows)
        self._engine = ask
        self._about = about or Subject()
        self._answer = first
        self._asked_at = session.clock
        self._seen = session.serial

    def title_runs(self) -> Runs:
        """Return the title with the remark and the filter."""
        runs = [Run(self.name or "", "title")]
        if self.view.filter.source:
            runs += [Run("  /", "key"), Run(self.view.filter.source, "strong")]
        return (*runs, Run(f"  {self._answer.remark}", "dim"))

    def subject(self) -> Subject:
        """Return the selected rows, or the subject of the whole list without any."""
        rows = self.view.chosen()
        objects = self.session.mirror.of(ObjectRecord)
        return subject_of(rows, objects, self.view.hidden_marks) if rows else self._about

    def frame(self) -> None:
        """Draw, and ask again if something has happened since."""
        session = self.session
        is_news = session.serial != self._seen and not session.held_at
        if is_news and session.clock - self._asked_at >= EVERY_S:
            self.ask_again()
        super().frame()

    def ask_again(self) -> None:
        """Ask the engine again, without waiting for it."""
        self._asked_at, self._seen = self.session.clock, self.session.serial
        self.begin(self._renew(), "ask")

    async def _renew(self) -> None:
        answer = await self._engine()
        if isinstance(answer, AskedRows):
            self.take(answer)
        elif isinstance(answer, Refused):
            self.say(f"the rows shown are old: {answer.reason} {answer.fix}".rstrip(), "drift")

    def take(self, answer: AskedRows) -> None:
        """Show another answer."""
        before, after = self._answer.rows, answer.rows
        self.view.touch(key for key in before.keys() | after.keys()
                        if before.get(key) != after.get(key))  # fmt: skip
        self._answer = answer
        super().frame()
