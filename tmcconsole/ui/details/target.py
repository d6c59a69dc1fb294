"""One SyncTarget in words."""

from __future__ import annotations

from itertools import pairwise

from tmcconsole.contract.records import (
    HealthRecord,
    ObjectRecord,
    QueueRecord,
    SyncState,
    TargetRecord,
    TargetState,
)
from tmcconsole.contract.words import because, told_of, words
from tmcconsole.ui.details.detail_lines import beside, conditions, heading, pair, pairs, paragraph
from tmcconsole.ui.details.kinds import kind_lines, refused_lines
from tmcconsole.ui.mirror import Mirror
from tmcconsole.ui.rows.queues import queue_sign
from tmcconsole.ui.rows.table import DrawContext
from tmcconsole.ui.rows.targets import is_gone
from tmcconsole.ui.style.format import age, ago, count, countdown, millis, plural, timestamp
from tmcconsole.ui.style.ink import BLANK, Run, Runs, elide, ink, width_of, wrap
from tmcconsole.ui.style.signs import HEALTH, SYNC, target_sign
from tmcconsole.ui.style.spark import spark

SHOWN_OBJECTS = 40  # not in sync, listed; more are counted
OURS = "internal.workload.kcp.io/"  # labels that no user set


def target_lines(target: TargetRecord, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    """Return a target's summary, conditions, queues and the objects that are not in sync."""
    sign = target_sign(target)
    lines: list[Runs] = [
        (Run(target.name, "strong"), Run("  "), *draw.state(sign)),
        *(wrap(_remark(target), width, sign.tone if sign.rank <= 5 else "dim")
          if target.reason else ()),
        BLANK,
        *pairs(_summary(target, mirror, draw), width),
        *paragraph("labels", _labels(target), width),
    ]  # fmt: skip
    if target.conditions:
        lines += [*heading("Conditions"), *conditions(target.conditions, draw, width)]
    return [
        *lines,
        *kind_lines(target.name, mirror, draw, width),
        *_queues(target, mirror, draw, width),
        *_objects(target, mirror, draw, width),
        *refused_lines(target.name, mirror, width),
    ]


def _remark(target: TargetRecord) -> str:
    return because(target.reason, target.message)


def _labels(target: TargetRecord) -> str:
    """Return the labels that users set; the target's key has a line of its own."""
    chosen = (f"{key}={value}" for key, value in target.labels if not key.startswith(OURS))
    return " ".join(chosen)


def _health(target: TargetRecord, mirror: Mirror, draw: DrawContext) -> Runs:
    """Return the health of the target with everything on it, and why; else its own."""
    node = mirror.of(HealthRecord).get(f"system/targets/{target.name}")
    if node is None:
        return draw.state(HEALTH[target.health])
    return (*draw.state(HEALTH[node.status]), Run(f"  {told_of(node.reason)}", "dim"))


def _summary(
    target: TargetRecord, mirror: Mirror, draw: DrawContext
) -> list[tuple[str, str | Runs]]:
    known = "last known" if is_gone(target) else ""
    return [
        ("data", ink(f"{known}, contact {ago(target.contact_at, draw.now)}", "stale")
         if known else ""),
        ("next try", countdown(target.next_try_at, draw.now) if target.next_try_at else ""),
        ("health", _health(target, mirror, draw)),
        ("objects", f"{count(target.in_sync)} of {count(target.objects)} in sync" if not known
         else f"{count(target.objects)}; {count(target.stale)} in sync when last heard"),
        ("not yet", _not_yet(target)),
        ("held", ink(f"{count(target.deletes_held)} deletions; D allows them", "drift")
         if target.deletes_held else ""),
        ("paused", ink(_pause(target, draw), "paused") if target.pause else ""),
        ("placement", ink("cordoned: nothing new is placed here", "cordoned")
         if target.cordoned else ""),
        ("draining", ink(f"evicting since {timestamp(target.evict_after)}", "cordoned")
         if target.evict_after else ""),
        ("lag", f"p50 {millis(target.lag_p50_ms)}, p95 {millis(target.lag_p95_ms)}"),
        *_trends(target, mirror, draw),
        ("queue", f"{count(target.queue_depth)} waiting"
         + (f", oldest {age(target.oldest_queued_at, draw.now)}"
            if target.oldest_queued_at else "")),
        ("writes", f"{target.concurrency} in parallel"),
        ("heartbeat", ago(target.heartbeat_at, draw.now)),
        ("version", target.version),
        ("address", target.address),
        ("cluster uid", target.cluster_uid),
        ("target key", target.target_key),
        ("held by", _holder(target, mirror)),
    ]  # fmt: skip


def _trends(
    target: TargetRecord, mirror: Mirror, draw: DrawContext
) -> list[tuple[str, str | Runs]]:
    """Return lag and errors of the last two minutes as bars; nothing without samples."""
    seen = list(mirror.samples.get(target.name, ()))
    lags = spark([one.lag_ms for one in seen], ascii_only=draw.ascii_only)
    new = [max(0, b.errors_total - a.errors_total) for a, b in pairwise(seen)]
    errors = spark(new, ascii_only=draw.ascii_only)
    if len(seen) < 2:
        return []
    told = f"{lags}  at most {millis(max(one.lag_ms for one in seen))}"
    return [
        ("lag, 2 min", ink(told, "info") if lags else ""),
        ("errors", ink(f"{errors}  {plural(sum(new), 'error')} in 2 min", "failed")
         if errors else ""),
    ]  # fmt: skip


def _holder(target: TargetRecord, mirror: Mirror) -> str:
    """Return the replica that writes there, and whether it is this one."""
    engine = mirror.engine
    if not target.holder:
        return "no replica is known to write there" if target.state is TargetState.STANDBY else ""
    if engine is not None and engine.replica == target.holder:
        return f"{target.holder}, this replica"
    is_standby = target.state is TargetState.STANDBY
    return f"{target.holder}; this replica stands by" if is_standby else target.holder


def _not_yet(target: TargetRecord) -> str:
    """Return how many copies are not in sync, by reason; held deletions have their own line."""
    held = max(0, target.held - target.deletes_held)
    if not (target.pending or target.failed or held):
        return ""
    said = f", {count(held)} held" if held else ""
    return f"{count(target.pending)} pending, {count(target.failed)} failed{said}"


def _pause(target: TargetRecord, draw: DrawContext) -> str:
    pause = target.pause
    if pause is None:
        return ""
    until = f"for {countdown(pause.until, draw.now)} more" if pause.until else "until resumed"
    why = f": {pause.why}" if pause.why else ""
    return f"{until}, by {pause.by or 'unknown'}{why}"


def _queues(target: TargetRecord, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    queues = [queue for queue in mirror.of(QueueRecord).values() if queue.target == target.name]
    busy = [q for q in queues if q.depth or q.in_flight or q.delayed or q.retrying or q.dead]
    if not busy:
        return []
    lines = heading("Queues")
    dead = sum(queue.dead for queue in queues)
    if dead:
        lines.append(
            ink(f"{plural(dead, 'dead letter')}: :dead {target.name} lists them", "failed")
        )
    for queue in sorted(busy, key=lambda q: (queue_sign(q).rank, q.kind)):
        numbers = f"{queue.depth} ready, {queue.in_flight} in flight, {queue.retrying} retrying"
        numbers += f", {queue.dead} dead" if queue.dead else ""
        lines += beside((*draw.state(queue_sign(queue)), Run(f"  {queue.kind}")), numbers, width)
    return lines


def _objects(target: TargetRecord, mirror: Mirror, draw: DrawContext, width: int) -> list[Runs]:
    found = sorted(
        (SYNC[cell.state].rank, record.key, cell.state, words(cell.reason))
        for key in mirror.unsynced
        for record in (mirror.of(ObjectRecord)[key],)
        for cell in record.cells
        if cell.target == target.name and cell.state is not SyncState.IN_SYNC
    )
    if not found:
        return []
    lines = heading(f"Not in sync ({count(len(found))})")
    for _, key, state, reason in found[:SHOWN_OBJECTS]:
        sign = draw.state(SYNC[state])
        name = elide(key, max(20, width - width_of(sign) - 2), middle=True)
        lines += beside((*sign, Run(f"  {name}")), reason, width)
    if len(found) > SHOWN_OBJECTS:
        lines.append(pair("", f"and {count(len(found) - SHOWN_OBJECTS)} more", "dim"))
    return lines
