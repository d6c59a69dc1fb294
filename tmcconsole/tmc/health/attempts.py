"""The share of a cluster's recent work that failed because of the cluster, not an object."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.tmc.errors import Failure
from tmcconsole.tmc.recovery.breaker import counts

WINDOW_S: Final = 300.0
LEAST: Final = 5  # with fewer, a share means nothing
MOST: Final = 2000  # remembered


@dataclass(slots=True)
class Attempts:
    """The last outcome of each object processed lately. Times are monotonic seconds."""

    # When, and whether it failed; in order of time.
    _outcomes: OrderedDict[Hashable, tuple[float, bool]] = field(default_factory=OrderedDict)

    def answered(self, item: Hashable, now: float) -> None:
        """Note that the cluster did what was asked, or refused because of the object."""
        self._note(item, now, has_failed=False)

    def failed(self, item: Hashable, failure: Failure, now: float) -> None:
        """Note a failure; one that is because of the object counts as an answer."""
        self._note(item, now, has_failed=counts(failure))

    def error_rate(self, now: float) -> float:
        """Return the share of the objects processed lately whose last attempt failed."""
        while self._outcomes:
            oldest, (at, _) = next(iter(self._outcomes.items()))
            if at >= now - WINDOW_S:
                break
            del self._outcomes[oldest]
        if len(self._outcomes) < LEAST:
            return 0.0
        return sum(failed for _, failed in self._outcomes.values()) / len(self._outcomes)

    def _note(self, item: Hashable, now: float, *, has_failed: bool) -> None:
        self._outcomes[item] = (now, has_failed)
        self._outcomes.move_to_end(item)
        if len(self._outcomes) > MOST:
            self._outcomes.popitem(last=False)
