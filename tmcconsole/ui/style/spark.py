"""Numbers over time as one line of bars, with gaps for what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = ".:-=+*#@"


def spark(values: Sequence[float], *, ascii_only: bool = False) -> str:
    """Return a bar for each value, the highest at full height; a blank for 0 and for unknown."""
    bars = _ASCII if ascii_only else _BARS
    most = max(values, default=0.0)
    if most <= 0:
        return ""
    return "".join(
        " " if value <= 0 else bars[min(len(bars) - 1, int(value / most * len(bars)))]
        for value in values
    )
