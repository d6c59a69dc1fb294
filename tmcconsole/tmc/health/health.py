"""The health tree: kind → target → workspace → system, worst-of upward, each with reason and age.

Pure. Missing contact counts against health: an old Healthy only describes the past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tmcconsole.contract.records import Health, HealthRecord
from tmcconsole.contract.text import SafeText

SYSTEM: Final = "system"
HUB: Final = "system/hub"
_GROUPS: Final = frozenset({"targets", "workspaces"})  # path segments that are not nodes

_RANK: Final = {
    Health.HEALTHY: 0,
    Health.UNKNOWN: 1,
    Health.DEGRADED: 2,
    Health.UNHEALTHY: 3,
}

STALE_DEGRADED_S: Final = 120.0
STALE_UNHEALTHY_S: Final = 300.0

ERROR_RATE_DEGRADED: Final = 0.1  # share of recent attempts that failed
ERROR_RATE_UNHEALTHY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known about one node itself. Times are Unix seconds.

    ``seen_at`` is when the state was last confirmed; None for what cannot become stale.
    """

    path: str
    label: str
    status: Health
    reason: str = ""
    since: float = 0.0  # 0 = unknown: since the first reading
    seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """The facts that determine a target's own health."""

    is_connected: bool
    why_not: str  # one word, if not connected
    kinds: int  # synced
    error_rate: float  # 0..1, of the recent attempts
    heartbeat_at: float  # last one the hub accepted; 0 = never
    heartbeat_s: float  # its period
    is_paused: bool = False


def worst(statuses: Iterable[Health]) -> Health:
    """Return Unhealthy over Degraded over Unknown over Healthy; Unknown if there is none."""
    return max(statuses, key=_RANK.__getitem__, default=Health.UNKNOWN)


def target_path(target: str, workspace: str = "") -> str:
    """Return a target's path in the tree."""
    return (
        f"{SYSTEM}/workspaces/{workspace}/targets/{target}"
        if workspace
        else (f"{SYSTEM}/targets/{target}")
    )


def kind_path(target: str, kind: str, workspace: str = "") -> str:
    """Return the path of a kind on a target."""
    return f"{target_path(target, workspace)}/{kind}"


def parent_of(path: str) -> str:
    """Return the path of the node above, "" above the system."""
    parts = path.split("/")[:-1]
    while parts and parts[-1] in _GROUPS:
        parts.pop()
    return "/".join(parts)


def target_health(facts: TargetFacts, now: float) -> tuple[Health, str]:
    """Return a target's own health and the reason, without its kinds. ``now`` is Unix seconds."""
    silence = now - facts.heartbeat_at
    rules = (  # the first that applies decides; all Unhealthy ones come first
        (not facts.is_connected, Health.UNHEALTHY, facts.why_not or "NotConnected"),
        (silence > STALE_UNHEALTHY_S, Health.UNHEALTHY, "HeartbeatLost"),
        (facts.error_rate > ERROR_RATE_UNHEALTHY, Health.UNHEALTHY, "MostAttemptsFail"),
        (facts.error_rate > ERROR_RATE_DEGRADED, Health.DEGRADED, "ManyAttemptsFail"),
        (silence > 2 * facts.heartbeat_s, Health.DEGRADED, "HeartbeatLate"),
        (facts.is_paused, Health.DEGRADED, "Paused"),
        (facts.kinds == 0, Health.DEGRADED, "NoKindsSynced"),
    )
    for holds, status, reason in rules:
        if holds:
            return status, reason
    return Health.HEALTHY, f"{facts.kinds} kinds synced"


@dataclass(frozen=True, slots=True)
class CopyCounts:
    """The standing of the copies of one kind on one target, and the health of existing ones."""

    in_sync: int
    pending: int
    failed: int
    held: int = 0
    stale: int = 0  # not known now
    unhealthy: int = 0  # among those not failed
    degraded: int = 0
    example: str = ""  # one of the worst, and what is said about it


def kind_health(facts: CopyCounts) -> tuple[Health, str]:
    """Return the health of one kind on one target, and why.

    A copy that is in sync but does not work counts as much as one that is not in sync.
    """
    total = facts.in_sync + facts.pending + facts.failed + facts.held + facts.stale
    bad, ill = facts.failed + facts.unhealthy, facts.unhealthy + facts.degraded
    said = [f"{facts.failed} of {total} failed"] if facts.failed else []
    if facts.held:
        said.append(f"{facts.held} of {total} held")
    if ill:
        said.append(f"{ill} of {total} not healthy: {facts.example}")
    if bad > total * ERROR_RATE_UNHEALTHY:
        return Health.UNHEALTHY, "; ".join(said)
    if said:
        return Health.DEGRADED, "; ".join(said)
    if facts.stale:
        return Health.UNKNOWN, f"{facts.stale} of {total} not known"
    return Health.HEALTHY, f"{facts.in_sync} of {total} in sync"


def aged(reading: Reading, now: float) -> Reading:
    """Return the reading as of ``now``: lack of contact makes it worse, never better."""
    if reading.seen_at is None:
        return reading
    for limit, status in (
        (STALE_UNHEALTHY_S, Health.UNHEALTHY),
        (STALE_DEGRADED_S, Health.DEGRADED),
    ):
        if now - reading.seen_at > limit and _RANK[status] > _RANK[reading.status]:
            reason = f"Stale: no contact for over {limit / 60:.0f} min"
            return replace(reading, status=status, reason=reason, since=reading.seen_at + limit)
    return reading


def roll_up(
    readings: Iterable[Reading], now: float, previous: Mapping[str, HealthRecord]
) -> dict[str, HealthRecord]:
    """Return the whole tree by path, in path order: the readings and all their ancestors.

    ``previous`` (the last tree, or {}) preserves since when a status holds if only its reason
    changed.
    """
    own = {reading.path: aged(reading, now) for reading in readings}
    below: defaultdict[str, list[HealthRecord]] = defaultdict(list)
    tree: dict[str, HealthRecord] = {}
    for path in sorted(_with_ancestors(own), key=lambda path: (-path.count("/"), path)):
        record = _node(path, own.get(path), below[path], previous.get(path), now)
        below[parent_of(path)].append(record)
        tree[path] = record
    return dict(sorted(tree.items()))


def _with_ancestors(paths: Iterable[str]) -> set[str]:
    found = {SYSTEM}
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = parent_of(path)
    return found


def _node(
    path: str,
    own: Reading | None,
    children: Sequence[HealthRecord],
    before: HealthRecord | None,
    now: float,
) -> HealthRecord:
    label = SafeText(own.label if own else path.rpartition("/")[2])
    status = worst([*([own.status] if own else []), *(child.status for child in children)])
    if own and own.status is status:
        reason, since = own.reason, own.since
    else:
        reason, since = _from_children(children, status)
    if before and before.status is status and (children or not since):
        since = before.since
    return HealthRecord(
        path=SafeText(path),
        label=label,
        status=status,
        reason=SafeText(reason),
        since=since or now,
    )


def _from_children(children: Sequence[HealthRecord], status: Health) -> tuple[str, float]:
    alike = [child for child in children if child.status is status]
    if not alike:
        return "nothing known", 0.0
    times = [child.since for child in alike]
    if status is Health.HEALTHY:
        return f"{len(alike)} of {len(children)} healthy", max(times)
    first = alike[0]
    count = f" ({len(alike)} of {len(children)})" if len(children) > 1 else ""
    return f"{first.label}: {first.reason}{count}", min(times)
