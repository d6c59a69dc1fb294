"""What a board shows as unknown and as not well. Exit codes come from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tmcconsole.contract.records import (
    Cell,
    Health,
    ObjectRecord,
    SyncState,
    TargetRecord,
    TargetState,
)
from tmcconsole.daemon.follow import Follower

WELL: Final = 0
NOT_WELL: Final = 3  # something is not in sync, or not healthy
NOT_ASKED: Final = 4  # something could not be asked: its state is unknown
ANSWERS: Final = (TargetState.SYNCING, TargetState.STANDBY)  # states of targets that respond
ILL: Final = (Health.DEGRADED, Health.UNHEALTHY)


class Unknown(NamedTuple):
    """A part that does not respond. ``since`` in Unix seconds, 0 if it never has."""

    what: str  # the hub, or a target's name
    since: float
    cause: str


class IllCopy(NamedTuple):
    """One copy that is not in sync, or not healthy."""

    record: ObjectRecord
    cell: Cell

    @property
    def state(self) -> str:
        """What is wrong in one word: the copy's state, or its health if it is in sync."""
        is_placed = self.cell.state is SyncState.IN_SYNC
        return self.cell.health.value if is_placed else self.cell.state.value

    @property
    def since(self) -> float:
        """When that began (Unix seconds), 0 if it is not known."""
        return self.cell.ill_since if self.cell.state is SyncState.IN_SYNC else self.cell.since

    @property
    def message(self) -> str:
        """Why, according to the copy's cluster or the engine."""
        return str(self.cell.message or (self.cell.told if self.cell.health in ILL else ""))


def unknowns(board: Follower) -> list[Unknown]:
    """Return what cannot be asked now, the hub first."""
    found: list[Unknown] = []
    engine = board.engine()
    if engine is None or not engine.hub_connected:
        since, cause = (engine.hub_since, engine.hub_reason) if engine else (0.0, "")
        found.append(Unknown("hub", since, str(cause or "not connected yet")))
    for target in board.of(TargetRecord):
        if target.state not in ANSWERS:
            cause = str(target.message or target.reason or target.state.value)
            found.append(Unknown(target.name, target.contact_at, cause))
    return found


def troubles(board: Follower, at: str = "") -> list[IllCopy]:
    """Return the copies that are not in sync or not healthy, on one target or on all."""
    return [
        IllCopy(record, cell)
        for record in board.of(ObjectRecord)
        for cell in record.cells
        if at in ("", cell.target) and (cell.state is not SyncState.IN_SYNC or cell.health in ILL)
    ]


def exit_code(board: Follower) -> int:
    """Return ``NOT_ASKED`` before ``NOT_WELL`` before ``WELL``."""
    if unknowns(board):
        return NOT_ASKED
    return NOT_WELL if any(_ills(board)) else WELL


def _ills(board: Follower) -> Iterator[bool]:
    engine = board.engine()
    yield engine is not None and bool(engine.pending or engine.failed or engine.held)
    yield from (not target.ready for target in board.of(TargetRecord))
    yield bool(troubles(board))
