"""The front end's copy of the board, kept by list and changes like an informer's cache."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from tmcconsole.contract.changes import NOTHING_SEEN, Changes, Revision
from tmcconsole.contract.records import (
    AnyRecord,
    Cell,
    EngineRecord,
    Health,
    HealthRecord,
    HistoryRecord,
    KindRecord,
    KindState,
    ObjectRecord,
    PlacementRecord,
    QueueRecord,
    Record,
    SyncState,
    TargetRecord,
    TargetState,
)

KINDS: Final = (
    EngineRecord,
    TargetRecord,
    QueueRecord,
    ObjectRecord,
    KindRecord,
    PlacementRecord,
    HealthRecord,
    HistoryRecord,
)

# A stale or pending cell is explained by its target; these need attention to the object.
TROUBLE: Final = frozenset(
    {SyncState.FAILED, SyncState.COLLISION, SyncState.REFUSED, SyncState.DRIFTED}
)

# Why copies are held where a person ordered it, or where the line of the target or of the kind
# tells of it.
_ORDERED_OR_TOLD: Final = frozenset(
    {"DeletionHeld", "KindAway", "OnHold", "Paused", "Reported", "SyncPaused"}
)

# Copies in sync whose own status says that they are not healthy.
AILING: Final = frozenset({Health.UNHEALTHY, Health.DEGRADED})

# Kinds that should be synced and are not, or not fully. Refused ones are as policy intends.
LACKING: Final = frozenset({KindState.INCOMPATIBLE, KindState.UNAUTHORIZED, KindState.GONE})


def is_ailing(cell: Cell) -> bool:
    """Return whether a copy is in sync but not healthy. A target that does not respond has its own
    line.
    """
    return cell.state is SyncState.IN_SYNC and cell.health in AILING and not cell.heard_at


def is_held_up(cell: Cell) -> bool:
    """Return whether a copy cannot be made, or cannot go, although nobody ordered that."""
    return cell.state is SyncState.HELD and cell.reason not in _ORDERED_OR_TOLD


def is_trouble(cell: Cell) -> bool:
    """Return whether a copy needs attention."""
    return cell.state in TROUBLE or is_held_up(cell) or is_ailing(cell)


SAMPLE_S: Final = 5.0
SAMPLES: Final = 24  # two minutes


class Sample(NamedTuple):
    """What a target's records said at a moment; 0 if they said nothing or it was silent."""

    lag_ms: float
    errors_total: int


R = TypeVar("R", bound=Record)
Touched = dict[str, set[str]]


class Mirror:
    """Owner of the records on the screen. Only ``apply`` changes them."""

    def __init__(self) -> None:
        self.revision: Revision = NOTHING_SEEN
        self.loaded = False  # a first snapshot has arrived
        self.skew = 0.0  # the engine's wall clock minus ours, seconds
        self.received_at = 0.0  # our clock at the last answer, seconds
        self.troubled: set[str] = set()  # keys of objects with a cell in TROUBLE, or ailing
        self.unsynced: set[str] = set()  # keys of objects with a cell that is not in sync
        self.lacking: set[str] = set()  # keys of kinds in a state of LACKING
        self.samples: dict[str, deque[Sample]] = {}  # by target, the newest last
        self._sampled_at = 0.0
        self._records: dict[str, dict[str, AnyRecord]] = {kind.__name__: {} for kind in KINDS}

    def __repr__(self) -> str:
        sizes = ", ".join(f"{kind}={len(rows)}" for kind, rows in self._records.items() if rows)
        return f"Mirror(revision={self.revision.number}, {sizes})"

    def of(self, kind: type[R]) -> Mapping[str, R]:
        """Return all records of a kind by key."""
        return self._records[kind.__name__]  # type: ignore[return-value]  # stored by type name

    @property
    def engine(self) -> EngineRecord | None:
        """Return the engine's own record, once received."""
        return self.of(EngineRecord).get("engine")

    def now(self, clock: float) -> float:
        """Return the engine's current time, to compute ages from its timestamps."""
        return clock + self.skew

    def apply(self, changes: Changes, clock: float) -> Touched:
        """Apply ``changes`` and return the keys of records that differ from before, by kind."""
        before = self._records
        if changes.snapshot:
            self._records = {kind: {} for kind in before}
            self.troubled, self.unsynced, self.lacking = set(), set(), set()
        touched: Touched = {}
        for record in changes.upserted:
            self._upsert(record, before, touched)
        for ref in changes.removed:
            if self._records.get(ref.kind, {}).pop(ref.key, None) is not None:
                touched.setdefault(ref.kind, set()).add(ref.key)
                self._forget(ref.kind, ref.key)
        if changes.snapshot:
            _note_vanished(before, self._records, touched)
        self._stamp(changes, clock)
        return touched

    def _upsert(
        self, record: AnyRecord, before: dict[str, dict[str, AnyRecord]], touched: Touched
    ) -> None:
        kind, key = type(record).__name__, record.key
        if before[kind].get(key) != record:
            touched.setdefault(kind, set()).add(key)
        self._records[kind][key] = record
        if isinstance(record, ObjectRecord):
            states = {cell.state for cell in record.cells}
            _note(self.troubled, key, any(is_trouble(cell) for cell in record.cells))
            _note(self.unsynced, key, bool(states - {SyncState.IN_SYNC}))
        elif isinstance(record, KindRecord):
            _note(self.lacking, key, record.state in LACKING)

    def _forget(self, kind: str, key: str) -> None:
        """Drop what is noted about a removed record."""
        if kind == ObjectRecord.__name__:
            self.troubled.discard(key)
            self.unsynced.discard(key)
        elif kind == KindRecord.__name__:
            self.lacking.discard(key)

    def _stamp(self, changes: Changes, clock: float) -> None:
        self.revision = changes.revision
        self.loaded = self.loaded or changes.snapshot
        self.received_at = clock
        if changes.wall:
            self.skew = changes.wall - clock
        if clock - self._sampled_at >= SAMPLE_S:
            self._sampled_at = clock
            self._sample()

    def _sample(self) -> None:
        errors: dict[str, int] = {}
        for queue in self.of(QueueRecord).values():
            errors[queue.target] = errors.get(queue.target, 0) + queue.failed_total
        targets = self.of(TargetRecord)
        kept = {name: self.samples.get(name, deque(maxlen=SAMPLES)) for name in targets}
        for name, target in targets.items():
            is_heard = target.state in (TargetState.SYNCING, TargetState.STANDBY)
            kept[name].append(Sample(target.lag_p95_ms if is_heard else 0.0, errors.get(name, 0)))
        self.samples = kept


def _note(keys: set[str], key: str, belongs: bool) -> None:
    if belongs:
        keys.add(key)
    else:
        keys.discard(key)


def _note_vanished(
    before: dict[str, dict[str, AnyRecord]], after: dict[str, dict[str, AnyRecord]], into: Touched
) -> None:
    for kind, rows in before.items():
        gone = rows.keys() - after[kind].keys()
        if gone:
            into.setdefault(kind, set()).update(gone)
