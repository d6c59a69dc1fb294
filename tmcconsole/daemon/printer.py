"""The state of all targets as one document: JSON for programs, a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import orjson

from tmcconsole.contract.commands import DeadLetter, DriftField, DriftReport
from tmcconsole.contract.durations import lasting
from tmcconsole.contract.records import (
    EngineRecord,
    HistoryRecord,
    KindRecord,
    KindState,
    ObjectRecord,
    TargetRecord,
)
from tmcconsole.contract.words import words
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.verdict import ANSWERS, ILL, Unknown, troubles, unknowns

Document = dict[str, Any]
MAX_TROUBLES: Final = 100
COUNTS: Final = ("placed", "in_sync", "pending", "failed", "held", "stale")
_RARE: Final = ("held", "stale")  # printed only if there are any
MAX_ERRORS: Final = 100  # newest first; the history has the rest


def document(board: Follower) -> Document:
    """Return targets, objects, errors and engine as plain data; ages are in seconds."""
    engine = board.engine()
    return {
        "unknown": [unknown_row(one, board.wall) for one in unknowns(board)],
        "targets": [_target(target, board.wall) for target in board.of(TargetRecord)],
        "kinds": [_kind(kind) for kind in board.of(KindRecord) if _is_told(kind)],
        "objects": _objects(engine),
        "unhealthy": sum(one.health in ILL for one in board.of(ObjectRecord)),
        "errors": _errors(board.of(HistoryRecord)),
        "engine": {
            "version": engine.version if engine else "",
            "uptime_s": round(max(0.0, board.wall - engine.started_at), 1) if engine else 0.0,
            "revision": board.revision.number,
            "hub_connected": engine.hub_connected if engine else False,
            "replica": engine.replica if engine else "",
            "hub_holder": engine.hub_holder if engine else "",
        },
    }


def unknown_row(one: Unknown, wall: float) -> Document:
    """Return what is unknown as plain data; the age is null if it was never known."""
    age_s = round(max(0.0, wall - one.since), 1) if one.since else None
    return {"what": one.what, "age_s": age_s, "cause": one.cause}


def unknown_lines(rows: Iterable[Document]) -> list[str]:
    """Return a line for each part that could not be asked: what is shown for it is old."""
    return [f"NOT KNOWN  {row['what']}, {_silence(row['age_s'])}: {row['cause']}" for row in rows]


def _silence(age_s: float | None) -> str:
    return "not reached yet" if age_s is None else f"no answer for {age(age_s)}"


def is_settled(status: Document) -> bool:
    """Return whether all targets are ready and everything placed is in sync, and anything is
    placed.
    """
    objects, targets = status["objects"], status["targets"]
    return bool(
        targets
        and all(target["ready"] for target in targets)
        and objects["placed"]
        and objects["in_sync"] == objects["placed"]
    )


def to_json(status: Document) -> str:
    """Return the document as indented JSON."""
    return orjson.dumps(status, option=orjson.OPT_INDENT_2).decode()


def reply_json(value: msgspec.Struct | Sequence[msgspec.Struct]) -> str:
    """Return the engine's answer as indented JSON, with its own field names."""
    return orjson.dumps(
        msgspec.to_builtins(value, enc_hook=str), option=orjson.OPT_INDENT_2
    ).decode()


def to_table(status: Document) -> str:
    """Return the document as aligned columns."""
    head = ("TARGET", "READY", "STATE", "HEARTBEAT", "QUEUE", "OBJECTS", "IN SYNC")
    rows = [_row(target) for target in status["targets"]]
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in _counts(status))
    silent = unknown_lines(status["unknown"])
    objects = f"objects: {counts}{_unhealthy(status)}{', as last known' if silent else ''}"
    lines = [*silent, *_align([head, *rows]), "", objects]
    lines += [f"kind: {_kind_line(kind)}" for kind in status["kinds"]]
    lines += [f"error: {_error_line(error)}" for error in status["errors"]]
    return "\n".join(lines)


def letters_table(letters: Sequence[DeadLetter], total: int, wall: float) -> str:
    """Return dead letters as aligned columns, each with its cause on a line of its own."""
    if not letters:
        return "no dead letters"
    head = ("TARGET", "KEY", "TRIES", "SINCE", "NEXT TRY")
    rows = [_letter(letter, wall) for letter in letters]
    first, *lines = _align([head, *rows])
    told = [f"{line}\n    {one.cause}" for line, one in zip(lines, letters, strict=True)]
    more = [f"and {total - len(letters)} more"] if total > len(letters) else []
    return "\n".join([first, *told, *more])


def trouble_rows(board: Follower, at: str) -> list[Document]:
    """Return the copies that are not in sync or not healthy as plain data; ages in seconds."""
    return [
        {
            "target": one.cell.target,
            "key": one.record.key,
            "state": one.state,
            "reason": one.cell.reason,
            "age_s": round(max(0.0, board.wall - one.since), 1) if one.since else None,
            "message": one.message,
        }
        for one in troubles(board, at)
    ]


def trouble_table(board: Follower, at: str) -> str:
    """Return what is unknown, and the copies that are not in sync or not healthy, each with its
    reason.
    """
    silent = unknown_lines(unknown_row(one, board.wall) for one in unknowns(board))
    rows = trouble_rows(board, at)
    if not rows:
        return "\n".join(silent) or "everything is in sync and healthy"
    head = ("TARGET", "KEY", "STATE", "REASON", "SINCE")
    shown = rows[:MAX_TROUBLES]
    cells = [
        (row["target"], row["key"], row["state"], words(row["reason"]), _since(row["age_s"]))
        for row in shown
    ]
    first, *lines = _align([head, *cells])
    told = [
        f"{line}\n    {row['message']}" if row["message"] else line
        for line, row in zip(lines, shown, strict=True)
    ]
    more = [f"and {len(rows) - MAX_TROUBLES} more"] if len(rows) > MAX_TROUBLES else []
    return "\n".join([*silent, first, *told, *more])


