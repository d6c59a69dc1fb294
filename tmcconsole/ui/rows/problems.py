"""Everything that needs attention, on all targets, worst first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from tmcconsole.contract.records import (
    Cell,
    HistoryRecord,
    KindRecord,
    ObjectRecord,
    PlacementRecord,
    TargetRecord,
)
from tmcconsole.contract.words import because, words
from tmcconsole.ui.mirror import TROUBLE, Mirror, is_ailing, is_held_up, is_trouble
from tmcconsole.ui.rows.history import is_open_error
from tmcconsole.ui.rows.table import Column, DrawContext, Listing
from tmcconsole.ui.rows.targets import is_gone, is_problem, note
from tmcconsole.ui.style.format import age, count, plural, retry
from tmcconsole.ui.style.ink import Runs, ink, plain
from tmcconsole.ui.style.signs import (
    BRAKED,
    KIND,
    UNPLACED,
    Sign,
    cell_sign,
    history_sign,
    hub_sign,
    target_sign,
)

MAX_SHOWN = 200  # groups; beyond that, the history is the place to look


Copy = tuple[str, str]  # (ObjectRecord key, target)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cluster answered about a copy: why it is not well, what helps, when (monotonic s)."""

    cause: str
    remedy: str
    at: float


Causes = dict[Copy, Asked]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. ``subject`` names the record it leads to, as (kind tag, key)."""

    key: str
    sign: Sign
    rank: int
    what: str
    text: str
    tone: str
    since: float
    subject: tuple[str, str]
    targets: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()  # keys of the objects that the line is about
    remedy: str = ""  # what helps, if the cause's own words do not say it
    ailing: Copy | None = None  # the copy whose cluster can be asked for the cause


def problems(mirror: Mirror, draw: DrawContext, causes: Causes | None = None) -> list[Problem]:
    """Return at most ``MAX_SHOWN`` problems, worst first, with the causes that were asked for."""
    found = [*_hub(mirror, draw), *_targets(mirror, draw), *_placements(mirror), *_kinds(mirror),
             *_objects(mirror, causes or {}), *_errors(mirror, draw)]  # fmt: skip
    return sorted(found, key=lambda problem: (problem.rank, problem.key))[:MAX_SHOWN]


def _hub(mirror: Mirror, draw: DrawContext) -> list[Problem]:
    engine = mirror.engine
    if engine is None or engine.hub_connected:
        return []
    return [
        Problem(
            key="hub",
            sign=hub_sign(engine),
            rank=0,
            what="hub",
            text=_with_retry(engine.hub_reason or "not connected", engine.hub_next_try_at, draw),
            tone="failed",
            since=engine.hub_since,
            subject=("EngineRecord", "engine"),
        )
    ]


def _targets(mirror: Mirror, draw: DrawContext) -> list[Problem]:
    return [
        Problem(
            key=f"target/{target.name}",
            sign=target_sign(target),
            rank=1 + target_sign(target).rank,
            what=target.name,
            text=_target_text(target, draw),
            tone=target_sign(target).tone,
            since=_since(target),
            subject=("TargetRecord", target.key),
            targets=(target.name,),
        )
        for target in mirror.of(TargetRecord).values()
        if is_problem(target) and target_sign(target).rank <= 5
    ]


def _since(target: TargetRecord) -> float:
    """Return when what is told of a target began, 0 where that is not known."""
    return target.deletes_held_since if target_sign(target) is BRAKED else target.since


def _target_text(target: TargetRecord, draw: DrawContext) -> str:
    """Return the cause; the time it has lasted has a column of its own."""
    if not is_gone(target):
        return plain(note(target, draw)) or because(target.reason, target.message)
    told = because(target.reason or target.state.value, target.message)
    return _with_retry(told, target.next_try_at, draw)


def _with_retry(told: str, at: float, draw: DrawContext) -> str:
    """Return the message with the time of the next attempt, if known (Unix seconds)."""
    return f"{told.removesuffix('.')}; {retry(at, draw.now)}" if at else told


def _placements(mirror: Mirror) -> list[Problem]:
    """Return the Placements that have chosen no target: what they select is not synced."""
    return [
        Problem(
            key=f"placement/{name}",
            sign=UNPLACED,
            rank=9,
            what=name,
            text=words(placement.reason),
            tone=UNPLACED.tone,
            since=0.0,
            subject=("PlacementRecord", name),
        )
        for name, placement in mirror.of(PlacementRecord).items()
        if not placement.targets
    ]


def _kinds(mirror: Mirror) -> list[Problem]:
    """Fold kinds in the same state on a target into one line, and targets with the same kinds."""
    found: dict[tuple[str, Sign, str], list[_Member]] = defaultdict(list)
    records = mirror.of(KindRecord)
    for key in sorted(mirror.lacking):
        kind = records[key]
        group = (kind.target, KIND[kind.state], kind.reason)
        found[group].append(_Member(kind.kind, kind.since, kind.message))
    return [
        _line(
            fold,
            rank=10,
            text=f"{', '.join(one.key for one in fold.members[:3])}:"
            f" {because(fold.reason, fold.members[0].message)}"
            if len(fold.members) <= 3
            else f"{count(len(fold.members))} kinds:"
            f" {because(fold.reason, fold.members[0].message)}, e.g. {fold.members[0].key}",
            subject=("TargetRecord", fold.targets[0]),
        )
        for fold in _fold(found)
    ]


def _objects(mirror: Mirror, causes: Causes) -> list[Problem]:
    """Fold copies with the same trouble on a target into one line, and targets with the same
    copies.
    """
    found: dict[tuple[str, Sign, str], list[_Member]] = defaultdict(list)
    records = mirror.of(ObjectRecord)
    for key in sorted(mirror.troubled):
        for cell in records[key].cells:
            if is_ailing(cell):
                one = _Member(key, cell.ill_since, cell.told)
                found[cell.target, cell_sign(cell), ""].append(one)
            elif is_trouble(cell) and not _kind_tells(mirror, cell, records[key]):
                group = (cell.target, cell_sign(cell), str(cell.reason))
                found[group].append(_Member(key, cell.since, cell.message))
    return [_object(fold, causes) for fold in _fold(found)]


def _object(fold: _Fold, causes: Causes) -> Problem:
    """Return the line of copies: the cause that their cluster gives comes before the state."""
    first = fold.members[0]
    told, remedy, ailing = _told(fold.reason, fold.members), "", None
    if not fold.reason:
        ailing = (first.key, fold.targets[0])
        asked = causes.get(ailing)
        if asked is not None and asked.cause and asked.cause not in first.message:
            cause = replace(first, message=f"{asked.cause}; {first.message}")
            told = _told("", [cause, *fold.members[1:]])
        remedy = asked.remedy if asked is not None else ""
    line = _line(fold, rank=20, text=told, subject=("ObjectRecord", first.key))
    return replace(line, remedy=remedy, ailing=ailing)


def _kind_tells(mirror: Mirror, cell: Cell, record: ObjectRecord) -> bool:
    """Return whether the line of the copy's kind on its target says why it is held."""
    return is_held_up(cell) and f"{cell.target}/{record.resource}" in mirror.lacking


