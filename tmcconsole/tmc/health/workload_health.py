"""Health of the kinds that run pods, by the counters and conditions their controllers report.

"None ready" is Unhealthy, since nothing serves, unless a rollout is still within its deadline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tmcconsole.contract.records import Health
from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.tmc.health.status_fields import Fields, mapping, mappings, number, text

MAX_TEXT: Final = 200  # characters of a server's message in a summary
_POD_REFUSED: Final = re.compile(r"^pods \"[^\"]*\" is forbidden: ")

_Found = tuple[Health, str]

# Waiting reasons of the kubelet that do not resolve by themselves.
_STUCK: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


def deployment(fields: Fields) -> _Found:
    """Judge a Deployment by its ready replicas, and whether its rollout progresses in time."""
    if not fields.status:
        return Health.UNKNOWN, "no status yet"
    want, ready = fields.wanted(), fields.count("readyReplicas")
    progressing = fields.condition("Progressing")
    summary = f"{ready}/{want} ready"
    if fields.has("ReplicaFailure"):  # why it does not progress, where both are told
        return Health.UNHEALTHY, f"{summary}, {_failure(fields.condition('ReplicaFailure'))}"
    if progressing.get("status") == "False":
        return Health.UNHEALTHY, f"{summary}, {text(progressing.get('reason'), 'stuck')}"
    updated = fields.count("updatedReplicas")
    if updated < want:
        return Health.DEGRADED, f"{summary}, {updated}/{want} updated"
    if progressing.get("reason") in ("NewReplicaSetCreated", "ReplicaSetUpdated"):
        return _in_time(ready, want, summary)
    return _replicas(ready, want, summary)


def _failure(condition: Mapping[str, Any]) -> str:
    """Return why pods are not made: the server's words, without the name of one pod."""
    reason = text(condition.get("reason"), "ReplicaFailure")
    said = cut_and_hide(_POD_REFUSED.sub("", text(condition.get("message"))), MAX_TEXT)
    return f"{reason}: {said}" if said else reason


def stateful_set(fields: Fields) -> _Found:
    """Judge a StatefulSet: all replicas ready and of one revision."""
    found = replica_set(fields)
    current, update = fields.status.get("currentRevision"), fields.status.get("updateRevision")
    if found[0] is Health.HEALTHY and update and current != update:
        return Health.DEGRADED, f"{found[1]}, {fields.count('updatedReplicas')} updated"
    return found


def replica_set(fields: Fields) -> _Found:
    """Judge a ReplicaSet by its ready replicas."""
    if not fields.status:
        return Health.UNKNOWN, "no status yet"
    want, ready = fields.wanted(), fields.count("readyReplicas")
    summary = f"{ready}/{want} ready"
    if fields.count("replicas") < want:  # its pods are still being created
        return _in_time(ready, want, summary)
    return _replicas(ready, want, summary)


def daemon_set(fields: Fields) -> _Found:
    """Judge a DaemonSet by the nodes it should run on and those it does run on."""
    if not fields.status:
        return Health.UNKNOWN, "no status yet"
    want, ready = fields.count("desiredNumberScheduled"), fields.count("numberReady")
    health, summary = _replicas(ready, want, f"{ready}/{want} ready")
    updated = fields.count("updatedNumberScheduled")
    if health is Health.HEALTHY and updated < want:
        return Health.DEGRADED, f"{summary}, {updated}/{want} updated"
    return health, summary


def job(fields: Fields) -> _Found:
    """Judge a Job: failed is Unhealthy, a failed attempt Degraded; a suspended one is as
    intended.
    """
    done, want = fields.count("succeeded"), fields.wanted("completions")
    if fields.has("Failed"):
        reason = text(fields.condition("Failed").get("reason"), "failed")
        return Health.UNHEALTHY, f"{done}/{want} done, {reason}"
    if fields.has("Complete"):
        return Health.HEALTHY, f"{done}/{want} done"
    if fields.spec.get("suspend") is True:
        return Health.HEALTHY, f"{done}/{want} done, suspended"
    if not fields.status:
        return Health.UNKNOWN, "no status yet"
    failed = fields.count("failed")
    if failed:
        return Health.DEGRADED, f"{done}/{want} done, {failed} failed"
    return Health.HEALTHY, f"{done}/{want} done, {fields.count('active')} active"


def cron_job(fields: Fields) -> _Found:
    """Judge a CronJob: Degraded if its last run has finished and did not succeed."""
    if fields.spec.get("suspend") is True:
        return Health.HEALTHY, "suspended"
    active = list(mappings(fields.status.get("active")))
    if active:
        return Health.HEALTHY, f"{len(active)} active"
    # Both are RFC 3339 in UTC with seconds, so they sort as strings.
    last = text(fields.status.get("lastScheduleTime"))
    if last and text(fields.status.get("lastSuccessfulTime")) < last:
        return Health.DEGRADED, f"run of {last} did not succeed"
    return Health.HEALTHY, f"last run {last}" if last else "scheduled"


def pod(fields: Fields) -> _Found:
    """Judge a Pod by its phase, its containers and its Ready condition."""
    phase = text(fields.status.get("phase"))
    containers = list(mappings(fields.status.get("containerStatuses")))
    ready = sum(1 for container in containers if container.get("ready") is True)
    want = len(containers) or len(list(mappings(fields.spec.get("containers"))))
    counted = f"{ready}/{want} ready"
    match phase:
        case "Succeeded":
            return Health.HEALTHY, "completed"
        case "Failed":
            return Health.UNHEALTHY, text(fields.status.get("reason"), "failed")
        case "Running" | "Pending":
            return _alive_pod(fields, counted)
        case _:
            return Health.UNKNOWN, phase or "no status yet"


def _alive_pod(fields: Fields, counted: str) -> _Found:
    stuck = _stuck_reason(fields.status)
    if stuck:
        return Health.UNHEALTHY, f"{counted}, {stuck}"
    scheduled = fields.condition("PodScheduled")
    if scheduled.get("status") == "False":
        return Health.DEGRADED, text(scheduled.get("reason"), "not scheduled")
    if fields.has("Ready"):
        return Health.HEALTHY, counted
    return Health.DEGRADED, counted


def _stuck_reason(status: Mapping[str, Any]) -> str:
    for field in ("initContainerStatuses", "containerStatuses"):
        for container in mappings(status.get(field)):
            waiting = mapping(mapping(container.get("state")).get("waiting"))
            reason = text(waiting.get("reason"))
            if reason in _STUCK:
                return f"{reason}, {number(container.get('restartCount'))} restarts"
    return ""


def _in_time(ready: int, want: int, summary: str) -> _Found:
    return (Health.HEALTHY if ready >= want else Health.DEGRADED), summary


def _replicas(ready: int, want: int, summary: str) -> _Found:
    if ready >= want:
        return Health.HEALTHY, summary
    return (Health.DEGRADED if ready else Health.UNHEALTHY), summary
