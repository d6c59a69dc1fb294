"""What an action applies to: the targets and the object of a row."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.contract.records import (
    HealthRecord,
    HistoryRecord,
    ObjectRecord,
    QueueRecord,
    TargetRecord,
)
from tmcconsole.ui.rows.drifts import DriftedField
from tmcconsole.ui.rows.health import target_of
from tmcconsole.ui.rows.letters import DEAD, QueuedKey
from tmcconsole.ui.rows.problems import Problem

NAMED: Final = 3  # names that a question gives one by one
HELD_REASON: Final = "DeletionHeld"


@dataclass(frozen=True, slots=True)
class Subject:
    """One or several rows, as the engine's commands name them."""

    targets: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()  # ObjectRecord keys
    hidden: int = 0  # marked rows that the filter hides
    queues: tuple[tuple[str, str], ...] = ()  # (target or hub, kind) of those with dead letters
    letters: tuple[tuple[str, str], ...] = ()  # (target or hub, ObjectRecord key): dead ones
    drifts: tuple[DriftedField, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()  # (ObjectRecord key, target; "" = all of them)
    held: tuple[str, ...] = ()  # targets that hold a deletion of the objects back

    @property
    def label(self) -> str:
        """Return what a question calls the targets, with how many of them the filter hides."""
        return names(self.targets, "target") + self._hidden

    @property
    def copies_label(self) -> str:
        """Return what a question calls the copies: which objects, on which targets."""
        objects = tuple(dict.fromkeys(key for key, _ in self.copies))
        targets = tuple(dict.fromkeys(target for _, target in self.copies))
        where = "all its targets" if len(objects) == 1 else "all their targets"
        if all(targets):
            where = names(targets, "target")
        return f"{names(objects, 'object')} on {where}{self._hidden}"

    @property
    def _hidden(self) -> str:
        return f", {self.hidden} of them hidden by the filter" if self.hidden else ""


def names(found: Sequence[str], noun: str) -> str:
    """Return one name, a few names, or how many with the first of them."""
    if len(found) <= NAMED:
        return ", ".join(found) or "nothing"
    return f"{len(found)} {noun}s ({found[0]}, {found[1]}, …)"


def subject_of(records: list[Any], objects: Container[str], hidden: int = 0) -> Subject:
    """Return what the records stand for. ``objects``: the keys of all known objects."""
    targets: dict[str, None] = {}
    copies: dict[tuple[str, str], None] = {}
    for record in records:
        on = _targets(record)
        targets |= dict.fromkeys(on)
        for key in _objects(record, objects):
            copies |= dict.fromkeys((key, target) for target in _copy_targets(record, on))
    return Subject(
        targets=tuple(targets),
        objects=tuple(dict.fromkeys(key for key, _ in copies)),
        hidden=hidden,
        queues=tuple((r.target, r.kind) for r in records if isinstance(r, QueueRecord) and r.dead),
        letters=tuple(
            (r.target, r.object) for r in records if isinstance(r, QueuedKey) and r.state == DEAD
        ),
        drifts=tuple(r for r in records if isinstance(r, DriftedField)),
        copies=tuple(copies),
        held=tuple(dict.fromkeys(name for r in records for name in _held(r))),
    )


def _copy_targets(record: Any, on: tuple[str, ...]) -> tuple[str, ...]:
    """Return the targets of the copies a row stands for, "" for all that there are."""
    match record:
        case QueuedKey():
            return ("" if record.target == "hub" else record.target,)
        case DriftedField():
            return (record.field.target,)
        case _:
            return on or ("",)


def _held(record: Any) -> tuple[str, ...]:
    cells = record.cells if isinstance(record, ObjectRecord) else ()
    return tuple(cell.target for cell in cells if cell.reason == HELD_REASON)


def _targets(record: Any) -> tuple[str, ...]:
    match record:
        case TargetRecord():
            return (record.name,)
        case QueueRecord():
            return (record.target,) if record.target != "hub" else ()
        case HealthRecord():
            return target_of(record.path)
        case HistoryRecord():
            return (record.target,) if record.target else ()
        case Problem():
            return record.targets
        case _:
            return ()


def _objects(record: Any, known: Container[str]) -> tuple[str, ...]:
    match record:
        case ObjectRecord():
            return (record.key,)
        case QueuedKey() | DriftedField():
            return (record.object,) if record.object in known else ()
        case HistoryRecord():
            return (record.subject,) if record.subject in known else ()
        case Problem():
            return record.objects
        case _:
            return ()
