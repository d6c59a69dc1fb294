"""Random reports of several targets about one object, each valid for its own API server."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import Invalid
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.kube.trees.differences import diff
from tmcconsole.sync.names.silent_target import SilentTarget
from tmcconsole.sync.status.acceptable import acceptable
from tmcconsole.sync.status.merge import Report, merge
from tmcconsole.sync.status.stale_status import doubted

TARGETS: Final = ("a", "b", "c")
STEPS: Final = 8
FIRST_HEARTBEAT: Final = 1_800_000_000.0
POD: Final[Json] = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "main", "image": "registry.example/x:1"}]},
}
_SELECTED: Final[Json] = {"selector": {"matchLabels": {"app": "x"}}, "template": POD}
_ONCE: Final[Json] = {**POD, "spec": {**POD["spec"], "restartPolicy": "Never"}}

Reports = Callable[[random.Random], Json]


@dataclass(frozen=True, slots=True)
class Reported:
    """A kind, a valid object of it, and how its status is drawn."""

    kind: Kind
    spec: Json
    report: Reports


def _at(rng: random.Random) -> str:
    return f"2026-12-01T02:{rng.randrange(60):02}:{rng.randrange(60):02}Z"


def _condition(rng: random.Random, kind: str, status: str = "") -> Json:
    said = status or rng.choice(("True", "False", "Unknown"))
    return {
        "type": kind, "status": said, "reason": "Drawn", "message": rng.choice(("", "drawn")),
        "lastTransitionTime": _at(rng),
    }  # fmt: skip


def _replicas(rng: random.Random, *more: str) -> Json:
    replicas = rng.randrange(5)
    ready = rng.randint(0, replicas)
    found: Json = {"replicas": replicas, "readyReplicas": ready}
    found["availableReplicas"] = rng.randint(0, ready)
    found |= {name: rng.randint(0, replicas) for name in more if rng.random() < 0.8}
    return found | {"observedGeneration": rng.randint(1, 2)}


def _colliding(rng: random.Random) -> Json:
    return {"collisionCount": rng.randrange(4)} if rng.random() < 0.5 else {}


def _deployment(rng: random.Random) -> Json:
    conditions = [_condition(rng, one) for one in ("Available", "Progressing")]
    return _replicas(rng, "updatedReplicas") | {"conditions": conditions} | _colliding(rng)


def _stateful(rng: random.Random) -> Json:
    revisions = {"currentRevision": "x-1", "updateRevision": rng.choice(("x-1", "x-2"))}
    return _replicas(rng, "currentReplicas", "updatedReplicas") | revisions | _colliding(rng)


def _replica_set(rng: random.Random) -> Json:
    return _replicas(rng, "fullyLabeledReplicas")


def _daemons(rng: random.Random) -> Json:
    names = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
             "numberReady", "numberAvailable", "updatedNumberScheduled")  # fmt: skip
    return {name: rng.randrange(5) for name in names} | _colliding(rng)


def _budget(rng: random.Random) -> Json:
    names = ("currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed")
    condition = _condition(rng, "DisruptionAllowed")
    if rng.random() < 0.2:
        condition["message"] = "m" * 32_768
    return {name: rng.randrange(5) for name in names} | {"conditions": [condition]}


def _autoscaler(rng: random.Random) -> Json:
    found = {"currentReplicas": rng.randrange(5), "desiredReplicas": rng.randrange(5)}
    return found | {"conditions": [_condition(rng, "AbleToScale")], "lastScaleTime": _at(rng)}


def _balanced(rng: random.Random) -> Json:
    entries = [{"ip": f"192.0.2.{rng.randrange(1, 9)}"} for _ in range(rng.randrange(3))]
    return {"loadBalancer": {"ingress": entries}}


def _service(rng: random.Random) -> Json:
    return _balanced(rng) | {"conditions": [_condition(rng, "example.com/Programmed")]}


def _claim(rng: random.Random) -> Json:
    if rng.random() < 0.4:
        return {"phase": "Pending"}
    size = rng.choice(("1Gi", "2Gi"))
    return {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": size}}


def _cron(rng: random.Random) -> Json:
    ref = {"kind": "Job", "name": f"x-{rng.randrange(3)}", "namespace": "default"}
    return {"active": [ref], "lastScheduleTime": _at(rng)}


def _pod(rng: random.Random) -> Json:
    phase = rng.choice(("Pending", "Running", "Running", "Succeeded", "Failed"))
    states: Json = {
        "Pending": {"waiting": {"reason": "ContainerCreating"}},
        "Running": {"running": {"startedAt": _at(rng)}},
    }
    code = 1 if phase == "Failed" else 0
    ended = {"terminated": {"exitCode": code, "reason": "Ended", "finishedAt": _at(rng)}}
    state = ended if phase == "Running" and rng.random() < 0.3 else states.get(phase, ended)
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0,
                 "state": state}  # fmt: skip
    ip = f"10.0.0.{rng.randrange(1, 250)}"
    found = {
        "phase": phase,
        "containerStatuses": [container],
        "conditions": [_condition(rng, "Ready")],
    }
    return found | ({"podIP": ip, "podIPs": [{"ip": ip}]} if phase == "Running" else {})


def _job(rng: random.Random) -> Json:
    stage = rng.choice(("new", "runs", "runs", "met", "complete", "failing", "failed"))
    if stage == "new":
        return {}
    start = f"2026-12-01T01:00:{rng.randrange(60):02}Z"
    status: Json = {"startTime": start, "failed": rng.randrange(3), "succeeded": rng.randrange(3)}
    names = {"met": ("SuccessCriteriaMet",), "complete": ("SuccessCriteriaMet", "Complete"),
             "failing": ("FailureTarget",), "failed": ("FailureTarget", "Failed")}  # fmt: skip
    if stage in ("runs", "met", "failing"):
        status["active"] = rng.randrange(4)
        status["ready"] = rng.randint(0, status["active"])
        status["terminating"] = rng.randrange(2)
        status["uncountedTerminatedPods"] = {"failed": [f"uid-{rng.randrange(9)}"]}
    if stage == "complete":
        status["completionTime"] = _at(rng)
    conditions = [_condition(rng, one, "True") for one in names.get(stage, ())]
    return status | ({"conditions": conditions} if conditions else {})


def _kind(group: str, resource: str, name: str, version: str = "v1") -> Kind:
    return Kind(group, version, resource, name, subresources=frozenset({"status"}))


_REF: Final = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
_PATH: Final = {"path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "x", "port": {"number": 80}}}}  # fmt: skip
KINDS: Final = {
    one.kind.id: one
    for one in (
        Reported(_kind("apps", "deployments", "Deployment"), _SELECTED, _deployment),
        Reported(_kind("apps", "statefulsets", "StatefulSet"),
                 {**_SELECTED, "serviceName": "x"}, _stateful),
        Reported(_kind("apps", "replicasets", "ReplicaSet"), _SELECTED, _replica_set),
        Reported(_kind("apps", "daemonsets", "DaemonSet"), _SELECTED, _daemons),
        Reported(_kind("batch", "jobs", "Job"), {"template": _ONCE}, _job),
        Reported(_kind("batch", "cronjobs", "CronJob"),
                 {"schedule": "@hourly", "jobTemplate": {"spec": {"template": _ONCE}}}, _cron),
        Reported(_kind("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
                 {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}, _budget),
        Reported(_kind("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "v2"),
                 {"maxReplicas": 3, "scaleTargetRef": _REF}, _autoscaler),
        Reported(_kind("", "services", "Service"),
                 {"type": "LoadBalancer", "ports": [{"port": 80}]}, _service),
        Reported(_kind("networking.k8s.io", "ingresses", "Ingress"),
                 {"rules": [{"http": {"paths": [_PATH]}}]}, _balanced),
        Reported(_kind("", "persistentvolumeclaims", "PersistentVolumeClaim"),
                 {"accessModes": ["ReadWriteOnce"],
                  "resources": {"requests": {"storage": "1Gi"}}}, _claim),
        Reported(_kind("", "pods", "Pod"), _ONCE["spec"], _pod),
    )
}  # fmt: skip
# Kinds of which a server refuses some statuses if they are merged without regard to its rules.
VALIDATED: Final = (
    "daemonsets.apps", "deployments.apps", "jobs.batch", "pods", "statefulsets.apps",
)  # fmt: skip


@dataclass(slots=True)
class Refusals:
    """Writes merged statuses to a server, step by step, and records what it refuses."""

    client: Client
    space: str
    is_adjusted: bool = True  # False: written as merged, without adjusting to the server's rules
    refused: list[str] = field(default_factory=list)
    written: int = 0

    async def play(self, reported: Reported, seed: int) -> None:
        """Let three targets report one object for some time; each may fall silent or start over."""
        rng, kind = random.Random(f"{reported.kind.id} {seed}"), reported.kind
        name = f"{kind.kind.lower()}-{seed}-{'adjusted' if self.is_adjusted else 'merged'}"
        tree: Json = {
            "apiVersion": kind.api_version, "kind": kind.kind,
            "metadata": {"name": name, "namespace": self.space}, "spec": reported.spec,
        }  # fmt: skip
        made = (await self.client.create(kind, tree, manager="test")).decode()
        before: Json = made.get("status") or {}
        for _ in range(STEPS):
            said = {one: reported.report(rng) for one in TARGETS if rng.random() < 0.7}
            if "b" in said and rng.random() < 0.3:  # it is silent: its good conditions are unknown
                silent = SilentTarget("b", FIRST_HEARTBEAT)
                said["b"] = doubted(kind.group, said["b"], silent)
            reports = [Report(one, 1, status, True) for one, status in said.items() if status]
            merged = merge(reports, generation=1, before=before, kind=kind.id).status or {}
            before = await self._write(kind, name, before, merged, made["spec"], len(reports))

    async def _write(
        self, kind: Kind, name: str, before: Json, merged: Json, spec: Any, reports: int
    ) -> Json:
        after = merged
        if self.is_adjusted:
            after = acceptable(kind.id, merged, before, spec, reports).status
        patch = diff(before, after)
        if not patch:
            return before
        key, self.written = ObjectKey(self.space, name), self.written + 1
        try:
            found = await self.client.merge_patch(
                kind, key, {"status": patch}, manager="test", subresource="status"
            )
        except Invalid as error:
            self.refused.append(f"{kind.id}: {error}: {before} then {after}")
            return before
        return found.decode().get("status") or {}
