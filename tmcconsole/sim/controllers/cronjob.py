"""CronJobs: a Job at each due minute."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.job import is_finished
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import (
    DependentIndex,
    is_terminating,
    key_of,
    owner_key,
    reference_to,
)
from tmcconsole.sim.storage.server import rfc3339
from tmcconsole.sim.storage.store import Commit, StoreKey

KIND: Final = "cronjobs.batch"
JOBS: Final = "jobs.batch"
_RANGES: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


def cron_jobs(local: Local, owned: DependentIndex) -> ClusterController:
    """Return the CronJob controller."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == KIND:
            return [commit.key]
        return owner_key(commit, "CronJob") if commit.kind_id == JOBS else ()

    def reconcile(key: StoreKey) -> float | None:
        cron_job = local.get(KIND, key)
        if cron_job is None or is_terminating(cron_job):
            return None
        running = [j for j in owned.controlled(cron_job, JOBS) if not is_finished(j)]
        now = local.server.wall()
        minute = int(now // 60) * 60
        status = dict(cron_job.get("status") or {})
        if _is_due(cron_job, minute, running):
            running.append(_start(local, cron_job, minute))
            status["lastScheduleTime"] = rfc3339(minute)
        _prune(local, cron_job, owned.controlled(cron_job, JOBS))
        local.set_status(KIND, cron_job, _with_active(status, running))
        return minute + 60 - now

    return ClusterController("cronjob", keys_of, reconcile)


def matches(schedule: str, minute: int) -> bool:
    """Return whether a cron schedule is due at a minute, given in Unix seconds, in UTC."""
    fields = _NICKNAMES.get(schedule, schedule).split()
    if len(fields) != len(_RANGES):
        return False
    at = time.gmtime(minute)
    now = (at.tm_min, at.tm_hour, at.tm_mday, at.tm_mon, (at.tm_wday + 1) % 7)
    return all(
        _field_matches(field, value, low, high)
        for field, value, (low, high) in zip(fields, now, _RANGES, strict=True)
    )


def _field_matches(field: str, value: int, low: int, high: int) -> bool:
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, last = low, high
        if span not in ("*", "?"):
            start, dash, end = span.partition("-")
            if not start.isdigit():
                return False
            first = int(start)
            last = int(end) if dash and end.isdigit() else (high if step else first)
        width = int(step) if step.isdigit() and int(step) else 1
        if first <= value <= last and (value - first) % width == 0:
            return True
    return False


def _is_due(cron_job: Json, minute: int, running: list[Json]) -> bool:
    spec, status = cron_job["spec"], cron_job.get("status") or {}
    created = _seconds(cron_job["metadata"]["creationTimestamp"])
    last = _seconds(status["lastScheduleTime"]) if status.get("lastScheduleTime") else created
    if spec.get("suspend") or minute <= last or not matches(spec["schedule"], minute):
        return False
    return not (running and spec.get("concurrencyPolicy") == "Forbid")


def _start(local: Local, cron_job: Json, minute: int) -> Json:
    template, meta = cron_job["spec"]["jobTemplate"], cron_job["metadata"]
    metadata = {
        **(template.get("metadata") or {}),
        "name": f"{meta['name'][:52]}-{minute // 60}",
        "namespace": meta["namespace"],
        "ownerReferences": [reference_to(cron_job)],
    }
    return local.create(JOBS, {"metadata": metadata, "spec": template["spec"]})


def _prune(local: Local, cron_job: Json, found: list[Json]) -> None:
    keep = cron_job["spec"].get("successfulJobsHistoryLimit", 3)
    ended = [job for job in found if is_finished(job)]
    for job in ended[: max(0, len(ended) - keep)]:  # names sort by time
        local.delete(JOBS, key_of(job), job["metadata"]["uid"])


def _with_active(status: Json, running: list[Json]) -> Json:
    kept = {key: value for key, value in status.items() if key != "active"}
    if not running:
        return kept
    return {**kept, "active": [_reference(job) for job in running]}


def _reference(job: Json) -> Json:
    meta = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
    }


def _seconds(stamp: str) -> int:
    return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))
