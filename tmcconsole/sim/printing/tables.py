"""The table form of objects, with kubectl's columns."""

from __future__ import annotations

from typing import Any

from tmcconsole.kube.objects import Json
from tmcconsole.sim.printing import podcells
from tmcconsole.sim.printing.ages import age
from tmcconsole.sim.printing.cells import CELLS, TIMED
from tmcconsole.sim.schema.columns import AGE, BUILT_IN, CREATED, NAME
from tmcconsole.sim.schema.jsonpath import at_path
from tmcconsole.sim.storage.kinds import PrinterColumn, SimKind

Columns = tuple[PrinterColumn, ...]


def columns(kind: SimKind) -> Columns:
    """Return a kind's columns, its name first."""
    if kind.is_custom:
        return (NAME, *(kind.columns or (AGE,)))
    return BUILT_IN.get(kind.id) or (NAME, CREATED)


def definition(column: PrinterColumn) -> Json:
    """Return a column's definition as a Table carries it."""
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def cells(kind: SimKind, wanted: Columns, tree: Json, now: float) -> list[Any]:
    """Return an object's cells. ``now`` is Unix seconds."""
    return [_cell(kind, column, tree, now) for column in wanted]


def row_conditions(kind: SimKind, tree: Json) -> list[Json]:
    """Return the conditions in the row of an object that has ended."""
    return podcells.row_conditions(tree) if kind.id == "pods" else []


def _cell(kind: SimKind, column: PrinterColumn, tree: Json, now: float) -> Any:
    meta, compute = tree["metadata"], CELLS.get(kind.id, {})
    if column.name == "Name" and column.format == "name":
        return meta["name"]
    if column.path:
        value = at_path(tree, column.path)
        if column.type == "date" and isinstance(value, str):
            return age(value, now) if column.name != "Created At" else value
        return value if column.type in ("integer", "number", "boolean") else _as_text(value)
    if column.name == "Age":
        return age(meta.get("creationTimestamp"), now)
    if column.name in TIMED.get(kind.id, {}):
        return TIMED[kind.id][column.name](tree, now)
    return compute[column.name](tree) if column.name in compute else ""


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value
