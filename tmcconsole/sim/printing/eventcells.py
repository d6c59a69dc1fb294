"""Table cells of Events, in either group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.printing.ages import age


def _first_seen(tree: Json, now: float) -> str:
    stamp = tree.get("firstTimestamp") or tree.get("deprecatedFirstTimestamp")
    return age(stamp or tree.get("eventTime"), now)


def _last_seen(tree: Json, now: float) -> str:
    series = tree.get("series") or {}
    if series:
        return age(series.get("lastObservedTime"), now)
    stamp = tree.get("lastTimestamp") or tree.get("deprecatedLastTimestamp")
    return age(stamp, now) if stamp else _first_seen(tree, now)


def _count(tree: Json) -> int:
    series = tree.get("series") or {}
    return series.get("count") or tree.get("count") or tree.get("deprecatedCount") or 1


def _about(tree: Json) -> Json:
    about: Json = tree.get("involvedObject") or tree.get("regarding") or {}
    return about


def _object(tree: Json) -> str:
    parts = (str(_about(tree).get("kind", "")).lower(), _about(tree).get("name", ""))
    return "/".join(part for part in parts if part)


def _source(tree: Json) -> str:
    source = tree.get("source") or tree.get("deprecatedSource") or {}
    parts = (source.get("component", ""), source.get("host", ""))
    return ", ".join(part for part in parts if part)


CELLS: Final[dict[str, Callable[[Json], Any]]] = {
    "Type": lambda tree: tree.get("type") or "",
    "Reason": lambda tree: tree.get("reason") or "",
    "Object": _object,
    "Subobject": lambda tree: _about(tree).get("fieldPath") or "",
    "Source": _source,
    "Message": lambda tree: str(tree.get("message") or tree.get("note") or "").strip(),
    "Count": _count,
}
TIMED: Final[dict[str, Callable[[Json, float], Any]]] = {
    "Last Seen": _last_seen,
    "First Seen": _first_seen,
}
