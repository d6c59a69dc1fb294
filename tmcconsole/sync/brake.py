"""The mass-delete brake: the last line between a mistake and an empty fleet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 600.0  # deletions are counted over ten minutes


@dataclass(slots=True)
class Brake:
    """Counts the deletions on one target. Time is an argument; one owner.

    It trips at more than max(``least``, ``percent`` of the target's objects) in the window, and
    at once where a list came back with less than half of what it had. Once tripped it holds
    every deletion until an operator allows them.
    """

    least: int
    percent: float
    recent: deque[float] = field(default_factory=deque)  # when deletions happened, oldest first
    allowed_until: float = 0.0
    tripped: str = ""  # why, or "" where it is not

    def limit(self, objects: int) -> int:
        """Return how many deletions pass in the window where the target holds ``objects``."""
        return max(self.least, int(objects * self.percent / 100))

    def admit(self, now: float, objects: int) -> bool:
        """Return whether one more deletion may happen now; does not count it."""
        if now < self.allowed_until:
            return True
        while self.recent and self.recent[0] <= now - WINDOW_S:
            self.recent.popleft()
        if not self.tripped and len(self.recent) >= self.limit(objects):
            self.tripped = f"more than {self.limit(objects)} deletions in ten minutes"
        return not self.tripped

    def count(self, now: float) -> None:
        """Record a deletion that was sent."""
        self.recent.append(now)

    def trip(self, why: str, now: float) -> None:
        """Hold deletions from now on, unless an operator just allowed them."""
        if now >= self.allowed_until:
            self.tripped = why

    def allow(self, now: float, for_s: float = WINDOW_S) -> None:
        """An operator allows deletions for a while."""
        self.tripped = ""
        self.recent.clear()
        self.allowed_until = now + for_s
