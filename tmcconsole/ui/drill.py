"""Where Enter leads from a row: another screen with a filter, or the row's details in full."""

from __future__ import annotations

from tmcconsole.contract.records import (
    HealthRecord,
    ObjectRecord,
    Record,
)
from tmcconsole.ui.details.others import TYPES, detail
from tmcconsole.ui.rows.drifts import DriftedField
from tmcconsole.ui.rows.health import kind_of, target_of
from tmcconsole.ui.rows.letters import QueuedKey
from tmcconsole.ui.rows.problems import Problem
from tmcconsole.ui.screens.text_screen import TextScreen
from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import Lines, ink
from tmcconsole.ui.subject import subject_of


def drill_view(record: object) -> tuple[str, str] | None:
    """Return the (mode, filter) a row leads to, or None if it has a details screen."""
    if not isinstance(record, HealthRecord):
        return None
    targets, kind = target_of(record.path), kind_of(record.path).partition(".")[0]
    if not targets:
        return ("targets", "")
    words = f"@{targets[0]}" + (f" kind:^{kind.removesuffix('s')}" if kind else "")
    return ("resources", words)


def drill_screen(session: Session, record: object) -> TextScreen:
    """Return a screen with the record's details, kept up to date."""
    if isinstance(record, QueuedKey | DriftedField):
        return _row_screen(session, record)
    kind, key = _subject(record)

    def lines(width: int) -> Lines:
        current = session.mirror.of(TYPES[kind]).get(key)
        if current is None:
            return [ink(f"{key} is gone", "dim")]
        return detail(current, session.mirror, session.draw(), width)

    objects = session.mirror.of(ObjectRecord)
    title = f"{kind.removesuffix('Record')}: {key}"
    return TextScreen(session, title, lines, live=True, about=subject_of([record], objects))


def _row_screen(session: Session, row: QueuedKey | DriftedField) -> TextScreen:
    """Return a screen with a row of an answer, as of the time of the answer."""
    title = "Queued key" if isinstance(row, QueuedKey) else "Drifted field"
    return TextScreen(
        session,
        title,
        lambda width: detail(row, session.mirror, session.draw(), width),
        about=subject_of([row], session.mirror.of(ObjectRecord)),
    )


def _subject(record: object) -> tuple[str, str]:
    if isinstance(record, Problem):
        return record.subject
    assert isinstance(record, Record), "lists hold records and problems"
    return type(record).__name__, record.key
