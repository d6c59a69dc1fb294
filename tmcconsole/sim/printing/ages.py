"""Ages and durations, as kubectl writes them."""

from __future__ import annotations

import calendar
import time
from typing import Any


def age(stamp: Any, now: float) -> str:
    """Return how long ago an RFC 3339 time was. ``now`` is Unix seconds."""
    if not isinstance(stamp, str):
        return "<unknown>"
    then = _seconds(stamp)
    return "<invalid>" if then is None else duration(max(0, int(now - then)))


def between(start: str, end: str) -> str:
    """Return the duration between two RFC 3339 times."""
    first, last = _seconds(start), _seconds(end)
    return "<invalid>" if first is None or last is None else duration(last - first)


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


def _seconds(stamp: str) -> int | None:
    try:
        return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
