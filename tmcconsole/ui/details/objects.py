"""One logical object in words: its health, each of its copies, what fails for it in the hub."""

from __future__ import annotations

from tmcconsole.contract.records import (
    Cell,
    Health,
    HistoryRecord,
    ObjectRecord,
    SyncState,
)
from tmcconsole.contract.words import because, words
from tmcconsole.ui.details.detail_lines import heading, pairs, paragraph
from tmcconsole.ui.details.happened import recent
from tmcconsole.ui.mirror import AILING, Mirror
from tmcconsole.ui.rows.history import entry_sign, is_open_error, last_at
from tmcconsole.ui.rows.resources import object_sign
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.style.format import age, ago
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink
from tmcconsole.ui.style.signs import HEALTH, cell_sign


def object_lines(record: ObjectRecord, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    """Return an object's summary, its state on each target, and its history."""
    lines: list[Runs] = [
        (Run(record.name, "strong"), Run("  "), *draw.state(object_sign(record))),
        (Run(f"{record.kind} in {record.namespace or 'the cluster'}", "dim"),),
        BLANK,
        *paragraph("summary", record.summary, width),
        *pairs([
            ("health", _health(record, draw)),
            ("age", age(record.created_at, draw.now)),
            ("generation", str(record.generation) if record.generation else ""),
            ("deleting", ago(record.deleting_since, draw.now) if record.deleting_since else ""),
            ("resource", record.resource),
            ("uid", record.uid),
        ]),
        *paragraph("placement", record.placement, width),
        *heading(f"Targets ({len(record.cells)})"),
    ]  # fmt: skip
    if not record.cells:
        lines.append(ink("placed nowhere", "dim"))
    names = max((len(cell.target) for cell in record.cells), default=0)
    for cell in record.cells:
        lines.append((
            Run(f"{cell.target.ljust(names)}  "), *draw.state(cell_sign(cell)),
            Run(f"  {cell.ready}" if cell.ready else ""),
            Run(f"  {age(cell.since, draw.now)}", "dim"),
        ))  # fmt: skip
        text = because(cell.reason, cell.message)
        lines += [*paragraph("", text, width, "dim"), *_cell_health(cell, draw, width)]
    if any(cell.state is SyncState.DRIFTED or cell.reason == "Fight" for cell in record.cells):
        lines.append(ink("d shows who changed what, and what can be done", "info"))
    return [
        *lines,
        *_hub_errors(record, mirror, draw, width),
        *recent(mirror, draw, subject=record.key),
    ]


def _health(record: ObjectRecord, draw: DrawContext) -> Runs:
    """Return an object's health, and the deciding copy if it is not healthy."""
    sign = draw.state(HEALTH[record.health])
    if record.health is Health.HEALTHY or not record.reason_target:
        return sign
    return (*sign, Run(f"  by {record.reason_target}", "dim"))


def _cell_health(cell: Cell, draw: DrawContext, width: int) -> list[Runs]:
    """Return why a copy is not healthy, and how old that information is."""
    if cell.heard_at:
        return paragraph("", f"{cell.told}, heard {ago(cell.heard_at, draw.now)}", width, "stale")
    if cell.health not in AILING or not cell.told:
        return []
    return paragraph("", f"{cell.health.value}: {cell.told}", width, HEALTH[cell.health].tone)


def _hub_errors(record: ObjectRecord, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    """Return what fails for the object in the hub, such as merging its statuses."""
    found = [
        entry for entry in mirror.of(HistoryRecord).values()
        if entry.subject == record.key and entry.target == "hub" and is_open_error(entry)
    ]  # fmt: skip
    lines = heading("In the hub") if found else []
    for entry in sorted(found, key=lambda entry: (-last_at(entry), entry.id)):
        lines += [(*draw.state(entry_sign(entry), words(entry.event)),
                   Run(f"  {age(last_at(entry), draw.now)}", "dim"))]  # fmt: skip
        lines += [*paragraph("", entry.message, width), *paragraph("", entry.hint, width, "info")]
    return lines
