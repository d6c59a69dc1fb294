"""Turns the engine's state into records on the board, when somebody pulls.

Without a viewer only dirty keys are remembered: a daemon nobody watches pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio.lowlevel

from tmcconsole.contract.changes import RecordRef
from tmcconsole.contract.records import (
    HealthRecord,
    HistoryRecord,
    KindRecord,
    PlacementRecord,
    QueueRecord,
)
from tmcconsole.engine.board.board import Board
from tmcconsole.engine.board.ill_copies import IllCopies
from tmcconsole.engine.board.kind_records import KindFacts, kind_facts, kind_record
from tmcconsole.engine.board.object_records import object_record
from tmcconsole.engine.board.target_records import (
    Tally,
    health_readings,
    placement_record,
    queue_records,
    tally_of,
    target_record,
)
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor, silent
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import Ledger
from tmcconsole.tmc.health.health import STALE_DEGRADED_S, STALE_UNHEALTHY_S, roll_up

OBJECTS_PER_TURN: Final = 50  # then yield to other tasks: about 10 ms of building records
OBJECTS_PER_PASS: Final = 2000  # the rest waits for the next pull


@dataclass(slots=True)
class Projector:
    """Owns what is out of date. Runs on the engine's loop."""

    board: Board
    supervisors: dict[str, Supervisor]  # by target name
    session: Callable[[], HubSession | None]
    wall: Callable[[], float]
    tallies: dict[str, Tally] = field(default_factory=dict)  # by target name
    _ill: IllCopies = field(default_factory=IllCopies)
    _dirty: dict[Item, None] = field(default_factory=dict)
    _silence: dict[str, int] = field(default_factory=dict)  # as last seen; see ``_note_silence``
    _tree: dict[str, HealthRecord] = field(default_factory=dict)
    _kinds_shown: list[KindFacts] = field(default_factory=list)

    def touch(self, kind: str, key: ObjectKey) -> None:
        """Note that an object's record is out of date."""
        self._dirty[Item(kind, key)] = None

    def record(self, record: HistoryRecord) -> None:
        """Put a history record on the board."""
        self.board.put(record)

    def drop(self, id: str) -> None:
        """Remove a history record from the board."""
        self.board.remove(RecordRef("HistoryRecord", id))

    async def project(self) -> None:
        """Bring the board up to date, within the limits of one pass."""
        session = self.session()
        self.count()
        for supervisor in self.supervisors.values():
            self.board.put(target_record(supervisor, self._tally(supervisor.name), self.wall()))
        if session is None:
            return
        self._queues(session)
        self._kinds()
        self._placements(session)
        await self._objects(session)
        self._health(session)

    def count(self) -> None:
        """Count the copies by state, for each target and kind, if anything changed."""
        for name, supervisor in self.supervisors.items():
            ledger = _ledger_of(supervisor)
            known = self.tallies.get(name)
            if known is None or known.counted != (id(ledger), ledger.version if ledger else 0):
                target = supervisor.target
                stale = target.stale if target is not None else {}
                known = self.tallies[name] = tally_of(ledger, stale)
            known.is_current = supervisor.standing.is_connected

    def _tally(self, name: str) -> Tally:
        return self.tallies.get(name) or Tally()

    def _queues(self, session: HubSession) -> None:
        records: list[QueueRecord] = list(queue_records("hub", session.shared.hub.queue, self.wall))
        for name, supervisor in self.supervisors.items():
            if supervisor.target is not None:
                records += queue_records(name, supervisor.target.queue, self.wall)
        self._replace("QueueRecord", records)

    def _kinds(self) -> None:
        facts = [one for each in self.supervisors.values() for one in kind_facts(each)]
        if facts != self._kinds_shown:  # dozens per target, and they seldom change
            self._replace("KindRecord", [kind_record(one) for one in facts])
            self._kinds_shown = facts

    def _placements(self, session: HubSession) -> None:
        decided = session.scheduler.decisions.decided.values()
        self._replace("PlacementRecord", [placement_record(one) for one in decided])

    def _health(self, session: HubSession) -> None:
        readings = health_readings(session, self.supervisors, self.tallies, self._ill, self.wall())
        self._tree = roll_up(readings, self.wall(), self._tree)
        self._replace("HealthRecord", list(self._tree.values()))

    def _replace(
        self,
        kind: str,
        records: list[QueueRecord] | list[KindRecord] | list[PlacementRecord] | list[HealthRecord],
    ) -> None:
        """Put all records of a kind on the board, and remove those that no longer exist."""
        for record in records:
            self.board.put(record)
        keys = {str(record.key) for record in records}
        for ref in self.board.refs(kind):
            if ref.key not in keys:
                self.board.remove(ref)

    def _note_silence(self, heard: Mapping[str, float]) -> None:
        """Mark what a target's silence makes out of date: as it begins, ages and ends."""
        wall = self.wall()
        ages = {
            name: 1 + sum(wall - at > limit for limit in (STALE_DEGRADED_S, STALE_UNHEALTHY_S))
            for name, at in heard.items()
        }
        for name, supervisor in sorted(self.supervisors.items()):
            ledger = _ledger_of(supervisor)
            if ages.get(name) != self._silence.get(name) and ledger is not None:
                for kind, key, _ in ledger.entries():
                    self.touch(kind, key)
        self._silence = ages

    async def _objects(self, session: HubSession) -> None:
        heard, wall = silent(self.supervisors), self.wall()
        self._note_silence(heard)
        batch = list(self._dirty)[:OBJECTS_PER_PASS]
        for number, item in enumerate(batch, start=1):
            self._dirty.pop(item, None)
            record = object_record(session, item, heard, wall)
            if record is None:
                self.board.remove(RecordRef("ObjectRecord", f"{item.lane}/{item.key}"))
                self._ill.note(item, ())
            else:
                self.board.put(record)
                self._ill.note(item, record.cells)
            if number % OBJECTS_PER_TURN == 0:
                await anyio.lowlevel.checkpoint()


def _ledger_of(supervisor: Supervisor) -> Ledger | None:
    """Return how a target's copies stand, or, before its first answer, what is wanted there."""
    if supervisor.target is not None:
        return supervisor.target.ledger
    return supervisor.session.unheard.get(supervisor.name)
