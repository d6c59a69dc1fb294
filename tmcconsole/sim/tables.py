"""The table form of objects, with the columns that kubectl users expect."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from typing import Any

from tmcconsole.sim.cells import CELLS
from tmcconsole.sim.columns import AGE, BUILT_IN, CREATED, NAME
from tmcconsole.sim.jsonpath import at_path
from tmcconsole.sim.kinds import Column, SimKind

Json = dict[str, Any]
Columns = tuple[Column, ...]


def columns(kind: SimKind) -> Columns:
    """Return a kind's columns, its name first."""
    if kind.is_custom:
        return (NAME, *(kind.columns or (AGE,)))
    return BUILT_IN.get(kind.id) or (NAME, CREATED)


def definition(column: Column) -> Json:
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
    compute = CELLS.get(kind.id, {})
    return [_cell(column, compute, tree, now) for column in wanted]


def age(stamp: Any, now: float) -> str:
    """Return how long ago an RFC 3339 time was, as kubectl writes durations."""
    if not isinstance(stamp, str):
        return "<unknown>"
    try:
        then = calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return "<invalid>"
    return duration(max(0, int(now - then)))


def duration(seconds: int) -> str:
    """Return a duration in at most two units: 45s, 3m20s, 5h12m, 4d3h, 2y40d."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d")


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first}{unit}{second}{smaller}" if second else f"{first}{unit}"


def _cell(column: Column, compute: dict[str, Callable[[Json], Any]], tree: Json, now: float) -> Any:
    meta = tree["metadata"]
    if column.name == "Name" and column.format == "name":
        return meta["name"]
    if column.path:
        value = at_path(tree, column.path)
        if column.type == "date" and isinstance(value, str):
            return age(value, now) if column.name != "Created At" else value
        return value if column.type in ("integer", "number", "boolean") else _as_text(value)
    if column.name == "Age":
        return age(meta.get("creationTimestamp"), now)
    if column.name == "Last Seen":
        return age(tree.get("lastTimestamp") or meta.get("creationTimestamp"), now)
    return compute[column.name](tree) if column.name in compute else ""


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value
