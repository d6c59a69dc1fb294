"""What happened in a run: a digest to compare runs by, and the last lines for people to read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

KEPT_LINES = 60


class Violation(AssertionError):
    """An invariant does not hold. ``invariant`` is its id in the specification."""

    def __init__(self, invariant: str, message: str) -> None:
        super().__init__(f"{invariant}: {message}")
        self.invariant = invariant


@dataclass(slots=True)
class Trace:
    """Every request of the engine and every commit, in order. ``say`` prints as it goes."""

    now: Callable[[], float]
    say: Callable[[str], None] = lambda _line: None
    commits: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    count: int = 0
    _digest: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def request(self, line: str) -> None:
        """Note a request of the engine, or its answer."""
        self._take(f"{self.now():10.4f}   {line}")

    def commit(self, line: str) -> None:
        """Note a committed write, a switched fault, a crash."""
        told = f"{self.now():10.4f} {line}"
        self.commits.append(told)
        self._take(told)

    @property
    def digest(self) -> str:
        """The digest of everything up to now."""
        found: str = self._digest.hexdigest()
        return found

    def _take(self, line: str) -> None:
        self.count += 1
        self._digest.update(line.encode())
        self.say(line)
