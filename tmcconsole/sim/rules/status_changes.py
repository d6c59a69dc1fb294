"""What is demanded of the status of workloads and Pods, and of its change.

Rules: k8s.io/kubernetes 1.36, pkg/apis/apps/validation and pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import barred, wrong
from tmcconsole.sim.rules.job_status import job_status_problems
from tmcconsole.sim.storage.status_errors import StatusCause

_COLLIDING: Final = frozenset({"daemonsets.apps", "deployments.apps", "statefulsets.apps"})
# Counters of a status, and what each may not exceed.
_PARTS: Final = {
    "deployments.apps": ("updatedReplicas", "readyReplicas", "availableReplicas"),
    "replicasets.apps": ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
    "statefulsets.apps": (
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
    ),
}


def status_problems(kind_id: str, tree: Json, old: Json) -> Iterator[StatusCause]:
    """Yield what a server refuses in a status that is written in place of the old one."""
    status, before = tree.get("status") or {}, old.get("status") or {}
    if kind_id == "jobs.batch":
        yield from job_status_problems(tree, old)
    elif kind_id == "pods":
        yield from _pod(status, before, old.get("spec") or {})
    if kind_id in _PARTS:
        yield from _counters(status, _PARTS[kind_id])
    if kind_id in _COLLIDING and (count := before.get("collisionCount")) is not None:
        now = status.get("collisionCount")
        if now is None or now < count:
            yield wrong("status.collisionCount", "cannot be decremented")


def _counters(status: Json, parts: tuple[str, ...]) -> Iterator[StatusCause]:
    for name in parts:
        if (status.get(name) or 0) > (status.get("replicas") or 0):
            yield wrong(f"status.{name}", "cannot be greater than status.replicas")
    if (status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        yield wrong("status.availableReplicas", "cannot be greater than readyReplicas")


def _pod(status: Json, before: Json, spec: Json) -> Iterator[StatusCause]:
    if before.get("qosClass") and status.get("qosClass") != before["qosClass"]:
        yield wrong("status.qosClass", "field is immutable")
    policy = spec.get("restartPolicy") or "Always"
    if policy == "Always":
        return
    now = {one.get("name"): one for one in status.get("containerStatuses") or ()}
    for index, one in enumerate(before.get("containerStatuses") or ()):
        ended = (one.get("state") or {}).get("terminated")
        if not ended or (policy == "OnFailure" and ended.get("exitCode")):
            continue
        found = now.get(one.get("name"))
        if found is not None and not (found.get("state") or {}).get("terminated"):
            where = f"status.containerStatuses[{index}].state"
            yield barred(where, "may not be transitioned to non-terminated state")
