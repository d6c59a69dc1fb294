"""What needs someone to look, over the whole fleet, worst first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tmcconsole.contract.records import (
    HistoryRecord,
    KindRecord,
    KindState,
    ObjectRecord,
    SyncState,
    TargetRecord,
)
from tmcconsole.ui.format import age, count, plural
from tmcconsole.ui.ink import Runs, ink, plain
from tmcconsole.ui.mirror import TROUBLE, Mirror
from tmcconsole.ui.rows.history import is_open_error
from tmcconsole.ui.rows.table import Column, Listing, Look
from tmcconsole.ui.rows.targets import is_problem, note
from tmcconsole.ui.signs import KIND, SYNC, Sign, history_sign, hub_sign, target_sign

MAX_SHOWN = 200  # groups; beyond it a person reads the history instead


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of trouble. ``subject`` names the record it leads to, as (kind tag, key)."""

    key: str
    sign: Sign
    rank: int
    what: str
    text: str
    tone: str
    since: float
    subject: tuple[str, str]
    targets: tuple[str, ...] = ()


def problems(mirror: Mirror, look: Look) -> list[Problem]:
    """Return the fleet's problems, worst first, at most ``MAX_SHOWN``."""
    found = [*_hub(mirror), *_targets(mirror, look), *_kinds(mirror), *_objects(mirror),
             *_errors(mirror)]  # fmt: skip
    return sorted(found, key=lambda problem: (problem.rank, problem.key))[:MAX_SHOWN]


def _hub(mirror: Mirror) -> list[Problem]:
    engine = mirror.engine
    if engine is None or engine.hub_connected:
        return []
    return [
        Problem("hub", hub_sign(engine), 0, "hub", engine.hub_reason or "not connected", "failed",
                engine.hub_since, ("EngineRecord", "engine"))
    ]  # fmt: skip


def _targets(mirror: Mirror, look: Look) -> list[Problem]:
    return [
        Problem(
            key=f"target/{target.name}",
            sign=target_sign(target),
            rank=1 + target_sign(target).rank,
            what=target.name,
            text=plain(note(target, look)) or target.message or target.reason,
            tone=target_sign(target).tone,
            since=target.since,
            subject=("TargetRecord", target.key),
            targets=(target.name,),
        )
        for target in mirror.of(TargetRecord).values()
        if is_problem(target) and target_sign(target).rank <= 5
    ]


def _kinds(mirror: Mirror) -> list[Problem]:
    """Fold kinds that stand alike on a target into one line."""
    groups: dict[tuple[str, KindState, str], list[KindRecord]] = defaultdict(list)
    records = mirror.of(KindRecord)
    for key in sorted(mirror.lacking):
        record = records[key]
        groups[record.target, record.state, record.reason].append(record)
    return [
        Problem(
            key=f"kinds/{target}/{state}/{reason}",
            sign=KIND[state],
            rank=10 + KIND[state].rank,
            what=target,
            text=f"{', '.join(kind.kind for kind in members[:3])}: {reason} {members[0].message}"
            if len(members) <= 3
            else f"{count(len(members))} kinds: {reason}, e.g. {members[0].kind}",
            tone=KIND[state].tone,
            since=min(kind.since for kind in members),
            subject=("TargetRecord", target),
            targets=(target,),
        )
        for (target, state, reason), members in groups.items()
    ]


def _objects(mirror: Mirror) -> list[Problem]:
    """Fold cells with the same state and reason on a target into one line."""
    groups: dict[tuple[str, SyncState, str], list[tuple[str, float, str]]] = defaultdict(list)
    records = mirror.of(ObjectRecord)
    for key in sorted(mirror.troubled):
        for cell in records[key].cells:
            if cell.state in TROUBLE:
                group = (cell.target, cell.state, cell.reason)
                groups[group].append((key, cell.since, cell.message))
    return [
        Problem(
            key=f"objects/{target}/{state}/{reason}",
            sign=SYNC[state],
            rank=20 + SYNC[state].rank,
            what=target,
            text=_folded(reason, members),
            tone=SYNC[state].tone,
            since=min(since for _, since, _ in members),
            subject=("ObjectRecord", members[0][0]),
            targets=(target,),
        )
        for (target, state, reason), members in groups.items()
    ]


def _folded(reason: str, members: list[tuple[str, float, str]]) -> str:
    key, _, message = members[0]
    if len(members) == 1:
        return f"{key}: {reason} {message}".rstrip()
    return f"{plural(len(members), 'object')}: {reason or message}, e.g. {key}"


def _errors(mirror: Mirror) -> list[Problem]:
    """Return open errors, without those that a target's own line tells already."""
    told = {(t.name, t.reason) for t in mirror.of(TargetRecord).values() if is_problem(t)}
    return [
        Problem(
            key=f"error/{entry.id}",
            sign=history_sign(entry),
            rank=40 + history_sign(entry).rank,
            what=entry.target or "engine",
            text=f"{entry.event}: {entry.message}",
            tone=history_sign(entry).tone,
            since=entry.at,
            subject=("HistoryRecord", entry.id),
            targets=(entry.target,) if entry.target else (),
        )
        for entry in mirror.of(HistoryRecord).values()
        if is_open_error(entry) and (entry.target, entry.event) not in told
    ]


def _text(problem: Problem, _look: Look) -> Runs:
    return ink(problem.text, problem.tone)


_COLUMNS = (
    Column("state", "PROBLEM", lambda p, look: look.state(p.sign), least=14, most=14),
    Column("what", "WHERE", lambda p, _l: ink(p.what, "strong"), least=10, most=26, middle=True),
    Column("since", "SINCE", lambda p, look: ink(age(p.since, look.now), "dim"),
           number=lambda p, now: now - p.since, right=True, least=5, most=6),
    Column("text", "WHAT", _text, least=16, most=160, grow=True),
)  # fmt: skip

PROBLEMS = Listing(
    kind=Problem,
    noun="problem",
    columns=lambda _look, _width: _COLUMNS,
    problem=lambda _problem: True,
    first=lambda problem: (float(problem.rank), problem.key),
    targets_of=lambda problem: problem.targets,
)
