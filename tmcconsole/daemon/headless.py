"""The engine without the console: its changes become log lines."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import anyio

from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import (
    AnyRecord,
    EngineRecord,
    HistoryRecord,
    TargetRecord,
    TargetState,
)
from tmcconsole.daemon.follow import Follower

PULL_S: Final = 0.5  # how often changes are pulled; a log needs no more
_STATES: Final = frozenset(state.value for state in TargetState)
_LEVELS: Final = {
    "Low": logging.INFO,
    "Medium": logging.WARNING,
    "High": logging.ERROR,
    "Critical": logging.CRITICAL,
}


async def run_headless(
    link: EngineLink, *, stop: anyio.Event, log: logging.Logger, board: Follower | None = None
) -> None:
    """Log what changes until ``stop`` is set. Raises ``LinkLost`` when the engine is gone.

    ``board`` is kept up to date for callers who print it at the end.
    """
    board = board if board is not None else Follower()
    said: dict[str, object] = {}
    while not stop.is_set():
        for record in await board.pull(link):
            _say(record, said, log)
        with anyio.move_on_after(PULL_S):
            await stop.wait()
    await board.pull(link)


def _say(record: AnyRecord, said: dict[str, object], log: logging.Logger) -> None:
    """Log a record if its message differs from the last one about the same subject."""
    match record:
        case TargetRecord():
            fact: object = (record.state, record.ready, record.reason, record.cordoned)
            fact = (fact, record.pause, record.evict_after, record.deletes_held)
        case EngineRecord():
            fact = (record.hub_connected, record.hub_reason)
        case HistoryRecord() if record.event in _STATES or record.target == "hub":
            return  # the target's, or the engine's, own line says it
        case HistoryRecord():
            # Logged at 1, 2, 4, 8, … occurrences: an outage is reported, not counted aloud.
            fact = (record.count.bit_length(), record.recovered_at)
        case _:
            return
    name = f"{type(record).__name__}/{record.key}"
    if said.get(name) == fact:
        return
    said[name] = fact
    if isinstance(record, TargetRecord):
        _say_target(record, log)
    elif isinstance(record, EngineRecord):
        _say_engine(record, log)
    else:
        _say_history(record, log)


def _say_target(target: TargetRecord, log: logging.Logger) -> None:
    fields = {
        "target": target.name,
        "state": target.state.value,
        "ready": target.ready,
        "reason": target.reason,
        "cordoned": target.cordoned,
        "paused": target.pause is not None,
        "draining": target.evict_after > 0,
        "deletes_held": target.deletes_held,
    }
    level = logging.INFO if target.ready else logging.WARNING
    ready = "ready" if target.ready else "not ready"
    message = f": {target.message}" if target.message else ""
    _write(log, level, f"target is {target.state.value}, {ready}{message}", fields)


def _say_engine(engine: EngineRecord, log: logging.Logger) -> None:
    fields = {"hub": engine.hub, "flavour": engine.hub_flavour, "reason": engine.hub_reason}
    if engine.hub_connected:
        _write(log, logging.INFO, "hub connected", fields)
    elif engine.hub_reason or engine.hub_since:  # otherwise it has not been tried yet
        _write(log, logging.WARNING, "hub not connected", fields)


def _say_history(entry: HistoryRecord, log: logging.Logger) -> None:
    fields = {
        "category": entry.category,
        "event": entry.event,
        "severity": entry.severity,
        "target": entry.target,
        "subject": entry.subject,
        "count": entry.count,
        "hint": entry.hint,
        "actor": entry.actor,
    }
    level = _LEVELS.get(entry.severity, logging.INFO) if entry.category == "error" else logging.INFO
    recovered = "recovered: " if entry.recovered_at else ""
    said = recovered + (entry.message or entry.event)
    _write(log, logging.INFO if recovered else level, said, fields)


def _write(log: logging.Logger, level: int, message: str, fields: Mapping[str, object]) -> None:
    shown = {name: value for name, value in fields.items() if value not in ("", 0, False)}
    log.log(level, "%s", message, extra={"fields": shown})
