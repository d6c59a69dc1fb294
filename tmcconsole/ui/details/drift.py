"""Drifted fields in words: what happened to one, and what a command would write where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tmcconsole.ui.details.detail_lines import heading, pairs, paragraph
from tmcconsole.ui.rows.drifts import DriftedField
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.style.format import ago, count, timestamp
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink, wrap
from tmcconsole.ui.style.signs import outcome_sign

IGNORE_FIELDS: Final = "syncer.kcp.io/ignore-fields"  # the annotation that cedes fields


@dataclass(frozen=True, slots=True)
class DriftOrder:
    """One command about a drifted field, in words."""

    title: str
    question: str
    short: str  # for the field's details


ORDERS: Final = {
    "adopt": DriftOrder("Adopt", "adopt {what}?",
                   "a adopts: the hub takes this value and syncs it to all targets"),
    "revert": DriftOrder("Revert", "revert {what}?",
                    "v reverts: the copy gets the desired value once, whatever the policy"),
    "cede": DriftOrder("Cede", "cede {what} to the clusters?",
                  "c cedes: the field is left to the clusters from now on"),
}  # fmt: skip


def drift_lines(row: DriftedField, draw: DrawContext, width: int) -> list[Runs]:
    """Return one field: both values, manager, since when, how often, and what can be done."""
    field = row.field
    lines = [
        *wrap(field.path, width, "strong"),
        (*draw.state(outcome_sign(field.outcome)), Run(f"  on {field.target}", "dim")),
        BLANK,
        *paragraph("wanted", field.wanted or "nothing", width, "diff-removed"),
        *paragraph("found", field.actual or "nothing", width, "diff-added"),
        *pairs([
            ("by", field.manager),
            ("times", count(field.count)),
            ("first", f"{timestamp(field.first_seen)}, {ago(field.first_seen, draw.now)}"),
            ("last", f"{timestamp(field.last_seen)}, {ago(field.last_seen, draw.now)}"),
        ]),
        *paragraph("pointer", field.pointer, width),
        *paragraph("object", row.object, width),
        *paragraph("policy", row.policy, width),
        *heading("What can be done"),
    ]  # fmt: skip
    for order in ORDERS.values():
        lines += wrap(order.short, width, "info")
    return lines


def order_lines(
    verb: str, rows: Sequence[DriftedField], holders: Sequence[str], width: int
) -> list[Runs]:
    """Return what a command writes where, and what it does not. ``holders``: targets with a
    copy.
    """
    return {"adopt": _adopt, "revert": _revert, "cede": _cede}[verb](rows, holders, width)


def _adopt(rows: Sequence[DriftedField], holders: Sequence[str], width: int) -> list[Runs]:
    lines = _head("Written in the hub", rows[0].object, width)
    for row in rows:
        lines += _change(row.field.path, row.field.wanted, row.field.actual, width)
    return [
        *lines,
        *_notes(
            width,
            f"The hub takes the values of {rows[0].field.target}, if nobody changed them since"
            " they were read.",
            f"They are synced to every target of the object: {', '.join(holders) or 'none known'}.",
        ),
    ]


def _revert(rows: Sequence[DriftedField], _holders: Sequence[str], width: int) -> list[Runs]:
    lines: list[Runs] = []
    for target in dict.fromkeys(row.field.target for row in rows):
        lines += _head(f"Written on {target}", rows[0].object, width)
        for row in rows:
            if row.field.target == target:
                lines += _change(row.field.path, row.field.actual, row.field.wanted, width)
        lines.append(BLANK)
    return [
        *lines[:-1],
        *_notes(
            width,
            "Once, whatever the conflict policy; a truce after a fight ends.",
            "The hub is not changed. Whoever changed the copy may change it again.",
        ),
    ]


def _cede(rows: Sequence[DriftedField], holders: Sequence[str], width: int) -> list[Runs]:
    lines = _head("Written in the hub", rows[0].object, width)
    for pointer in dict.fromkeys(row.field.pointer for row in rows):
        lines += paragraph("annotation", f"{IGNORE_FIELDS} + {pointer}", width, "diff-added")
    for row in rows:
        lines += paragraph(f"{row.field.target} ", f"keeps {row.field.actual}", width)
    return [
        *lines,
        *_notes(
            width,
            "The field is left to the clusters, on every target of the object:"
            f" {', '.join(holders) or 'none known'}.",
            "The hub's value is only used when a copy is created. To undo this, remove the field"
            " from the annotation.",
        ),
    ]


def _head(what: str, key: str, width: int) -> list[Runs]:
    return [ink(what, "title"), *wrap(key, width, "strong")]


def _change(path: str, before: str, after: str, width: int) -> list[Runs]:
    return [
        *wrap(path, width, "info"),
        *((Run("  - ", "diff-removed"), *runs)
          for runs in wrap(before or "nothing", width - 4, "diff-removed")),
        *((Run("  + ", "diff-added"), *runs)
          for runs in wrap(after or "nothing", width - 4, "diff-added")),
    ]  # fmt: skip


def _notes(width: int, *texts: str) -> list[Runs]:
    lines: list[Runs] = [BLANK]
    for text in texts:
        lines += wrap(text, width, "dim")
    return lines
