"""What an action applies to: the targets and the object of a row."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Subject:
    """One or several rows, as the engine's commands name them."""

    targets: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()  # ObjectRecord keys
    hidden: int = 0  # marked rows that the filter hides
    queues: tuple[tuple[str, str], ...] = ()  # (target or hub, kind) of those with dead letters
    letters: tuple[tuple[str, str], ...] = ()  # (target or hub, ObjectRecord key): dead ones
    drifts: tuple[DriftedField, ...] = ()

    @property
    def label(self) -> str:
        """Return what a question calls it."""
        names = self.targets or self.objects
        if not names:
            return "nothing"
        if len(names) > 1:
            noun = "targets" if self.targets else "objects"
            hidden = f" ({self.hidden} hidden by the filter)" if self.hidden else ""
            return f"{len(names)} {noun}{hidden}"
        return names[0]


def subject_of(records: list[Any], objects: Container[str], hidden: int = 0) -> Subject:
    """Return what the records stand for. ``objects``: the keys of all known objects."""
    targets: dict[str, None] = {}
    keys: dict[str, None] = {}
    for record in records:
        for target in _targets(record):
            targets[target] = None
        key = _object(record, objects)
        if key:
            keys[key] = None
    return Subject(
        tuple(targets),
        tuple(keys),
        hidden,
        queues=tuple((r.target, r.kind) for r in records if isinstance(r, QueueRecord) and r.dead),
        letters=tuple(
            (r.target, r.object) for r in records if isinstance(r, QueuedKey) and r.state == DEAD
        ),
        drifts=tuple(r for r in records if isinstance(r, DriftedField)),
    )


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


def _object(record: Any, objects: Container[str]) -> str:
    match record:
        case ObjectRecord():
            return record.key
        case QueuedKey() | DriftedField():
            return record.object if record.object in objects else ""
        case HistoryRecord():
            return record.subject if record.subject in objects else ""
        case Problem():
            kind, key = record.subject
            return key if kind == "ObjectRecord" else ""
        case _:
            return ""
