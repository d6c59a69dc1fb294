"""Logical objects as rows: the desired state in the hub, and a cell for each target."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tmcconsole.contract.records import Cell, ObjectRecord, SyncState
from tmcconsole.contract.words import because
from tmcconsole.ui.mirror import is_ailing, is_trouble
from tmcconsole.ui.rows.table import GAP, Column, DrawContext, Listing, SortKey
from tmcconsole.ui.style.format import age
from tmcconsole.ui.style.ink import Run, Runs, ink
from tmcconsole.ui.style.signs import SYNC, Sign, cell_sign

_CELL = 9  # columns a target needs for glyph and word
_ROOMY = 90  # columns from which the namespace has one of its own
_FIXED = 56  # columns the others need before each target gets one
_UNPLACED = Sign("·", ".", "not placed", "dim", 11)


def worst_cell(record: ObjectRecord) -> Cell | None:
    """Return the cell that most needs attention."""
    return min(record.cells, key=lambda cell: (cell_sign(cell).rank, cell.target), default=None)


def object_sign(record: ObjectRecord) -> Sign:
    """Return the worst state over the object's targets."""
    cell = worst_cell(record)
    return cell_sign(cell) if cell is not None else _UNPLACED


def in_sync(record: ObjectRecord) -> int:
    """Return on how many targets the object is in sync."""
    return sum(cell.state is SyncState.IN_SYNC for cell in record.cells)


def is_problem(record: ObjectRecord) -> bool:
    """Return whether some copy needs attention."""
    return any(is_trouble(cell) for cell in record.cells)


def _synced(record: ObjectRecord, _look: DrawContext) -> Runs:
    done, wanted = in_sync(record), len(record.cells)
    return ink(f"{done}/{wanted}", "text" if done == wanted else object_sign(record).tone)


def _where(record: ObjectRecord, draw: DrawContext) -> Runs:
    """One glyph per target in a fixed order; the state column has the word."""
    states = {str(cell.target): cell_sign(cell) for cell in record.cells}
    signs = [states.get(name, _UNPLACED) for name in draw.targets]
    return tuple(Run(sign.ascii if draw.ascii_only else sign.glyph, sign.tone) for sign in signs)


def _cell(record: ObjectRecord, draw: DrawContext, *, target: str) -> Runs:
    cell = next((cell for cell in record.cells if cell.target == target), None)
    if cell is None:
        return ink("·", "dim")
    count = cell.ready.partition(" ")[0]  # "2/3 ready" is short enough, other summaries are not
    word = count if cell.state is SyncState.IN_SYNC and "/" in count else ""
    return draw.state(cell_sign(cell), word)


def _why(record: ObjectRecord, _look: DrawContext) -> Runs:
    cell = worst_cell(record)
    if cell is not None and cell.state is not SyncState.IN_SYNC and (cell.message or cell.reason):
        text = f"{cell.target}: {because(cell.reason, cell.message)}"
        return ink(text, SYNC[cell.state].tone)
    if cell is not None and is_ailing(cell):
        return ink(f"{cell.target}: {cell.told}", cell_sign(cell).tone)
    if cell is not None and cell.state is SyncState.STALE:
        return ink(f"on {cell.target}", SYNC[cell.state].tone)
    return ink(record.summary or record.placement, "dim")


_STATE = Column(
    "state", "STATE", lambda o, draw: draw.state(object_sign(o)),
    lambda o: float(object_sign(o).rank), key="S", least=12, most=12,
)  # fmt: skip
_KIND = Column(
    "kind", "KIND", lambda o, _l: ink(o.kind, "info"), lambda o: o.kind, least=8, most=22
)
_NAMESPACE = Column(
    "namespace", "NAMESPACE", lambda o, _l: ink(o.namespace or "-", "dim"), lambda o: o.namespace,
    least=8, most=24, middle=True, drop=1,
)  # fmt: skip
_NAME = Column(
    "name", "NAME", lambda o, _l: ink(o.name, "strong"), lambda o: o.name, key="N",
    least=12, most=40, middle=True,
)  # fmt: skip
_FULL_NAME = Column(
    "name", "NAME", lambda o, _l: ink(f"{o.namespace}/{o.name}".lstrip("/"), "strong"),
    lambda o: o.name, key="N", least=16, most=50, middle=True,
)  # fmt: skip
_SYNCED = Column(
    "synced", "IN SYNC", _synced, lambda o: float(in_sync(o) - len(o.cells)), key="E",
    number=lambda o, _n: float(in_sync(o)), right=True, least=7, most=7,
)  # fmt: skip
_AGE = Column(
    "age", "AGE", lambda o, draw: ink(age(o.created_at, draw.now), "dim"), lambda o: -o.created_at,
    number=lambda o, now: now - o.created_at, key="A", right=True, least=4, most=5, drop=3,
)  # fmt: skip
_WHY = Column("note", "NOTE", _why, None, least=20, most=90, grow=True)


def _strip_of(targets: int) -> Column:
    """Return the column with one glyph per target: all, or if there are many, a part."""
    width = max(5, min(targets, 24))
    return Column("where", "WHERE", _where, None, least=width, most=width, drop=2)


def _columns(draw: DrawContext, width: int) -> tuple[Column, ...]:
    """Return the columns; an object has its whole name, however narrow the list."""
    is_roomy = width >= _ROOMY
    named = (_NAMESPACE, _NAME) if is_roomy else (_FULL_NAME,)
    why = _WHY if is_roomy else replace(_WHY, least=16)
    base = (_STATE, _KIND, *named, _SYNCED)
    names = draw.targets
    if not names or _FIXED + len(names) * (_CELL + GAP) > width:
        return (*base, _strip_of(len(names)), _AGE, why)
    each = tuple(
        Column(f"@{name}", name.upper(), partial(_cell, target=name), None, least=_CELL,
               most=max(_CELL, min(len(name), 16)))
        for name in names
    )  # fmt: skip
    return (_STATE, _KIND, *named, *each, replace(_SYNCED, drop=5), _AGE, why)


def _first(record: ObjectRecord) -> tuple[SortKey, ...]:
    return (record.namespace, record.kind, record.name)


RESOURCES = Listing(
    kind=ObjectRecord,
    noun="object",
    columns=_columns,
    problem=is_problem,
    first=_first,
    targets_of=lambda record: tuple(cell.target for cell in record.cells),
)
