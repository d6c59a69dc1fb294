"""What the targets report of their copies of one hub object, read from the caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from tmcconsole.kube.objects import CachedObject, Json
from tmcconsole.sync.assignment.endings import endings, why_done
from tmcconsole.sync.names.markers import SYNC, is_ours, origin_of, state_keys
from tmcconsole.sync.names.silent_target import SilentTarget
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.ledger import LedgerEntry
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.status.merge import MAX_REPORT_BYTES, Report
from tmcconsole.sync.status.stale_status import doubted, staying_keys


@dataclass(frozen=True, slots=True)
class Heard:
    """The reports by target key, and whether they are all current."""

    reports: dict[str, Report]
    trees: dict[str, Json]  # of targets that report, by target key
    copies: int  # the number of copies on targets, including those that are leaving
    is_mute: bool  # no remaining target has a copy that reports anything, and all were heard
    missing: tuple[str, ...]  # targets that should have it and have reported nothing
    is_late: bool  # a target went back behind its earlier report of this very copy

    def told(self) -> list[Report]:
        """Return the reports, by target key."""
        return list(self.reports.values())


def hear(shared: SyncContext, item: Item, source: CachedObject, tree: Json) -> Heard:
    """Return what is known; a target that the object leaves no longer counts."""
    origin = origin_of(shared.hub.cluster, tree)
    staying = staying_keys(tree, is_deleting=source.deleting)
    reports: dict[str, Report] = {}
    trees: dict[str, Json] = {}
    copies, is_late, mute = 0, False, set[str]()
    for key, target in sorted(shared.targets.items()):
        copy = target.copy_of(*item)
        if copy is None:
            if key in staying and _has_none(target, item):
                mute.add(key)
            continue
        copies += 1
        if key not in staying or copy.deleting:
            continue
        if not copy.status_digest:
            mute.add(key)
            continue
        found = copy.decode()
        if is_ours(found, target.key, origin):
            said = _report(target, item, source, copy, found)
            reports[key] = _doubted(said, item, shared.silent.get(key))
            if reports[key].status:
                trees[key] = found
            is_late = is_late or not _is_news(target.ledger.get(*item), copy, reports[key])
    reports |= _last_reports(shared, tree, reports)
    is_mute = bool(staying) and mute == staying
    missing = () if source.deleting else _missing(shared, tree, staying - reports.keys())
    return Heard(reports, trees, copies=copies, is_mute=is_mute, missing=missing, is_late=is_late)


def _missing(shared: SyncContext, tree: Json, unheard: frozenset[str]) -> tuple[str, ...]:
    """Return the names of unheard targets that should have a copy, and not on hold."""
    states = state_keys(tree)
    wanted = sorted(key for key in unheard if states.get(key) == SYNC and not why_done(tree, key))
    return tuple(shared.targets[key].name if key in shared.targets else key for key in wanted)


def _doubted(report: Report, item: Item, silent: SilentTarget | None) -> Report:
    """Return a target's report; if it is silent, what was good is now unknown."""
    if silent is None:
        return report
    group = item.lane.partition(".")[2]
    return replace(report, status=doubted(group, report.status, silent))


def _last_reports(
    shared: SyncContext, tree: Json, heard: Mapping[str, Report]
) -> dict[str, Report]:
    """Return the last reports of ended copies, which stand even when the copies go."""
    ended = {key: one for key, one in endings(tree).items() if key not in heard and one.status}
    names = {key: shared.targets[key].name for key in ended if key in shared.targets}
    return {
        key: Report(names.get(key, key), generation=0, status=one.status, is_current=True)
        for key, one in ended.items()
    }


def _has_none(target: Target, item: Item) -> bool:
    """True if a target responds and has no copy, or only one that is no longer there."""
    watched = target.kinds.get(item.lane)
    return target.contact.is_connected and watched is not None and watched.informer.synced


def _report(
    target: Target, item: Item, source: CachedObject, copy: CachedObject, tree: Json
) -> Report:
    entry = target.ledger.get(*item)
    is_current = entry is not None and entry.carries(source)
    status = tree.get("status")
    status = status if isinstance(status, dict) else {}
    refused = _too_large(copy, status)
    return Report(
        target=target.name,
        generation=copy.generation,
        status={} if refused else status,
        is_current=is_current,
        refused=refused,
    )


def _too_large(copy: CachedObject, status: Json) -> str:
    if len(copy.raw) <= MAX_REPORT_BYTES:
        return ""
    size = len(orjson.dumps(status))
    if size <= MAX_REPORT_BYTES:
        return ""
    return f"its status of {size} bytes is not taken, at most {MAX_REPORT_BYTES} are"


def _is_news(entry: LedgerEntry | None, copy: CachedObject, report: Report) -> bool:
    """False for a report of an older generation after one of a newer generation.

    A copy whose own generation went back is that of a restored cluster: it starts over.
    """
    seen = report.status.get("observedGeneration")
    if entry is None or not isinstance(seen, int) or isinstance(seen, bool):
        return True
    uid, generation, observed = entry.observed
    if uid == copy.uid and copy.generation >= generation and seen < observed:
        return False
    entry.observed = (copy.uid, copy.generation, seen)
    return True
