"""``tmc-console drift``: what others changed on copies, and commands to resolve it."""

from __future__ import annotations

from functools import partial
from typing import Final

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure
from tmcconsole.cli.orders.ask_engine import answer_of, ask, with_engine
from tmcconsole.cli.setting import loaded, runtime_of
from tmcconsole.contract.commands import (
    Accepted,
    AdoptDrift,
    AnyCommand,
    CedeField,
    DriftReport,
    RevertDrift,
    ShowDrift,
)
from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import Cell, ObjectRecord, SyncState, TargetRecord
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.printer import drift_table, reply_json

MOST: Final = 100  # objects to ask about when none is named
# Reasons for a copy that is not written, or only partly, because of others' changes.
_OTHERS: Final = frozenset({"Fight", "Manual", "MergeConflict", "FieldsLeft", "Reported"})


def run(arguments: Arguments) -> int:
    """Print the drift ledger, or have the engine resolve an entry."""
    if arguments.verb != "list":
        reply = ask(arguments, _order(arguments))
        assert isinstance(reply, Accepted)
        print(reply.message)
        return 0
    reports = with_engine(arguments, partial(_reports, key=arguments.key, at=arguments.at))
    if arguments.output == "json":
        print(reply_json(reports))
    else:
        print(drift_table(reports, runtime_of(loaded(arguments).settings).wall()))
    return 0


def _order(arguments: Arguments) -> AnyCommand:
    key, field = arguments.key, arguments.field
    if arguments.verb == "cede":
        return CedeField(key=key, field=field)
    kind = AdoptDrift if arguments.verb == "adopt" else RevertDrift
    return kind(key=key, target=arguments.at, field=field)


async def _reports(engine: EngineLink, *, key: str, at: str) -> list[DriftReport]:
    """Return the report of one object, or of all whose copies differ now, at most ``MOST``."""
    keys = [key] if key else (await _drifted(engine, at))[:MOST]
    reports = [await answer_of(engine, ShowDrift(key=one, target=at)) for one in keys]
    return [report for report in reports if isinstance(report, DriftReport)]


async def _drifted(engine: EngineLink, at: str) -> list[str]:
    board = Follower()
    await board.pull(engine)
    names = [target.name for target in board.of(TargetRecord)]
    if at and at not in names:
        raise CommandFailure(f"no target {at!r}; known targets: {', '.join(names)}")
    return [
        record.key
        for record in board.of(ObjectRecord)
        if any(_differs(cell) and at in ("", cell.target) for cell in record.cells)
    ]


def _differs(cell: Cell) -> bool:
    return cell.state is SyncState.DRIFTED or cell.reason in _OTHERS
