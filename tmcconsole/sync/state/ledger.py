"""What is known of every object on one target: its state for display, and what was settled.

In memory only: after a restart all of it is read from the API servers again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.sync.assignment.endings import Ending
from tmcconsole.sync.conflicts.drift_ledger import DriftLedger
from tmcconsole.sync.conflicts.field_rules import ALONE, DEFAULT, FieldRules, RuleInputs
from tmcconsole.sync.desired.build import PLAIN, DesiredInputs

NO_TEXT: Final = SafeText()
LANE: Final = "up:"  # prefix of a kind's id: an upsynced object, not a copy
LAGS_KEPT: Final = 512  # a recent window for the percentiles on the screen


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one object on the target, with its reason."""

    state: SyncState
    reason: SafeText = NO_TEXT
    message: SafeText = NO_TEXT
    since: float = 0.0  # Unix seconds


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found equal: as long as it all stays the same, nothing has to be compared."""

    source_digest: bytes  # content digest of the hub object
    copy_digest: bytes  # content digest of the copy
    inputs: DesiredInputs = PLAIN  # of the desired state that the copy carries
    around: RuleInputs = ALONE


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was sent, and over what: if equal, an API server would give the same response."""

    desired: str  # digest of the desired state
    copy_digest: bytes  # content digest of the copy, b"" without one


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """An attempt that an API server has rejected, with the cause."""

    attempt: Attempt
    until: float  # monotonic: then it is retried in any case
    reason: SafeText
    message: SafeText


@dataclass(slots=True)
class LedgerEntry:
    """Everything remembered of one object on this target."""

    standing: Standing
    settled: Settled | None = None
    unjudged: bool = False  # settled with drift, which only the target's holder judges
    # {origin: UID of the copy we wrote for it}; at most one, for the current hub object.
    wrote: dict[str, str] = field(default_factory=dict)
    newest: tuple[bytes, float] = (b"", 0.0)  # hub content, and when (monotonic) it was first seen
    paced_at: float = 0.0  # monotonic: when a change was last allowed to be written
    collided: bool = False  # a foreign object had the name at the last check
    normal: frozenset[str] = frozenset()  # fingerprints of the server's own defaulting
    left: frozenset[str] = frozenset()  # fingerprints of what was left to others
    rules: FieldRules = DEFAULT  # the rules that applied then
    told: tuple[str, str] = ("", "")  # reason and message while it is in sync
    drift_ledger: DriftLedger = field(default_factory=DriftLedger)
    insisted: frozenset[str] = frozenset()  # pointers an operator wants reverted, or ALL
    # Of the copy whose status was last taken: its UID, generation, and observed generation.
    observed: tuple[str, int, int] = ("", 0, 0)
    waiting_since: float = 0.0  # monotonic: a hub change was seen that is not on the copy yet
    tried: Attempt | None = None  # the last write that was answered with an error
    refused: RefusedAttempt | None = None
    ended: Ending | None = None  # how the copy ended, until the hub has it
    awaits_from: float = 0.0  # monotonic: since when a dependency is missing on the target

    def carries(self, source: CachedObject) -> bool:
        """True if the copy has the desired state of the current hub object."""
        return self.settled is not None and self.settled.source_digest == source.content_digest

    def account(self, reason: str, message: str) -> None:
        """Record what to report while it is in sync, "" for nothing."""
        self.told = reason, message

    def left_under(self, rules: FieldRules) -> frozenset[str]:
        """Return what was left to others, as long as the same rules apply."""
        if rules != self.rules:
            self.rules, self.left = rules, frozenset()
        return self.left


class ObjectRecords(Protocol):
    """Records of objects, rebuilt when something about them changed."""

    def touch(self, kind: str, key: ObjectKey) -> None:
        """Mark the record of an object as out of date."""


