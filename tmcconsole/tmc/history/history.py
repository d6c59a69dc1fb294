"""The history in memory: bounded, newest last, repeated errors folded into one record.

Errors of one type and reason, on one target and kind, share one record with a count while any of
them lasts. It is recovered when the last object it was seen on is. Owned by the engine's loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

import msgspec

from tmcconsole.contract.records import HistoryRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.tmc.errors import Failure, Severity

KEEP: Final = 2000  # records
CONTACT: Final = "contact"  # everything that keeps us from one API server is one trouble
# Objects remembered per open error. Beyond that only the count grows, and the error counts as
# recovered once the remembered ones are; an object that still fails opens it again.
MAX_SUBJECTS: Final = 1000
HOLD: Final = "hold"  # category of what waits because a person ordered it, and is no error
_LASTING: Final = frozenset({"error", HOLD})  # categories of records that are open until seen over

_Place = tuple[str, str]  # target, subject


@dataclass(slots=True)
class _Open:
    """An ongoing error, and the subjects that still have it. Its record is in the ring."""

    id: str
    target: str
    subjects: dict[str, float] = field(default_factory=dict)  # each with when it began for it


class History:
    """The last ``keep`` records. All times are Unix seconds and passed as arguments."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._records: OrderedDict[str, HistoryRecord] = OrderedDict()  # by latest occurrence
        self._open: dict[str, _Open] = {}  # by signature
        self._failing: dict[_Place, set[str]] = {}  # signatures of the errors open there
        self._unsaved: dict[str, None] = {}  # ids, in order; never more than the ring holds
        self._sequence = 0
        self._listeners: list[Callable[[HistoryRecord], None]] = []
        self._drop_listeners: list[Callable[[str], None]] = []

    def __repr__(self) -> str:
        return f"<History records={len(self._records)} open={len(self._open)}>"

    def __len__(self) -> int:
        return len(self._records)

    def records(self) -> tuple[HistoryRecord, ...]:
        """Return all records, most recent last."""
        return tuple(self._records.values())

    def on_record(self, callback: Callable[[HistoryRecord], None]) -> None:
        """Call back with each new or changed record."""
        self._listeners.append(callback)

    def on_drop(self, callback: Callable[[str], None]) -> None:
        """Call back with the id of each record dropped by the bound."""
        self._drop_listeners.append(callback)

    def record_error(
        self,
        failure: Failure,
        *,
        target: str,
        subject: str,
        at: float,
        trouble: str = "",
        event: str = "",
        category: str = "error",
    ) -> HistoryRecord:
        """Count an error and return its record.

        ``subject`` is resource/namespace/name, a kind, or "" for the target itself. All errors of
        one ``trouble`` share a record, which has the latest type or ``event``.
        """
        parts = (failure.type, target, subject.partition("/")[0], failure.reason)
        signature = _signature(trouble, target) if trouble else _signature(*parts)
        entry = self._open.get(signature)
        if entry is None:
            known = self._first(signature, failure, target, at, category)
            entry = self._open[signature] = _Open(known.id, target)
        else:
            known = self._records[entry.id]
        if len(entry.subjects) < MAX_SUBJECTS:
            entry.subjects.setdefault(subject, at)
            self._failing.setdefault((target, subject), set()).add(signature)
        return self._put(
            msgspec.structs.replace(
                known,
                event=event or failure.type.value,
                severity=failure.severity.value,
                count=known.count + 1,
                last_at=at,
                subject=SafeText(subject),
                message=failure.message,
                hint=failure.hint,
            )
        )

    def record_state(
        self, failure: Failure, *, target: str, subject: str, at: float, category: str = "error"
    ) -> float:
        """Record something wrong that lasts, or is held, once; return since when (Unix seconds).

        It is one line with all objects of the same kind that the same befell on that target.
        """
        parts = (failure.type, target, subject.partition("/")[0], failure.reason)
        entry = self._open.get(_signature(*parts))
        if entry is not None and subject in entry.subjects:
            return entry.subjects[subject]
        if entry is not None and len(entry.subjects) >= MAX_SUBJECTS:
            return at
        reason = str(failure.reason)
        record = self.record_error(
            failure, target=target, subject=subject, at=at, event=reason, category=category
        )
        return self.began(record, subject)

    def retell(self, trouble: str, target: str, message: str) -> None:
        """Reword an open trouble without counting it again; do nothing if it is not open."""
        entry = self._open.get(_signature(trouble, target))
        known = self._records[entry.id] if entry is not None else None
        if known is not None and known.message != (text := SafeText(message)):
            self._put(msgspec.structs.replace(known, message=text))

    def record_recovery(self, target: str, subject: str, at: float) -> None:
        """Note that a subject works again (or is gone): cheap if it never failed."""
        for signature in sorted(self._failing.pop((target, subject), ())):
            entry = self._open[signature]
            entry.subjects.pop(subject, None)
            self._unsaved[entry.id] = None  # whom it concerns is saved with it
            if not entry.subjects:
                del self._open[signature]
                record = msgspec.structs.replace(self._records[entry.id], recovered_at=at)
                self._put(record)

    def is_failing(self, target: str, subject: str) -> bool:
        """Return whether an error of a subject is open."""
        return (target, subject) in self._failing

    def subjects_of(self, id: str) -> dict[str, float]:
        """Return the subjects that still have an error, by its record's id, each with when it
        began (Unix seconds).
        """
        entry = self._open.get(id.partition("-")[0])
        return dict(entry.subjects) if entry and entry.id == id else {}

    def began(self, record: HistoryRecord, subject: str) -> float:
        """Return when an open error began for a subject (Unix seconds), even in an earlier run."""
        return self.subjects_of(record.id).get(subject, record.at)

    def failing(self, target: str, kind: str) -> list[str]:
        """Return what fails of a kind there, as namespace/name, including errors of an earlier
        run.
        """
        start = f"{kind}/"
        return sorted(
            subject.removeprefix(start)
            for place, subject in self._failing
            if place == target and subject.startswith(start)
        )

    def record(
        self,
        category: str,
        event: str,
        *,
        at: float,
        severity: Severity = Severity.LOW,
        target: str = "",
        subject: str = "",
        message: str = "",
        hint: str = "",
        actor: str = "",
    ) -> HistoryRecord:
        """Record one event: an action, a recovery, a drift, a placement, a lifecycle step."""
        return self._put(
            HistoryRecord(
                id=self._new_id(_signature(category, target, subject, event)),
                at=at,
                last_at=at,
                category=category,
                severity=severity.value,
                event=event,
                target=SafeText(target),
                subject=SafeText(subject),
                message=SafeText(message),
                hint=SafeText(hint),
                actor=SafeText(actor),
            )
        )

    def load(
        self,
        records: Iterable[HistoryRecord],
        subjects: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    ) -> None:
        """Load an earlier run's records, oldest first, before anything is recorded.

        An error still open then is open now, for its ``subjects`` by the record's id; for the one
        that its record names where they are not known.
        """
        for record in records:
            signature, _, number = record.id.partition("-")
            self._sequence = max(self._sequence, int(number) if number.isdigit() else 0)
            self._records[record.id] = record
            if record.category in _LASTING and not record.recovered_at:
                self._reopen(signature, record, subjects.get(record.id) or {record.subject: 0.0})
            self._announce(record)
        self._trim()

    def _reopen(self, signature: str, record: HistoryRecord, subjects: Mapping[str, float]) -> None:
        self._close(signature)
        began = {subject: at or record.at for subject, at in subjects.items()}
        self._open[signature] = _Open(record.id, record.target, began)
        for subject in subjects:
            self._failing.setdefault((record.target, subject), set()).add(signature)

    def pending(self) -> tuple[HistoryRecord, ...]:
        """Return what changed since the last call, to be saved."""
        changed = tuple(self._records[id] for id in self._unsaved)
        self._unsaved.clear()
        return changed

    def unsaved(self, records: Iterable[HistoryRecord]) -> None:
        """Put back what ``pending`` returned if it could not be saved."""
        self._unsaved |= {record.id: None for record in records if record.id in self._records}

    def _first(
        self, signature: str, failure: Failure, target: str, at: float, category: str
    ) -> HistoryRecord:
        return HistoryRecord(
            id=self._new_id(signature),
            at=at,
            category=category,
            severity=failure.severity.value,
            event=failure.type.value,
            target=SafeText(target),
            count=0,
        )

    def _new_id(self, signature: str) -> str:
        self._sequence += 1
        return f"{signature}-{self._sequence}"

    def _put(self, record: HistoryRecord) -> HistoryRecord:
        self._records[record.id] = record
        self._records.move_to_end(record.id)
        self._unsaved[record.id] = None
        self._trim()
        self._announce(record)
        return record

    def _announce(self, record: HistoryRecord) -> None:
        for listener in self._listeners:
            listener(record)

    def _trim(self) -> None:
        while len(self._records) > self._keep:
            dropped, record = self._records.popitem(last=False)
            self._unsaved.pop(dropped, None)
            signature = dropped.partition("-")[0]
            entry = self._open.get(signature)
            if record.category in _LASTING and entry and entry.id == dropped:
                self._close(signature)
            for listener in self._drop_listeners:
                listener(dropped)

    def _close(self, signature: str) -> None:
        """Forget an open error whose record is gone or replaced."""
        entry = self._open.pop(signature, None)
        if entry is None:
            return
        for subject in entry.subjects:
            signatures = self._failing.get((entry.target, subject), set())
            signatures.discard(signature)
            if not signatures:
                self._failing.pop((entry.target, subject), None)


def _signature(*parts: str) -> str:
    """Return the key by which records are folded; the same in every run, so that counts continue
    after a restart.
    """
    return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=6).hexdigest()