def drift_table(reports: Sequence[DriftReport], wall: float) -> str:
    """Return each object's policy and drifted fields, with both values on lines of their own."""
    told = [_drifted(report, wall) for report in reports if report.fields]
    return "\n\n".join(told) or "no drift: no copy has a change by others now"


def _drifted(report: DriftReport, wall: float) -> str:
    head = ("OUTCOME", "TARGET", "FIELD", "TIMES", "LAST", "BY")
    first, *lines = _align([head, *(_field(one, wall) for one in report.fields)])
    values = [
        f"{line}\n    desired {one.wanted or 'nothing'}\n    actual  {one.actual or 'nothing'}"
        for line, one in zip(lines, report.fields, strict=True)
    ]
    return "\n".join([f"{report.key}  {report.policy}", first, *values])


def _field(one: DriftField, wall: float) -> tuple[str, ...]:
    last = f"{age(max(0.0, wall - one.last_seen))} ago"
    return one.outcome, one.target, one.path, str(one.count), last, one.manager


def _since(age_s: float | None) -> str:
    return "-" if age_s is None else age(age_s)


def age(seconds: float | None) -> str:
    """Return an age in its largest unit; "never" for None."""
    return "never" if seconds is None else lasting(seconds)


def _target(target: TargetRecord, wall: float) -> Document:
    beat = target.heartbeat_at
    return {
        "name": target.name,
        "ready": target.ready,
        "paused": target.pause is not None,
        "cordoned": target.cordoned,
        "heartbeat_age_s": round(max(0.0, wall - beat), 1) if beat else None,
        "queue_depth": target.queue_depth,
        "objects": target.objects,
        "in_sync": target.in_sync if target.state in ANSWERS else None,
        "stale": target.stale,
        "state": target.state.value,
        "reason": target.reason,
        "holder": target.holder,
        "message": target.message,
    }


def _letter(letter: DeadLetter, wall: float) -> tuple[str, ...]:
    due = f"in {age(max(0.0, letter.due_at - wall))}" if letter.due_at else "now"
    since = age(max(0.0, wall - letter.since))
    return letter.target, letter.key, str(letter.attempts), since, due


def _is_told(kind: KindRecord) -> bool:
    """Return whether to list a kind: it should be synced and is not, or not fully.

    One that policy denies, or that is served nowhere, is news only where objects wait for it.
    """
    if kind.objects and kind.state is not KindState.ACCEPTED:
        return True
    return kind.state not in (KindState.ACCEPTED, KindState.REFUSED) and (
        kind.reason != "KindNotServed"
    )


def _kind(kind: KindRecord) -> Document:
    return {
        "target": kind.target,
        "kind": kind.kind,
        "state": kind.state.value,
        "reason": kind.reason,
        "message": kind.message,
    }


def _kind_line(kind: Document) -> str:
    return f"{kind['target']} {kind['kind']}: {kind['state']} {kind['message']}"


def _objects(engine: EngineRecord | None) -> dict[str, int]:
    """Count (object, target) pairs."""
    if engine is None:
        return dict.fromkeys(COUNTS, 0)
    return {
        "placed": engine.placed,
        "in_sync": engine.in_sync,
        "pending": engine.pending,
        "failed": engine.failed,
        "held": engine.held,
        "stale": engine.stale,
    }


def _errors(history: Iterable[HistoryRecord]) -> list[Document]:
    """Return the errors without a recovery, newest first."""
    lasting = [
        record for record in history if record.category == "error" and not record.recovered_at
    ]
    lasting.sort(key=lambda record: (-record.last_at, record.id))
    return [
        {
            "event": record.event,
            "severity": record.severity,
            "target": record.target,
            "subject": record.subject,
            "message": record.message,
            "hint": record.hint,
            "count": record.count,
        }
        for record in lasting[:MAX_ERRORS]
    ]


def _row(target: Document) -> tuple[str, ...]:
    flags = [word for word in ("paused", "cordoned") if target[word]]
    if target["state"] == "Standby" and target["holder"]:
        flags.append(f"(held by {target['holder']})")
    return (
        target["name"],
        "yes" if target["ready"] else "no",
        " ".join([target["state"], *flags]),
        age(target["heartbeat_age_s"]),
        _number(target["queue_depth"]),
        _number(target["objects"]),
        _number(target["in_sync"]),
    )


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _counts(status: Document) -> Iterable[tuple[str, str]]:
    counts = status["objects"]
    return ((name, _number(counts[name])) for name in counts if name not in _RARE or counts[name])


def _unhealthy(status: Document) -> str:
    return f", {status['unhealthy']} unhealthy" if status["unhealthy"] else ""


def _error_line(error: Document) -> str:
    event, subject = words(error["event"]), error["subject"]
    told = subject if subject not in event else ""  # the deletions of "deletions held"
    place = " ".join(filter(None, (error["target"], told)))
    hint = f" ({error['hint']})" if error["hint"] else ""
    said = ", ".join(filter(None, (event, place)))
    return f"{said}: {error['message']}{hint}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
