"""The board: the newest record of everything, and what changed since any recent revision.

The engine's loop writes, front ends in other threads read: every operation holds one short lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import takewhile
from typing import Final

from tmcconsole.contract.changes import Changes, RecordRef, Revision
from tmcconsole.contract.records import AnyRecord

KEEP_REMOVED: Final = 20_000  # removals remembered; an older mirror gets a snapshot


class Board:
    """Owns the records. ``epoch`` names this run of the engine."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._number = 0
        # In the order of their last change, so that changes are read from the end.
        self._records: OrderedDict[RecordRef, tuple[int, AnyRecord]] = OrderedDict()
        self._refs: dict[str, set[RecordRef]] = {}  # those of ``_records`` by the record's type
        self._removed: OrderedDict[RecordRef, int] = OrderedDict()
        self._complete_since = 0  # all removals after this revision are remembered
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Board {len(self._records)} records at {self._number}>"

    @property
    def revision(self) -> Revision:
        """The newest revision."""
        return Revision(self._epoch, self._number)

    def put(self, record: AnyRecord) -> None:
        """Replace a record; an equal one is not a change."""
        ref = ref_of(record)
        with self._lock:
            known = self._records.get(ref)
            if known is not None and known[1] == record:
                return
            self._number += 1
            self._records[ref] = (self._number, record)
            self._refs.setdefault(ref.kind, set()).add(ref)
            self._records.move_to_end(ref)
            self._removed.pop(ref, None)

    def remove(self, ref: RecordRef) -> None:
        """Remove a record from the board."""
        with self._lock:
            if self._records.pop(ref, None) is None:
                return
            self._refs[ref.kind].discard(ref)
            self._number += 1
            self._removed[ref] = self._number
            self._removed.move_to_end(ref)
            while len(self._removed) > KEEP_REMOVED:
                _, self._complete_since = self._removed.popitem(last=False)

    def get(self, kind: str, key: str) -> AnyRecord | None:
        """Return one record."""
        with self._lock:
            known = self._records.get(RecordRef(kind, key))
        return known[1] if known else None

    def refs(self, kind: str) -> list[RecordRef]:
        """Return the refs of all records of a kind, sorted by key."""
        with self._lock:
            found = list(self._refs.get(kind, ()))
        return sorted(found, key=lambda ref: ref.key)

    def changes(self, since: Revision, wall: float) -> Changes:
        """Return what changed after ``since``, or everything if that is unknown."""
        with self._lock:
            known = since.epoch == self._epoch and self._complete_since <= since.number
            if not known or since.number > self._number:
                return self._snapshot(wall)
            return self._difference(since.number, wall)

    def _snapshot(self, wall: float) -> Changes:
        records = tuple(record for _, record in self._records.values())
        return Changes(
            revision=self.revision, upserted=records, removed=(), snapshot=True, wall=wall
        )

    def _difference(self, number: int, wall: float) -> Changes:
        newest = reversed(self._records.values())
        changed = [record for _, record in takewhile(lambda entry: entry[0] > number, newest)]
        gone = reversed(self._removed.items())
        removed = [ref for ref, _ in takewhile(lambda entry: entry[1] > number, gone)]
        return Changes(
            revision=self.revision,
            upserted=tuple(reversed(changed)),
            removed=tuple(removed),
            snapshot=False,
            wall=wall,
        )


def ref_of(record: AnyRecord) -> RecordRef:
    """Return the ref that identifies a record."""
    return RecordRef(type(record).__name__, str(record.key))
