"""The history as rows: errors, recoveries, actions, drifts, decisions, newest first."""

from __future__ import annotations

from tmcconsole.contract.records import HistoryRecord
from tmcconsole.contract.words import words
from tmcconsole.ui.rows.table import Column, DrawContext, Listing
from tmcconsole.ui.style.format import age, clock_time
from tmcconsole.ui.style.ink import Runs, ink
from tmcconsole.ui.style.signs import SEVERITY, Sign, history_sign

_ACTION = Sign("▸", ">", "action", "info", 5)
_DECISION = Sign("·", ".", "", "dim", 6)


def is_open_error(entry: HistoryRecord) -> bool:
    """Return whether an error has not recovered yet."""
    return entry.category == "error" and entry.recovered_at <= 0


def entry_sign(entry: HistoryRecord) -> Sign:
    """Return the sign of an entry; entries that are not errors are named by their category."""
    if entry.category in ("error", "recovery"):
        return history_sign(entry)
    if entry.category == "action":
        return _ACTION
    if entry.category == "drift":
        return Sign(glyph="≠", ascii="#", word="drift", tone="drift", rank=3)
    return Sign(
        glyph=_DECISION.glyph, ascii=_DECISION.ascii, word=entry.category, tone="dim", rank=6
    )


def last_at(entry: HistoryRecord) -> float:
    """Return when an entry last occurred."""
    return max(entry.at, entry.last_at)


def told_at(entry: HistoryRecord) -> float:
    """Return the time of an entry's line: a trouble's beginning, else when it last occurred."""
    return entry.at if entry.category in ("error", "hold") else last_at(entry)


def _recovered(entry: HistoryRecord, draw: DrawContext) -> Runs:
    if entry.category != "error":
        return ink("")
    if entry.recovered_at > 0:
        return ink(clock_time(entry.recovered_at), "synced")
    return ink(f"open {age(entry.at, draw.now)}", "failed")


def _subject(entry: HistoryRecord, _look: DrawContext) -> Runs:
    return ink(entry.subject or "-", "text" if entry.subject else "dim")


def _event(entry: HistoryRecord, _look: DrawContext) -> Runs:
    times = f" x{entry.count}" if entry.count > 1 else ""
    tone = "strong" if is_open_error(entry) else "text"
    return ink(words(entry.event) + times, tone)


_COLUMNS = (
    Column("time", "TIME", lambda e, _l: ink(clock_time(told_at(e)), "dim"),
           lambda e: -told_at(e), number=lambda e, now: now - told_at(e), key="A",
           least=8, most=8),
    Column("state", "STATE", lambda e, draw: draw.state(entry_sign(e)),
           lambda e: float(entry_sign(e).rank), key="S", least=11, most=11),
    Column("event", "EVENT", _event, lambda e: e.event, key="N", least=14, most=30,
           middle=True),  # how often is at its end
    Column("target", "TARGET", lambda e, _l: ink(e.target or "-", "text" if e.target else "dim"),
           lambda e: e.target, least=10, most=22, middle=True, drop=2),
    Column("recovered", "RECOVERED", _recovered, None, least=9, most=12, drop=3),
    Column("subject", "SUBJECT", _subject, lambda e: e.subject, least=16, most=44, middle=True,
           drop=4),
    Column("actor", "BY", lambda e, _l: ink(e.actor, "dim"), lambda e: e.actor,
           least=4, most=14, drop=5),
    Column("message", "MESSAGE", lambda e, _l: ink(e.message), None, least=24, most=120,
           grow=True),
)  # fmt: skip

HISTORY = Listing(
    kind=HistoryRecord,
    noun="entry",
    columns=lambda _look, _width: _COLUMNS,
    problem=is_open_error,
    first=lambda entry: (-told_at(entry), entry.id),
    targets_of=lambda entry: (entry.target,) if entry.target else (),
)

__all__ = ["HISTORY", "SEVERITY", "entry_sign", "is_open_error", "last_at"]
