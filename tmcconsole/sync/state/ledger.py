"""What is known of every object on one target: its state, for people, and what was settled.

Memory only: all of it is found again from the API servers after a restart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.sync.conflicts.drift_ledger import DriftLedger
from tmcconsole.sync.conflicts.field_rules import ALONE, DEFAULT, FieldRules, RuleInputs
from tmcconsole.sync.desired.build import PLAIN, DesiredInputs

NO_TEXT: Final = SafeText()
LANE: Final = "up:"  # before a kind's id: what goes up from the target, and is no copy of ours
LAGS_KEPT: Final = 512  # a recent window for the percentiles on the screen


@dataclass(frozen=True, slots=True)
class Standing:
    """How one object stands on the target, with the reason a person asks for."""

    state: SyncState
    reason: SafeText = NO_TEXT
    message: SafeText = NO_TEXT
    since: float = 0.0  # Unix seconds


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found equal: as long as all of it stays, there is nothing to compare."""

    source_digest: bytes  # content digest of the hub object
    copy_digest: bytes  # content digest of the copy
    inputs: DesiredInputs = PLAIN  # of the desired state that the copy carries
    around: RuleInputs = ALONE


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was sent, and over what: equal, and an API server would answer the same."""

    desired: str  # digest of the desired state
    copy_digest: bytes  # content digest of the copy, b"" without one


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """An attempt that an API server has refused, with the cause."""

    attempt: Attempt
    until: float  # monotonic: then it is made again all the same
    reason: SafeText
    message: SafeText


@dataclass(slots=True)
class LedgerEntry:
    """All that is remembered of one object on this target."""

    standing: Standing
    settled: Settled | None = None
    # {origin: UID of the copy we wrote of it}; at most one, of the hub object there is now.
    wrote: dict[str, str] = field(default_factory=dict)
    newest: tuple[bytes, float] = (b"", 0.0)  # hub content, and when (monotonic) it was first seen
    paced_at: float = 0.0  # monotonic: when a change was last let through to be written
    collided: bool = False  # a foreign object had the name when it was last looked at
    normal: frozenset[str] = frozenset()  # fingerprints of the server's own defaulting
    left: frozenset[str] = frozenset()  # fingerprints of what was left to others
    rules: FieldRules = DEFAULT  # under which it was
    told: tuple[str, str] = ("", "")  # reason and message while it is in sync
    drift_ledger: DriftLedger = field(default_factory=DriftLedger)
    insisted: frozenset[str] = frozenset()  # pointers an operator wants taken back, or ALL
    # Of the copy whose status was last taken: its UID, generation, and what it had observed.
    observed: tuple[str, int, int] = ("", 0, 0)
    waiting_since: float = 0.0  # monotonic: a hub change was seen that is not on the copy yet
    tried: Attempt | None = None  # the last write that was answered with an error
    refused: RefusedAttempt | None = None
    awaits_from: float = 0.0  # monotonic: since when what it depends on is missing on the target

    def carries(self, source: CachedObject) -> bool:
        """True where the copy has the desired state of a hub object as it is now."""
        return self.settled is not None and self.settled.source_digest == source.content_digest

    def account(self, reason: str, message: str) -> None:
        """Note what is to be said of it while it is in sync, "" for nothing."""
        self.told = reason, message

    def left_under(self, rules: FieldRules) -> frozenset[str]:
        """Return what was left to others, as long as the same rules hold."""
        if rules != self.rules:
            self.rules, self.left = rules, frozenset()
        return self.left


class ObjectRecords(Protocol):
    """What is shown of objects, made anew where something of them changed."""

    def touch(self, kind: str, key: ObjectKey) -> None:
        """Note that the record of an object is out of date."""


@dataclass(slots=True)
class Ledger:
    """The entries of one target, by kind id and hub key. Owned by the engine's loop."""

    records: ObjectRecords
    # Seconds from seeing a change in the hub to the answer of the write that carried it.
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=LAGS_KEPT))
    version: int = 0  # grows with every change of a standing: equal means nothing to count anew
    _entries: dict[str, dict[ObjectKey, LedgerEntry]] = field(default_factory=dict)

    def get(self, kind: str, key: ObjectKey) -> LedgerEntry | None:
        """Return the entry of an object, or None where this target has nothing to do with it."""
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
        """Note that a hub change waits to be written; the earliest one counts."""
        entry = self.entry(kind, key)
        entry.waiting_since = entry.waiting_since or since
        if entry.standing.state is SyncState.IN_SYNC:
            self.stand(kind, key, SyncState.PENDING, wall, reason="Queued")

    def settle(self, kind: str, key: ObjectKey, settled: Settled, now: float) -> None:
        """Note that the copy carries the desired state."""
        entry = self.entry(kind, key)
        entry.settled = settled
        entry.tried = entry.refused = None
        if entry.waiting_since:
            self.lags.append(now - entry.waiting_since)
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
        """Note how an object stands; ``since`` is kept while state and reason do."""
        entry = self.entry(kind, key)
        old = entry.standing
        new = Standing(state, SafeText(reason), SafeText(message), wall)
        if old.state is state and old.reason == new.reason:
            new = replace(new, since=old.since or wall)
        if new != old:
            entry.standing = new
            self._changed(kind, key)

    def stand_in_sync(self, kind: str, key: ObjectKey, wall: float) -> None:
        """Note that the copy is as wanted, or as much of it as is ours to want."""
        reason, message = self.entry(kind, key).told
        self.stand(kind, key, SyncState.IN_SYNC, wall, reason=reason, message=message)

    def forget(self, kind: str, key: ObjectKey) -> None:
        """Drop an object that has left this target."""
        if self._entries.get(kind, {}).pop(key, None) is not None:
            self._changed(kind, key)

    def hold_kind(self, kind: str, wall: float, reason: str, message: str) -> None:
        """Note that nothing can be said or done about the objects of a kind for now."""
        for key in self.keys(kind):
            self.stand(kind, key, SyncState.HELD, wall, reason=reason, message=message)

    def forget_refusals(self, kind: str) -> None:
        """Let what was refused be sent again: the API server may think otherwise by now."""
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
        """How many objects of the hub's there are: what goes up is the target's own."""
        counted = (of_kind for kind, of_kind in self._entries.items() if not kind.startswith(LANE))
        return sum(len(of_kind) for of_kind in counted)