@dataclass(frozen=True, slots=True)
class _Member:
    """One object or kind in trouble on a target."""

    key: str
    since: float
    message: str


@dataclass(frozen=True, slots=True)
class _Fold:
    """The same trouble of the same objects or kinds, on one or several targets."""

    sign: Sign
    reason: str
    targets: tuple[str, ...]
    members: list[_Member]  # as on the first of the targets


def _fold(found: dict[tuple[str, Sign, str], list[_Member]]) -> list[_Fold]:
    """Fold targets on which the same objects have the same trouble, by reason or message."""
    alike: dict[tuple[Sign, str, tuple[str, ...]], list[_Fold]] = defaultdict(list)
    for (target, sign, reason), members in sorted(found.items(), key=lambda item: item[0][0]):
        keys = tuple(one.key for one in members)
        one = _Fold(sign, reason, (target,), members)
        alike[sign, reason or members[0].message, keys].append(one)
    return [
        replace(folds[0], targets=tuple(fold.targets[0] for fold in folds))
        for folds in alike.values()
    ]


def _line(fold: _Fold, *, rank: int, text: str, subject: tuple[str, str]) -> Problem:
    first = fold.targets[0]
    several = len(fold.targets) > 1
    return Problem(
        key=f"{subject[0]}/{first}/{fold.sign.word}/{fold.reason}/{fold.members[0].key}",
        sign=fold.sign,
        rank=rank + fold.sign.rank,
        what=plural(len(fold.targets), "target") if several else first,
        text=text,
        tone=fold.sign.tone,
        since=min(one.since for one in fold.members),
        subject=subject,
        targets=fold.targets,
        objects=tuple(one.key for one in fold.members) if subject[0] == "ObjectRecord" else (),
    )


def _told(reason: str, members: list[_Member]) -> str:
    first = members[0]
    if len(members) == 1:
        return f"{_short(first.key)}: {because(reason, first.message)}"
    number = plural(len(members), "object")
    return f"{number}: {because(reason, first.message)}, e.g. {_short(first.key)}"


def _short(key: str) -> str:
    """Return an object's key without its resource, which leaves room for the cause."""
    return key.partition("/")[2]


def _errors(mirror: Mirror, draw: DrawContext) -> list[Problem]:
    """Return open errors, without those that a target's or an object's own line shows already.

    Why the hub or a target does not respond has its line: an error of the whole of it is the same.
    """
    silent = {str(t.name) for t in mirror.of(TargetRecord).values() if is_gone(t)}
    silent |= {problem.key for problem in _hub(mirror, draw)}
    told = {(t.name, t.reason) for t in mirror.of(TargetRecord).values() if is_problem(t)}
    return [
        Problem(
            key=f"error/{entry.id}",
            sign=history_sign(entry),
            rank=40 + history_sign(entry).rank,
            what=entry.target or "engine",
            text=because(entry.event, entry.message),
            tone=history_sign(entry).tone,
            since=entry.at,
            subject=("HistoryRecord", entry.id),
            targets=(entry.target,) if entry.target else (),
        )
        for entry in mirror.of(HistoryRecord).values()
        if is_open_error(entry)
        and (entry.target, entry.event) not in told
        and (entry.subject or entry.target not in silent)
        and not _tells(mirror.of(ObjectRecord).get(entry.subject), entry.target)
    ]


def _tells(record: ObjectRecord | None, target: str) -> bool:
    """Return whether an object's own line shows that something fails on that target."""
    cells = record.cells if record is not None else ()
    return any(cell.target == target and cell.state in TROUBLE for cell in cells)


def _text(problem: Problem, _look: DrawContext) -> Runs:
    return ink(problem.text, problem.tone)


_COLUMNS = (
    Column("state", "PROBLEM", lambda p, draw: draw.state(p.sign), least=14, most=14),
    Column("what", "WHERE", lambda p, _l: ink(p.what, "strong"), least=10, most=26, middle=True),
    Column("since", "SINCE", lambda p, draw: ink(age(p.since, draw.now), "dim"),
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
