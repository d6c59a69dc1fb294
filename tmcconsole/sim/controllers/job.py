"""Jobs: pods that run to completion, until enough have succeeded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import is_true, with_condition
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController
from tmcconsole.sim.controllers.ownership import (
    DependentIndex,
    is_terminating,
    key_of,
    owner_key,
)
from tmcconsole.sim.controllers.replicaset import pod_from
from tmcconsole.sim.storage.store import Commit, StoreKey

KIND: Final = "jobs.batch"


def jobs(local: Local, owned: DependentIndex) -> ClusterController:
    """Return the Job controller."""

    def keys_of(commit: Commit) -> Iterable[StoreKey]:
        if commit.kind_id == KIND:
            return [commit.key]
        return owner_key(commit, "Job") if commit.kind_id == "pods" else ()

    def reconcile(key: StoreKey) -> float | None:
        job = local.get(KIND, key)
        if job is None or is_terminating(job):
            return None
        if is_finished(job):
            return _expire(local, job)
        pods = owned.controlled(job, "pods")
        done, failed, active = (_in_phase(pods, phase) for phase in ("Succeeded", "Failed", ""))
        is_over = len(done) >= _completions(job) or len(failed) > _retries(job)
        if not is_over:
            active += _start(local, job, len(done), active)
        stamp = local.server.stamp()
        status = _status(job, len(done), len(failed), active, stamp)
        local.set_status(KIND, job, status)
        return None

    return ClusterController("job", keys_of, reconcile)


def is_finished(job: Json) -> bool:
    """Return whether a Job has completed or failed."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def _expire(local: Local, job: Json) -> float | None:
    """Delete a finished Job once its time to live is over; return the seconds until then."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None:
        return None
    told = (one for one in job["status"]["conditions"] if one["type"] in ("Complete", "Failed"))
    ended = max(datetime.fromisoformat(one["lastTransitionTime"]).timestamp() for one in told)
    left = float(ended + ttl - local.server.wall())
    if left > 0:
        return left
    local.delete(KIND, key_of(job), job["metadata"]["uid"])
    return None


def _completions(job: Json) -> int:
    return int(job["spec"].get("completions", 1))


def _retries(job: Json) -> int:
    return int(job["spec"].get("backoffLimit", 6))


def _in_phase(pods: list[Json], phase: str) -> list[Json]:
    """Return the pods in a phase; "" is any phase but Succeeded and Failed."""
    found = []
    for pod in pods:
        now = (pod.get("status") or {}).get("phase")
        if now == phase or (not phase and now not in ("Succeeded", "Failed")):
            found.append(pod)
    return found


def _start(local: Local, job: Json, done: int, active: list[Json]) -> list[Json]:
    if job["spec"].get("suspend"):
        for pod in active:
            local.delete("pods", key_of(pod), pod["metadata"]["uid"])
        return []
    room = int(job["spec"].get("parallelism", 1)) - len(active)
    missing = _completions(job) - done - len(active)
    started = []
    for _ in range(min(room, missing)):
        name = f"{job['metadata']['name'][:57]}-{local.server.name_suffix()}"
        pod = pod_from(job, job["spec"]["template"], name)
        job_labels = {
            "batch.kubernetes.io/job-name": job["metadata"]["name"],
            "job-name": job["metadata"]["name"],
        }
        pod["metadata"]["labels"] = {**job_labels, **pod["metadata"]["labels"]}
        started.append(local.create("pods", pod))
    return started


def _status(job: Json, done: int, failed: int, active: list[Json], stamp: str) -> Json:
    before = job.get("status") or {}
    conditions = list(before.get("conditions") or [])
    status: Json = {"startTime": before.get("startTime") or stamp}
    if done >= _completions(job):
        reached = "Reached expected number of succeeded pods"
        for kind in ("SuccessCriteriaMet", "Complete"):
            reason = "CompletionsReached"
            conditions = with_condition(conditions, kind, "True", reason, reached, stamp)
        status["completionTime"] = before.get("completionTime") or stamp
    elif failed > _retries(job):
        text = "Job has reached the specified backoff limit"
        for kind in ("FailureTarget", "Failed"):
            reason = "BackoffLimitExceeded"
            conditions = with_condition(conditions, kind, "True", reason, text, stamp)
    counts = {"active": len(active), "succeeded": done, "failed": failed}
    status |= {name: count for name, count in counts.items() if count}
    status["ready"] = sum(1 for pod in active if is_true(pod, "Ready"))
    status |= {"terminating": 0, "uncountedTerminatedPods": {}}
    return status | ({"conditions": conditions} if conditions else {})
