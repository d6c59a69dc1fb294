"""A small engine for tests of front ends: a board to write to, and a list of the requests."""

from __future__ import annotations

import anyio

from tmcconsole.contract.changes import Changes, RecordRef, Revision
from tmcconsole.contract.commands import Accepted, AnyCommand, AnyReply
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.records import AnyRecord, EngineRecord, TargetRecord, TargetState
from tmcconsole.contract.text import SafeText


def make_target(
    name: str = "eu",
    *,
    state: TargetState = TargetState.SYNCING,
    ready: bool = True,
    heartbeat_at: float = 95.0,
) -> TargetRecord:
    return TargetRecord(
        name=SafeText(name),
        target_key=f"key-of-{name}",
        state=state,
        ready=ready,
        heartbeat_at=heartbeat_at,
        objects=3,
        in_sync=3,
    )


def make_engine(*, placed: int = 3, in_sync: int = 3, hub_connected: bool = True) -> EngineRecord:
    return EngineRecord(
        version="1.2.3",
        started_at=40.0,
        hub=SafeText("hub"),
        hub_connected=hub_connected,
        placed=placed,
        in_sync=in_sync,
        pending=placed - in_sync,
    )


class FixtureLink:
    """An ``EngineLink`` over records that a test puts and removes."""

    def __init__(self, *records: AnyRecord, wall: float = 100.0) -> None:
        self.asked: list[AnyCommand] = []
        self._pulled: list[anyio.Event] = []
        self.failure: LinkLost | None = None
        self.wall = wall
        self._log: list[tuple[str, str, AnyRecord | None]] = []
        for record in records:
            self.put(record)

    def put(self, record: AnyRecord) -> None:
        self._log.append((type(record).__name__, record.key, record))

    def remove(self, record: AnyRecord) -> None:
        self._log.append((type(record).__name__, record.key, None))

    async def next_pull(self) -> None:
        event = anyio.Event()
        self._pulled.append(event)
        await event.wait()

    async def changes(self, since: Revision) -> Changes:
        for event in self._pulled:
            event.set()
        if self.failure is not None:
            raise self.failure
        known = since.epoch == "e"
        newest = {(k, key): rec for k, key, rec in self._log[since.number if known else 0 :]}
        return Changes(
            revision=Revision("e", len(self._log)),
            upserted=tuple(record for record in newest.values() if record is not None),
            removed=tuple(RecordRef(*slot) for slot, rec in newest.items() if rec is None),
            snapshot=not known,
            wall=self.wall,
        )

    async def request(self, command: AnyCommand) -> AnyReply:
        self.asked.append(command)
        if self.failure is not None:
            raise self.failure
        return Accepted(message=SafeText("done"))
