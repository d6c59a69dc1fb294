"""The history in words: one entry in full, or the most recent about something."""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import HistoryRecord
from tmcconsole.contract.words import words
from tmcconsole.ui.details.detail_lines import heading, pairs, paragraph
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.history import entry_sign, last_at
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.style.format import age, ago, clock_time, count, span, timestamp
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink

SHOWN_HISTORY: Final = 12


def entry_lines(entry: HistoryRecord, draw: DrawContext, width: int) -> list[Runs]:
    """Return one history entry in full."""
    recovered = (
        f"{clock_time(entry.recovered_at)}, after {span(entry.recovered_at - entry.at)}"
        if entry.recovered_at else ""
    )  # fmt: skip
    return [
        (Run(words(entry.event), "strong"), Run("  "), *draw.state(entry_sign(entry))),
        BLANK,
        *pairs([
            ("first", timestamp(entry.at)),
            ("last", f"{timestamp(last_at(entry))}, {ago(last_at(entry), draw.now)}"),
            ("times", count(entry.count) if entry.count > 1 else ""),
            ("recovered", ink(recovered, "synced") if recovered else ""),
            ("target", entry.target),
            ("by", entry.actor),
        ]),
        *paragraph("subject", entry.subject, width),
        *paragraph("message", entry.message, width),
        *paragraph("what to do", entry.hint, width, "info"),
    ]  # fmt: skip


def recent(mirror: Mirror, draw: DrawContext, *, target: str = "", subject: str = "") -> list[Runs]:
    """Return the most recent history about a target, an object, or everything."""
    entries = [
        entry for entry in mirror.of(HistoryRecord).values()
        if (not target or entry.target == target) and (not subject or entry.subject == subject)
    ]  # fmt: skip
    newest = sorted(entries, key=lambda entry: (-last_at(entry), entry.id))[:SHOWN_HISTORY]
    if not newest:
        return []
    lines = heading("Recent")
    for entry in newest:
        where = f" {entry.target}" if not target and entry.target else ""
        lines.append((
            Run(f"{age(last_at(entry), draw.now).rjust(4)}  ", "dim"),
            *draw.state(entry_sign(entry), words(entry.event)), Run(where, "text"),
            Run(f"  {entry.message}", "dim"),
        ))  # fmt: skip
    return lines


def newest(mirror: Mirror, draw: DrawContext) -> Runs:
    """Return the newest entry on one line."""
    entries = mirror.of(HistoryRecord).values()
    entry = min(entries, key=lambda one: (-last_at(one), one.id), default=None)
    if entry is None:
        return ink("nothing happened yet", "dim")
    return (
        Run(f"{clock_time(last_at(entry))}  ", "dim"),
        *draw.state(entry_sign(entry), words(entry.event)),
        Run(f"  {entry.target}" if entry.target else ""),
        Run(f"  {entry.message}" if entry.message else "", "dim"),
    )
