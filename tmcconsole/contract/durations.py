"""How long something lasted, in the one way that commands and messages tell it. Pure."""

from __future__ import annotations

from typing import Final

_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60))


def lasting(seconds: float) -> str:
    """Return a duration in its largest unit, rounded down: ``47s``, ``4m``, ``2h``, ``3d``."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"
