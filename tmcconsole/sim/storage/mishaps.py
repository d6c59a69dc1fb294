"""Exceptions in the simulator itself: logged once for each place, and survived."""

from __future__ import annotations

import logging
import traceback
from typing import Final

_log = logging.getLogger(__name__)
_MOST: Final = 1_000  # places remembered at most


class Mishaps:
    """The places whose exceptions have been logged. Owned by one cluster."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int | None]] = set()

    @property
    def told(self) -> list[str]:
        """Where exceptions came from, as ``file:line``."""
        return sorted(f"{file}:{line}" for file, line in self._told)

    def tell(self, doing: str, error: Exception) -> None:
        """Log an exception with traceback, unless one from the same line was logged before."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = (frame.filename, frame.lineno)
        if place not in self._told and len(self._told) < _MOST:
            self._told.add(place)
            _log.error("%s: %s", doing, type(error).__name__, exc_info=error)
