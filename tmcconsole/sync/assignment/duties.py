"""Which part of the work is this replica's: all of it if alone, else each part has one replica.

A duty is the key of a SyncTarget, or ``HUB``. The replica that carries it out holds its Lease.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Protocol

HUB: Final = "hub"  # decisions about the hub as a whole: Placements, namespaces, silence
AS_OPERATOR: Final[tuple[str, ...]] = ()  # a person's command is theirs, whoever holds what

# The duties in whose name requests to the hub are made; a write without any is refused.
ACTING: ContextVar[tuple[str, ...] | None] = ContextVar("acting", default=None)


@contextmanager
def acting_for(*duties: str) -> Iterator[None]:
    """Do what follows, and what is spawned in it, in the name of these duties."""
    token = ACTING.set(duties)
    try:
        yield
    finally:
        ACTING.reset(token)


def require_duty() -> None:
    """Raise ``RuntimeError`` if no duty has been set for a write: that is a programming error.

    With Leases the fence refuses such a write; a single engine should notice it, too.
    """
    if ACTING.get() is None:
        raise RuntimeError("a write to the hub in nobody's name")


class HeldLeases(Protocol):
    """Who holds the Leases, if several replicas share the work."""

    def is_ours(self, duty: str) -> bool:
        """True where this replica holds the duty at this instant."""

    def is_held(self, duty: str) -> bool:
        """True if some replica does, as far as we have seen."""


@dataclass(frozen=True, slots=True)
class Duties:
    """Asked before each decision to write; the answers change while the engine runs.

    Each answer is remembered, so that whoever was told what is not so any more is asked again,
    however short the time was in which it was so.
    """

    leases: HeldLeases | None = None  # None: this replica is the only one, and does everything
    _told: set[tuple[str, bool, bool]] = field(default_factory=set)  # duty, whether of us, answer

    def holds(self, duty: str) -> bool:
        """True where this replica holds the duty at this instant."""
        return self.leases is None or self._tell(duty, True, self.leases.is_ours(duty))

    def is_held(self, duty: str) -> bool:
        """True if some replica does, as far as we have seen."""
        return self.leases is None or self._tell(duty, False, self.leases.is_held(duty))

    def take_outdated(self) -> frozenset[str]:
        """Return, and forget, the duties for which an earlier answer is no longer right."""
        leases = self.leases
        if leases is None:
            return frozenset()
        found = frozenset(
            duty
            for duty, of_us, answer in self._told
            if answer != (leases.is_ours(duty) if of_us else leases.is_held(duty))
        )
        self._told.difference_update([told for told in self._told if told[0] in found])
        return found

    def _tell(self, duty: str, of_us: bool, answer: bool) -> bool:
        self._told.add((duty, of_us, answer))
        return answer

    @property
    def leads(self) -> bool:
        """True if decisions about the hub as a whole are this replica's."""
        return self.holds(HUB)

    def name_for(self, key: str) -> str | None:
        """Return the duty in whose name to label objects for a target, None if another replica
        does.

        Each target's holder labels for its own; targets without a holder fall to the hub's holder.
        """
        if self.holds(key):
            return key
        return HUB if self.leads and not self.is_held(key) else None

    def reporter_for(self, keys: frozenset[str], ready: Callable[[str], bool]) -> str | None:
        """Return the duty in whose name to write an object's status, None if another replica does.

        ``keys`` are the targets that may hold a copy. One of them reports for all: the first that
        the hub considers ready, so that a target that is gone blocks nobody.
        """
        first = min(keys, key=lambda key: (not ready(key), key), default=HUB)
        return self.name_for(first)
