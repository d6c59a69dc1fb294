"""The headless front end's mirror of the board."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from tmcconsole.contract.changes import NOTHING_SEEN, Changes, Revision
from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import AnyRecord, EngineRecord, Record

R = TypeVar("R", bound=Record)


class Follower:
    """All records as of ``revision``. Only ``pull`` changes them."""

    def __init__(self) -> None:
        self.revision: Revision = NOTHING_SEEN
        self.wall = 0.0  # the engine's clock at the last pull
        self._records: dict[tuple[str, str], AnyRecord] = {}

    async def pull(self, link: EngineLink) -> tuple[AnyRecord, ...]:
        """Pull what changed; return the records that are new or differ from ours.

        Raises ``LinkLost``.
        """
        return self.take(await link.changes(self.revision))

    def take(self, changes: Changes) -> tuple[AnyRecord, ...]:
        """Apply changes; return the records that are new or differ from ours."""
        before = self._records
        if changes.snapshot:
            self._records = {}
        for ref in changes.removed:
            self._records.pop((ref.kind, ref.key), None)
        fresh = []
        for record in changes.upserted:
            slot = (type(record).__name__, record.key)
            if before.get(slot) != record:
                fresh.append(record)
            self._records[slot] = record
        self.revision, self.wall = changes.revision, changes.wall
        return tuple(fresh)

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield the records of one type, sorted by key."""
        yield from sorted(
            (record for record in self._records.values() if isinstance(record, kind)),
            key=lambda record: record.key,
        )

    def engine(self) -> EngineRecord | None:
        """Return the engine's own record; None before the first pull."""
        return next(self.of(EngineRecord), None)
