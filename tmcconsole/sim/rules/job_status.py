"""Rules for a Job's status and its changes: k8s.io/kubernetes pkg/apis/batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import needed, wrong
from tmcconsole.sim.storage.status_errors import StatusCause

_COUNTERS: Final = ("active", "succeeded", "failed", "ready", "terminating")
_FALLING: Final = "cannot decrease the {} counter"


def job_status_problems(tree: Json, old: Json) -> Iterator[StatusCause]:
    """Yield what a server refuses in a new status that replaces the old one."""
    status, before = tree.get("status") or {}, old.get("status") or {}
    if status == before:
        return
    for name in _COUNTERS:
        if (status.get(name) or 0) < 0:
            yield wrong(f"status.{name}", "must be greater than or equal to 0")
    if (status.get("ready") or 0) > (status.get("active") or 0):
        yield wrong("status.ready", "cannot set more ready pods than active")
    yield from _contradictions(status)
    yield from _ended(status)
    yield from _times(status)
    yield from _change(status, before, is_suspended=bool((old.get("spec") or {}).get("suspend")))


def _ended(status: Json) -> Iterator[StatusCause]:
    is_complete, is_failed = _is_true(status, "Complete"), _is_true(status, "Failed")
    if not (is_complete or is_failed):
        return
    if status.get("active"):
        yield wrong("status.active", "active>0 is invalid for finished job")
    if status.get("terminating"):
        yield wrong("status.terminating", "terminating>0 is invalid for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if uncounted.get("failed") or uncounted.get("succeeded"):
        yield wrong("status.uncountedTerminatedPods", "must be empty for finished job")
    if not status.get("startTime"):
        yield needed("status.startTime", "startTime is required for finished job")
    if is_complete and not _is_true(status, "SuccessCriteriaMet"):
        why = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
        yield wrong("status.conditions", why)
    if is_failed and not _is_true(status, "FailureTarget"):
        why = "cannot set Failed=True condition without the FailureTarget=true condition"
        yield wrong("status.conditions", why)


def _contradictions(status: Json) -> Iterator[StatusCause]:
    pairs = (
        ("Complete", "Failed"),
        ("Complete", "FailureTarget"),
        ("SuccessCriteriaMet", "Failed"),
        ("SuccessCriteriaMet", "FailureTarget"),
    )
    for one, other in pairs:
        if _is_true(status, one) and _is_true(status, other):
            why = f"cannot set {one}=True and {other}=true conditions"
            yield wrong("status.conditions", why)


def _times(status: Json) -> Iterator[StatusCause]:
    start, end = status.get("startTime"), status.get("completionTime")
    is_complete = _is_true(status, "Complete")
    if is_complete and not end:
        yield needed("status.completionTime", "completionTime is required for Complete jobs")
    if end and not is_complete:
        yield wrong(
            "status.completionTime",
            "cannot set completionTime when there is no Complete=True condition",
        )
    if start and end and end < start:
        yield wrong("status.completionTime", "completionTime must be equal to or after `startTime`")


def _change(status: Json, before: Json, *, is_suspended: bool) -> Iterator[StatusCause]:
    for name in ("failed", "succeeded"):
        if (status.get(name) or 0) < (before.get(name) or 0):
            yield wrong(f"status.{name}", _FALLING.format(name))
    for name in ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"):
        if _is_true(before, name) and not _is_true(status, name):
            yield wrong("status.conditions", f"cannot disable the terminal {name}=True condition")
    start = before.get("startTime")
    if start and not is_suspended and status.get("startTime") != start:
        yield wrong("status.startTime", "field is immutable for unsuspended job once set")
    end = before.get("completionTime")
    if end and status.get("completionTime") != end:
        yield wrong("status.completionTime", "field is immutable")


def _is_true(status: Json, kind: str) -> bool:
    conditions = status.get("conditions") or ()
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)