@dataclass(slots=True)
class Ledger:
    """The entries of one target, by kind id and hub key. Owned by the engine's loop."""

    records: ObjectRecords
    # Seconds from seeing a change in the hub to the answer of the write that carried it.
    # Each with when (monotonic) it was taken.
    lags: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=LAGS_KEPT))
    version: int = 0  # grows with every change of a standing: equal means nothing to count anew
    _entries: dict[str, dict[ObjectKey, LedgerEntry]] = field(default_factory=dict)

    def get(self, kind: str, key: ObjectKey) -> LedgerEntry | None:
        """Return the entry of an object, or None if this target is not concerned."""
        return self._entries.get(kind, {}).get(key)

    def entry(self, kind: str, key: ObjectKey) -> LedgerEntry:
        """Return the entry of an object, made on first use."""
        of_kind = self._entries.setdefault(kind, {})
        entry = of_kind.get(key)
        if entry is None:
            entry = of_kind[key] = LedgerEntry(Standing(SyncState.PENDING))
            self._changed(kind, key)
        return entry

    def await_write(self, kind: str, key: ObjectKey, since: float, wall: float) -> None:
        """Record that a hub change waits to be written; the earliest one counts."""
        entry = self.entry(kind, key)
        entry.waiting_since = entry.waiting_since or since
        if entry.standing.state is SyncState.IN_SYNC or not entry.standing.since:
            self.stand(kind, key, SyncState.PENDING, wall, reason="Queued")

    def settle(self, kind: str, key: ObjectKey, settled: Settled, now: float) -> None:
        """Record that the copy carries the desired state."""
        entry = self.entry(kind, key)
        entry.settled, entry.unjudged = settled, False
        entry.tried = entry.refused = None
        if entry.waiting_since:
            self.lags.append((now, now - entry.waiting_since))
            entry.waiting_since = 0.0

    def stand(
        self,
        kind: str,
        key: ObjectKey,
        state: SyncState,
        wall: float,
        *,
        reason: str = "",
        message: str = "",
    ) -> None:
        """Record an object's standing; ``since`` is kept while state and reason stay the same."""
        entry = self.entry(kind, key)
        old = entry.standing
        new = Standing(state, SafeText(reason), SafeText(message), wall)
        if old.state is state and old.reason == new.reason:
            new = replace(new, since=old.since or wall)
        if new != old:
            entry.standing = new
            self._changed(kind, key)

    def stand_in_sync(self, kind: str, key: ObjectKey, wall: float) -> None:
        """Record that the copy is in sync, except for what is left to others."""
        reason, message = self.entry(kind, key).told
        self.stand(kind, key, SyncState.IN_SYNC, wall, reason=reason, message=message)

    def forget(self, kind: str, key: ObjectKey) -> None:
        """Drop an object that has left this target."""
        if self._entries.get(kind, {}).pop(key, None) is not None:
            self._changed(kind, key)

    def hold_kind(self, kind: str, wall: float, reason: str, message: str) -> None:
        """Record that nothing can be said or done about the objects of a kind for now."""
        for key in self.keys(kind):
            self.stand(kind, key, SyncState.HELD, wall, reason=reason, message=message)

    def look_again(self, kind: str) -> None:
        """Count and show a kind's objects again, since their state became old, or current."""
        for key in self.keys(kind):
            self._changed(kind, key)

    def forget_refusals(self, kind: str) -> None:
        """Allow rejected writes to be sent again: the API server may accept them now."""
        for entry in self._entries.get(kind, {}).values():
            entry.refused = None

    def keys(self, kind: str) -> list[ObjectKey]:
        """Return the keys of all entries of a kind."""
        return list(self._entries.get(kind, {}))

    def _changed(self, kind: str, key: ObjectKey) -> None:
        self.version += 1
        self.records.touch(kind, key)

    def entries(self) -> Iterator[tuple[str, ObjectKey, LedgerEntry]]:
        """Yield every (kind id, key, entry)."""
        for kind, of_kind in self._entries.items():
            for key, entry in of_kind.items():
                yield kind, key, entry

    def __len__(self) -> int:
        """Return how many of the hub's objects there are: upsynced ones are the target's own."""
        counted = (of_kind for kind, of_kind in self._entries.items() if not kind.startswith(LANE))
        return sum(len(of_kind) for of_kind in counted)
