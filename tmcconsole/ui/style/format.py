"""Numbers and times for people. Ages move in coarse steps, so an idle screen does not change."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0

JUST_NOW: Final = "now"  # the name of a span's coarsest step

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def age(at: float, now: float) -> str:
    """Return the time since ``at`` in a coarse bucket; ``-`` if it never happened (0).

    Steps: ten seconds under a minute, minutes under an hour, ten minutes under ten hours, then
    hours and days.
    """
    if at <= 0:
        return "-"
    return span(now - at)


def span(seconds: float) -> str:
    """Return a duration in the same buckets as ``age``."""
    if seconds < 10:
        return JUST_NOW
    if seconds < MINUTE:
        return f"{int(seconds // 10) * 10}s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)}m"
    hours, rest = divmod(int(seconds), int(HOUR))
    if hours < 10:
        tens = rest // 600 * 10
        return f"{hours}h{tens:02d}" if tens else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"


def ago(at: float, now: float) -> str:
    """Return ``age`` as a phrase: ``now``, ``20s ago``, ``never``."""
    text = age(at, now)
    return {"-": "never", JUST_NOW: "just now"}.get(text, f"{text} ago")


def countdown(at: float, now: float) -> str:
    """Return the time left until ``at``: five-second steps under a minute, never below 0."""
    left = max(0.0, at - now)
    if left <= 2:
        return JUST_NOW
    if left < MINUTE:
        return f"{-(-int(left) // 5) * 5}s"
    return span(left)


def retry(at: float, now: float) -> str:
    """Return when the next attempt is, in words."""
    left = countdown(at, now)
    return "retry now" if left == JUST_NOW else f"retry in {left}"


def seconds(value: float) -> str:
    """Return a short exact age, for the header's data age."""
    return f"{int(value)}s" if value < 2 * MINUTE else span(value)


def clock_time(at: float) -> str:
    """Return ``at`` as a time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S") if at > 0 else "-"


def timestamp(at: float) -> str:
    """Return ``at`` as date and time in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if at > 0 else "-"


def count(number: int) -> str:
    """Return a count with thousands separated."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """Return ``1 object``, ``2,310 objects``."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def millis(value: float) -> str:
    """Return a latency: ``-`` for none, ``8ms``, ``1.4s``, ``42s``. Two significant digits."""
    if value <= 0:
        return "-"
    if value < 1000:
        step = 1 if value < 20 else 10 if value < 200 else 50
        return f"{max(1, round(value / step) * step)}ms"
    return f"{value / 1000:.1f}s" if value < 10_000 else f"{value / 1000:.0f}s"


def parse_duration(text: str) -> float:
    """Return the seconds in ``30m``, ``1h30m``, ``45s``. Raises ``ValueError``."""
    wanted = text.strip().lower()
    parts = _PART.findall(wanted)
    if not parts or "".join(number + unit for number, unit in parts) != wanted:
        raise ValueError(f"{text!r} is not a duration; write 30m, 2h or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
