"""SyncTargets as rows: the full list, and the short one of the overview."""

from __future__ import annotations

from tmcconsole.contract.records import TargetRecord, TargetState
from tmcconsole.contract.words import words
from tmcconsole.ui.rows.table import Column, DrawContext, Listing, SortKey
from tmcconsole.ui.style.format import JUST_NOW, age, ago, count, countdown, millis, retry
from tmcconsole.ui.style.ink import Runs, ink
from tmcconsole.ui.style.signs import target_sign

GONE = frozenset({TargetState.UNREACHABLE, TargetState.UNAUTHORIZED, TargetState.REFUSED})


def is_gone(target: TargetRecord) -> bool:
    """Return whether what we know of the target is old."""
    return target.state in GONE or target.state is TargetState.STOPPED


def is_problem(target: TargetRecord) -> bool:
    """Return whether a target needs attention."""
    return target_sign(target).rank <= 5 or target.failed + target.held > 0


def note(target: TargetRecord, draw: DrawContext) -> Runs:
    """Return the most important remark: reconnect, pause, drain, brake or reason."""
    if is_gone(target):
        return ink(_silence(target, draw.now), "failed")
    if target.deletes_held:
        return ink(f"{count(target.deletes_held)} deletions held: D allows them", "drift")
    if target.pause is not None:
        left = "until resumed" if not target.pause.until else _left(target.pause.until, draw.now)
        why = f": {target.pause.why}" if target.pause.why else ""
        return ink(f"{left}, by {target.pause.by or 'unknown'}{why}", "paused")
    if target.evict_after:
        since = ago(target.evict_after, draw.now)
        told = f"drain began {since}" if target.objects else "nothing left here; u uncordons it"
        return ink(told, "cordoned")
    if target.state is TargetState.STANDBY:
        return ink(f"held by {target.holder}" if target.holder else words(target.reason), "dim")
    lacks = next((each for each in target.conditions if each.status == "False"), None)
    if target.ready and lacks is not None:
        return ink(lacks.message or f"{words(lacks.type)}: {words(lacks.reason)}", "drift")
    return ink(words(target.reason), "dim") if not target.ready else ink("")


def _silence(target: TargetRecord, now: float) -> str:
    """Return why a target does not respond, for how long, and when the next attempt is."""
    told = words(target.reason or target.state.value)
    if target.since and (long := age(target.since, now)) != JUST_NOW:
        told += f" for {long}"
    if target.next_try_at:
        told += f", {retry(target.next_try_at, now)}"
    return told


def _left(until: float, now: float) -> str:
    return f"{countdown(until, now)} left"


def synced(target: TargetRecord, draw: DrawContext) -> Runs:
    """Return in-sync of all objects, ``?`` while the target does not say."""
    if not target.objects:
        return ink("-", "dim")
    if is_gone(target):
        return ink(f"?/{count(target.objects)}", "stale")
    tone = "text" if target.in_sync == target.objects else "pending"
    return ink(f"{count(target.in_sync)}/{count(target.objects)}", tone)


def _state(target: TargetRecord, draw: DrawContext) -> Runs:
    return draw.state(target_sign(target))


def _number(value: int, tone: str) -> Runs:
    return ink(count(value), tone if value else "dim")


def environment(target: TargetRecord) -> str:
    """Return the target's environment label, by any of its usual names."""
    labels = labels_of(target)
    return next((labels[key] for key in ("env", "environment", "tier") if key in labels), "")


NAME = Column(
    "name", "TARGET", lambda t, _l: ink(t.name, "strong"), lambda t: t.name, key="N",
    least=16, most=30, middle=True,
)  # fmt: skip
STATE = Column(
    "state", "STATE", _state, lambda t: float(target_sign(t).rank), key="S", least=14, most=14
)
SYNCED = Column(
    "synced", "IN SYNC", synced, lambda t: float(t.objects - t.in_sync),
    number=lambda t, _n: float(t.in_sync), right=True, least=7, most=15,
)  # fmt: skip
DEPTH = Column(
    "queue", "QUEUE", lambda t, _l: _number(t.queue_depth, "pending"),
    lambda t: -float(t.queue_depth), number=lambda t, _n: float(t.queue_depth), key="Q",
    right=True, least=5, most=9, drop=4,
)  # fmt: skip
FAILED = Column(
    "failed", "FAIL", lambda t, _l: _number(t.failed, "failed"), lambda t: -float(t.failed),
    number=lambda t, _n: float(t.failed), key="E", right=True, least=4, most=9, drop=1,
)  # fmt: skip
LAG = Column(
    "lag", "LAG", lambda t, _l: ink(millis(t.lag_p95_ms)), lambda t: -t.lag_p95_ms,
    number=lambda t, _n: t.lag_p95_ms / 1000, key="L", right=True, least=5, most=8, drop=5,
)  # fmt: skip
BEAT = Column(
    "beat", "BEAT", lambda t, draw: ink(age(t.heartbeat_at, draw.now), "dim"),
    lambda t: t.heartbeat_at, number=lambda t, now: now - t.heartbeat_at, key="A",
    right=True, least=4, most=5, drop=6,
)  # fmt: skip
ENVIRONMENT = Column(
    "env", "ENV", lambda t, _l: ink(environment(t), "info"), environment, least=4, most=10, drop=8
)
KINDS = Column(
    "kinds", "KINDS", lambda t, _l: ink(str(t.kinds), "dim"), lambda t: -float(t.kinds),
    number=lambda t, _n: float(t.kinds), right=True, least=5, most=6, drop=7,
)  # fmt: skip
WRITES = Column(
    "writes", "WRITES", lambda t, _l: ink(str(t.concurrency), "dim"), None,
    number=lambda t, _n: float(t.concurrency), right=True, least=6, most=6, drop=9,
)  # fmt: skip
VERSION = Column(
    "version", "VERSION", lambda t, _l: ink(t.version, "dim"), lambda t: t.version,
    least=7, most=14, drop=10,
)  # fmt: skip
NOTE = Column("note", "NOTE", note, None, least=26, most=60, grow=True)


def _columns(draw: DrawContext, width: int) -> tuple[Column, ...]:
    return (
        STATE, NAME, ENVIRONMENT, SYNCED, FAILED, DEPTH, LAG, BEAT, KINDS, WRITES, VERSION, NOTE,
    )  # fmt: skip


def _fleet(draw: DrawContext, width: int) -> tuple[Column, ...]:
    return (STATE, NAME, ENVIRONMENT, SYNCED, FAILED, DEPTH, LAG, BEAT, NOTE)


def labels_of(target: TargetRecord) -> dict[str, str]:
    """Return a target's labels."""
    return {str(key): str(value) for key, value in target.labels}


def _worst_first(target: TargetRecord) -> tuple[SortKey, ...]:
    return (float(target_sign(target).rank), -float(target.failed + target.held), target.name)


TARGETS = Listing(
    kind=TargetRecord,
    noun="target",
    columns=_columns,
    problem=is_problem,
    first=lambda target: (target.name,),
    targets_of=lambda target: (target.name,),
    labels_of=labels_of,
    faded=is_gone,
)
FLEET = Listing(
    kind=TargetRecord,
    noun="target",
    columns=_fleet,
    problem=is_problem,
    first=_worst_first,
    targets_of=lambda target: (target.name,),
    labels_of=labels_of,
    faded=is_gone,
)
