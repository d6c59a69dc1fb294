"""Queues, health nodes, the engine and problems in words; and which record has which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tmcconsole.contract.records import (
    EngineRecord,
    HealthRecord,
    HistoryRecord,
    ObjectRecord,
    PlacementRecord,
    QueueRecord,
    TargetRecord,
)
from tmcconsole.contract.words import told_of
from tmcconsole.ui.details.detail_lines import heading, pair, pairs, paragraph
from tmcconsole.ui.details.drift import drift_lines
from tmcconsole.ui.details.happened import entry_lines
from tmcconsole.ui.details.objects import object_lines
from tmcconsole.ui.details.target import target_lines
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.drifts import DriftedField
from tmcconsole.ui.rows.letters import DEAD, QueuedKey, key_sign, next_try
from tmcconsole.ui.rows.problems import Problem
from tmcconsole.ui.rows.queues import queue_sign
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.style.format import age, ago, count, countdown, span
from tmcconsole.ui.style.ink import BLANK, Run, Runs, ink, wrap
from tmcconsole.ui.style.signs import HEALTH, UNPLACED, hub_sign

TOLD_OBJECTS: Final = 6  # objects of one problem that are named below the list

# What a problem may lead to, by its subject's name.
TYPES: Final[dict[str, type[Any]]] = {
    each.__name__: each
    for each in (TargetRecord, ObjectRecord, HistoryRecord, PlacementRecord, EngineRecord)
}


def detail(record: Any, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    """Return the lines about any record, for a pane of ``width`` columns."""
    words = _WORDS.get(type(record))
    if words is None:
        return [ink("nothing selected", "dim")]
    return words(record, mirror, draw, width)


def told_lines(problem: Problem, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    """Return a problem in full: all of its cause, which objects, on which targets, what helps."""
    head = (Run(" "), *draw.state(problem.sign), Run(f"  {', '.join(problem.targets)}", "strong"))
    lines: list[Runs] = [head, *_inset(wrap(problem.text, width, problem.tone))]
    kind, key = problem.subject
    record = mirror.of(TYPES[kind]).get(key)
    if isinstance(record, TargetRecord) and record.message and record.message not in problem.text:
        lines += _inset(wrap(record.message, width))
    lines += _inset(wrap(problem.remedy, width, "info")) if problem.remedy else []
    if isinstance(record, HistoryRecord) and record.hint:
        lines += _inset(wrap(record.hint, width, "info"))
    if problem.objects:
        lines += _inset(wrap(", ".join(problem.objects[:TOLD_OBJECTS]), width, "dim"))
    return lines


def _inset(lines: list[Runs]) -> list[Runs]:
    return [(Run(" "), *runs) for runs in lines]


def _queue(queue: QueueRecord, draw: DrawContext, width: int) -> list[Runs]:
    return [
        (Run(queue.kind, "strong"), Run("  "), *draw.state(queue_sign(queue))),
        (Run(f"on {queue.target}", "dim"),),
        BLANK,
        *pairs([
            ("ready", count(queue.depth)),
            ("in flight", count(queue.in_flight)),
            ("later", count(queue.delayed)),
            ("retrying", count(queue.retrying)),
            ("dead", ink(f"{count(queue.dead)}; t retries them", "failed")
             if queue.dead else ""),
            ("oldest", age(queue.oldest_at, draw.now)),
            ("done", f"{count(queue.done_total)} since the engine started"),
            ("errors", count(queue.failed_total)),
        ]),
        *paragraph("last error", queue.last_error, width, "failed"),
        *pairs([("", ago(queue.last_error_at, draw.now) if queue.last_error else "")]),
        BLANK,
        ink("Enter lists the keys in it", "dim"),
    ]  # fmt: skip


def _queued(row: QueuedKey, draw: DrawContext, width: int) -> list[Runs]:
    lines: list[Runs] = [
        *wrap(row.object, width, "strong"),
        (*draw.state(key_sign(row)), Run(f"  on {row.target}", "dim")),
        BLANK,
        *paragraph("cause", row.cause, width, "failed"),
        *pairs([
            ("tries", f"{count(row.attempts)} in a row" if row.attempts else "none failed"),
            ("since", ago(row.since, draw.now) if row.since else ""),
            ("next attempt", next_try(row, draw)),
        ]),
    ]  # fmt: skip
    if row.state == DEAD:
        text = (
            "A dead letter was refused, or failed too often. It is retried rarely, and at once when"
            " the object changes. t retries it now, w explains."
        )
        lines += [BLANK, *wrap(text, width, "dim")]
    return lines


def _health(node: HealthRecord, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    below = [
        other for path, other in sorted(mirror.of(HealthRecord).items())
        if path.startswith(f"{node.path}/")
    ]  # fmt: skip
    counts = {
        status: sum(other.status is status for other in below)
        for status in sorted(HEALTH, key=lambda each: HEALTH[each].rank)
    }
    lines: list[Runs] = [
        (Run(node.label, "strong"), Run("  "), *draw.state(HEALTH[node.status])),
        (Run(node.path, "dim"),),
        BLANK,
        *paragraph("reason", told_of(node.reason), width),
        pair("since", ago(node.since, draw.now)),
    ]
    if below:
        lines += heading("Below it")
        lines += [
            (*draw.state(HEALTH[status]), Run(f"  {count(number)}", "dim"))
            for status, number in counts.items() if number
        ]  # fmt: skip
    return lines


def _placement(placement: PlacementRecord, draw: DrawContext, width: int) -> list[Runs]:
    state = () if placement.targets else (Run("  "), *draw.state(UNPLACED))
    return [
        (Run(placement.name, "strong"), *state),
        ink("Placement", "dim"),
        BLANK,
        *pairs([("phase", placement.phase), ("strategy", placement.strategy)]),
        *paragraph("targets", ", ".join(placement.targets) or "none", width),
        *paragraph("reason", told_of(placement.reason), width),
    ]


def _engine(engine: EngineRecord, draw: DrawContext, width: int) -> list[Runs]:
    lines: list[Runs] = [
        (Run("engine", "strong"), Run("  "), *draw.state(hub_sign(engine))),
        *paragraph("", engine.hub_reason, width, "failed"),
        BLANK,
        *pairs([
            ("hub", engine.hub),
            ("flavour", engine.hub_flavour),
            ("replica", engine.replica),
            ("hub held by", engine.hub_holder),
            ("workspace", engine.hub_workspace),
            ("since", ago(engine.hub_since, draw.now)),
            ("next try", countdown(engine.hub_next_try_at, draw.now)
             if engine.hub_next_try_at else ""),
            ("version", engine.version),
            ("up", span(draw.now - engine.started_at) if engine.started_at else ""),
            ("writes", f"{count(engine.write_attempts)} since start"),
        ]),
    ]  # fmt: skip
    if engine.notes:
        lines += heading("Notes")
        for note in engine.notes:
            lines += paragraph("", note, width + 12)
    return lines


def _problem(problem: Problem, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    kind, key = problem.subject
    record = mirror.of(TYPES[kind]).get(key)
    return detail(record, mirror, draw, width)


_WORDS: Final[dict[type[Any], Callable[[Any, Mirror, DrawContext, int], list[Runs]]]] = {
    TargetRecord: target_lines,
    ObjectRecord: object_lines,
    QueueRecord: lambda record, _mirror, draw, width: _queue(record, draw, width),
    HealthRecord: _health,
    HistoryRecord: lambda record, _mirror, draw, width: entry_lines(record, draw, width),
    PlacementRecord: lambda record, _mirror, draw, width: _placement(record, draw, width),
    EngineRecord: lambda record, _mirror, draw, width: _engine(record, draw, width),
    QueuedKey: lambda record, _mirror, draw, width: _queued(record, draw, width),
    DriftedField: lambda record, _mirror, draw, width: drift_lines(record, draw, width),
    Problem: _problem,
}
