"""The parts of a detail pane: headings, labelled values, conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tmcconsole.contract.records import Condition
from tmcconsole.contract.text import SafeText
from tmcconsole.contract.words import because, words
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.style.format import age
from tmcconsole.ui.style.ink import BLANK, Run, Runs, cells, ink, width_of, wrap

LABEL = 12  # columns


def heading(text: str) -> list[Runs]:
    """Return a section's title with a blank line above."""
    return [BLANK, ink(text, "title")]


def pair(label: str, value: str | Runs, tone: str = "text") -> Runs:
    """Return a labelled value on one line."""
    runs = ink(value, tone) if isinstance(value, str) else value
    return (Run(label.ljust(LABEL), "dim"), *runs)


def pairs(rows: Iterable[tuple[str, str | Runs]], width: int = 0) -> list[Runs]:
    """Return labelled values, without the empty ones; words are wrapped into a pane's width."""
    lines: list[Runs] = []
    for label, value in rows:
        runs = ink(value) if isinstance(value, str) else value
        if width and len(runs) == 1 and " " in runs[0].text:
            lines += paragraph(label, runs[0].text, width, runs[0].tone)
        elif value:
            lines.append(pair(label, runs))
    return lines


def paragraph(label: str, text: str, width: int, tone: str = "text") -> list[Runs]:
    """Return a labelled text wrapped into the pane."""
    if not text:
        return []
    wrapped = wrap(text, max(20, width - LABEL), tone)
    labels = [label.ljust(LABEL), *[" " * LABEL] * (len(wrapped) - 1)]
    return [(Run(left, "dim"), *runs) for left, runs in zip(labels, wrapped, strict=True)]


def beside(head: Runs, told: str, width: int) -> list[Runs]:
    """Return what is told on the line of its head, or below it where that has no room."""
    if not told or width_of(head) + 2 + cells(told) <= width:
        return [(*head, Run(f"  {told}", "dim"))] if told else [head]
    return [head, *((Run("  "), *runs) for runs in wrap(told, max(20, width - 2), "dim"))]


def conditions(items: Sequence[Condition], draw: DrawContext, width: int) -> list[Runs]:
    """Return Kubernetes conditions, with the message of false ones.

    A reason that has no room beside its condition is told below it.
    """
    lines: list[Runs] = []
    names = max((len(item.type) for item in items), default=0)
    for item in items:
        head = _condition(item, draw, names)
        reason, message = item.reason, item.message if item.status != "True" else ""
        if width_of(head) + cells(words(reason)) <= width:
            head, reason = (*head, Run(words(reason), "dim")), SafeText()
        told = because(reason, message)
        lines.append(head)
        lines += [(Run("  "), *runs) for runs in wrap(told, max(20, width - 2), "dim") if told]
    return lines


def _condition(item: Condition, draw: DrawContext, names: int) -> Runs:
    """Return a condition's type, status and age."""
    tone = {"True": "synced", "False": "failed"}.get(item.status, "stale")
    glyphs = {"True": ("●", "+"), "False": ("✗", "x")}.get(item.status, ("◌", "?"))
    glyph = glyphs[1] if draw.ascii_only else glyphs[0]
    return (
        Run(f"{glyph} {item.type.ljust(names)}  {item.status.ljust(7)}", tone),
        Run(f" {age(item.since, draw.now).rjust(4)}  ", "dim"),
    )
