"""Work queues as rows: one per target and kind."""

from __future__ import annotations

from tmcconsole.contract.records import QueueRecord
from tmcconsole.ui.rows.table import Column, DrawContext, Listing, SortKey
from tmcconsole.ui.style.format import age as shown_age
from tmcconsole.ui.style.format import ago, count
from tmcconsole.ui.style.ink import Runs, ink
from tmcconsole.ui.style.signs import Sign

_IDLE = Sign("●", "+", "idle", "synced", 4)
_BUSY = Sign("◐", "~", "working", "pending", 3)
_WAITING = Sign("◌", ".", "waiting", "dim", 2)
_RETRYING = Sign("▲", "!", "retrying", "drift", 1)
_DEAD = Sign("✗", "x", "dead", "failed", 0)


def queue_sign(queue: QueueRecord) -> Sign:
    """Return what a queue is doing."""
    if queue.dead:
        return _DEAD
    if queue.retrying:
        return _RETRYING
    if queue.depth or queue.in_flight:
        return _BUSY
    return _WAITING if queue.delayed else _IDLE


def _number(value: int, tone: str = "text") -> Runs:
    return ink(count(value), tone if value else "dim")


def _error(queue: QueueRecord, draw: DrawContext) -> Runs:
    if not queue.last_error:
        return ink("")
    tone = "failed" if queue.retrying else "dim"
    return ink(f"{ago(queue.last_error_at, draw.now)}: {queue.last_error}", tone)


def _counter(id: str, title: str, field: str, *, tone: str, key: str, drop: int) -> Column:
    return Column(
        id,
        title,
        lambda q, _l: _number(getattr(q, field), tone),
        lambda q: -float(getattr(q, field)),
        number=lambda q, _n: float(getattr(q, field)),
        key=key,
        right=True,
        least=len(title),
        most=11,
        drop=drop,
    )


_COLUMNS = (
    Column("state", "STATE", lambda q, draw: draw.state(queue_sign(q)),
           lambda q: float(queue_sign(q).rank), key="S", least=10, most=10),
    Column("target", "TARGET", lambda q, _l: ink(q.target, "strong"), lambda q: q.target,
           least=8, most=26, middle=True),
    Column("kind", "KIND", lambda q, _l: ink(q.kind), lambda q: q.kind, key="N",
           least=16, most=34),
    _counter("depth", "DEPTH", "depth", tone="pending", key="Q", drop=0),
    _counter("inflight", "FLIGHT", "in_flight", tone="pending", key="", drop=3),
    _counter("delayed", "LATER", "delayed", tone="text", key="", drop=3),
    _counter("retrying", "RETRY", "retrying", tone="drift", key="E", drop=0),
    _counter("dead", "DEAD", "dead", tone="failed", key="", drop=0),
    Column("oldest", "OLDEST", lambda q, draw: ink(shown_age(q.oldest_at, draw.now), "dim"),
           lambda q: q.oldest_at or float("inf"),
           number=lambda q, now: now - q.oldest_at if q.oldest_at else 0.0, key="A",
           right=True, least=6, most=6, drop=2),
    _counter("done", "DONE", "done_total", tone="text", key="", drop=4),
    _counter("err", "ERRORS", "failed_total", tone="drift", key="", drop=5),
    Column("error", "LAST ERROR", _error, None, least=12, most=80, drop=1,
           grow=True),
)  # fmt: skip


def _first(queue: QueueRecord) -> tuple[SortKey, ...]:
    return (float(queue_sign(queue).rank), queue.target, queue.kind)


QUEUES = Listing(
    kind=QueueRecord,
    noun="queue",
    columns=lambda _look, _width: _COLUMNS,
    problem=lambda queue: queue.retrying > 0 or queue.dead > 0,
    first=_first,
    targets_of=lambda queue: (queue.target,),
)
