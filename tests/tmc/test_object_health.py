"""One object's health and summary, by its own status."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.contract.records import Health
from tmcconsole.tmc.health.object_health import ill_times, object_health

H, D, U, X = Health.HEALTHY, Health.DEGRADED, Health.UNHEALTHY, Health.UNKNOWN
Json = dict[str, Any]


def cond(kind: str, status: str = "True", reason: str = "") -> Json:
    return {"type": kind, "status": status, "reason": reason}


def replicas(want: int, ready: int, updated: int | None = None, *conditions: Json) -> Json:
    status = {
        "replicas": want,
        "readyReplicas": ready,
        "updatedReplicas": want if updated is None else updated,
        "conditions": list(conditions),
    }
    return {"spec": {"replicas": want}, "status": status}


def pod(phase: str, *, ready: bool = False, waiting: str = "", **status: object) -> Json:
    container: Json = {"ready": ready, "restartCount": 3, "state": {}}
    if waiting:
        container["state"] = {"waiting": {"reason": waiting}}
    conditions = [cond("Ready", "True" if ready else "False")]
    return {
        "status": {"conditions": conditions, "phase": phase, "containerStatuses": [container]}
        | status
    }


IN_TIME = cond("Progressing", "True", "ReplicaSetUpdated")
LATE = cond("Progressing", "False", "ProgressDeadlineExceeded")
DAEMONS = {"desiredNumberScheduled": 3, "numberReady": 3, "updatedNumberScheduled": 3}

TABLE: list[tuple[str, Json, Health, str]] = [
    ("Deployment", replicas(3, 3), H, "3/3 ready"),
    ("Deployment", replicas(0, 0), H, "0/0 ready"),
    ("Deployment", replicas(3, 2), D, "2/3 ready"),
    ("Deployment", replicas(3, 0), U, "0/3 ready"),
    ("Deployment", replicas(3, 0, 3, IN_TIME), D, "0/3 ready"),
    ("Deployment", replicas(3, 3, 1, IN_TIME), D, "3/3 ready, 1/3 updated"),
    ("Deployment", replicas(3, 1, 3, LATE), U, "1/3 ready, ProgressDeadlineExceeded"),
    (
        "Deployment",
        replicas(3, 0, 0, cond("ReplicaFailure", reason="FailedCreate")),
        U,
        "0/3 ready, FailedCreate",
    ),
    ("Deployment", {"spec": {"replicas": 1}}, X, "no status yet"),
    ("ReplicaSet", replicas(2, 2), H, "2/2 ready"),
    ("ReplicaSet", {"spec": {"replicas": 2}, "status": {"replicas": 1}}, D, "0/2 ready"),
    ("StatefulSet", replicas(2, 1), D, "1/2 ready"),
    (
        "StatefulSet",
        {
            "spec": {"replicas": 1},
            "status": {
                "replicas": 1,
                "readyReplicas": 1,
                "currentRevision": "a",
                "updateRevision": "b",
            },
        },
        D,
        "1/1 ready, 0 updated",
    ),
    ("DaemonSet", {"status": DAEMONS}, H, "3/3 ready"),
    ("DaemonSet", {"status": {**DAEMONS, "numberReady": 1}}, D, "1/3 ready"),
    (
        "DaemonSet",
        {"status": {**DAEMONS, "updatedNumberScheduled": 2}},
        D,
        "3/3 ready, 2/3 updated",
    ),
    ("Job", {"status": {"succeeded": 1, "conditions": [cond("Complete")]}}, H, "1/1 done"),
    (
        "Job",
        {"status": {"conditions": [cond("Failed", reason="BackoffLimitExceeded")]}},
        U,
        "0/1 done, BackoffLimitExceeded",
    ),
    ("Job", {"status": {"active": 1}}, H, "0/1 done, 1 active"),
    ("Job", {"status": {"active": 1, "failed": 2}}, D, "0/1 done, 2 failed"),
    ("Job", {"spec": {"suspend": True}}, H, "0/1 done, suspended"),
    ("CronJob", {"spec": {"suspend": True}}, H, "suspended"),
    ("CronJob", {"status": {}}, H, "scheduled"),
    ("CronJob", {"status": {"active": [{}]}}, H, "1 active"),
    (
        "CronJob",
        {
            "status": {
                "lastScheduleTime": "2026-01-02T00:00:00Z",
                "lastSuccessfulTime": "2026-01-01T00:00:05Z",
            }
        },
        D,
        "run of 2026-01-02T00:00:00Z did not succeed",
    ),
    ("Pod", pod("Running", ready=True), H, "1/1 ready"),
    ("Pod", pod("Running"), D, "0/1 ready"),
    (
        "Pod",
        pod("Running", waiting="CrashLoopBackOff"),
        U,
        "0/1 ready, CrashLoopBackOff, 3 restarts",
    ),
    ("Pod", pod("Pending", waiting="ContainerCreating"), D, "0/1 ready"),
    (
        "Pod",
        {
            "status": {
                "phase": "Pending",
                "conditions": [cond("PodScheduled", "False", "Unschedulable")],
            }
        },
        D,
        "Unschedulable",
    ),
    ("Pod", {"status": {"phase": "Succeeded"}}, H, "completed"),
    ("Pod", {"status": {"phase": "Failed", "reason": "Evicted"}}, U, "Evicted"),
    ("Pod", {"status": {"phase": "Unknown"}}, X, "Unknown"),
    ("Service", {"spec": {"type": "ClusterIP"}}, H, "ClusterIP"),
    ("Service", {"spec": {"type": "LoadBalancer"}}, D, "LoadBalancer has no address yet"),
    (
        "Service",
        {
            "spec": {"type": "LoadBalancer"},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        },
        H,
        "192.0.2.1",
    ),
    ("Ingress", {}, D, "Ingress has no address yet"),
    (
        "PersistentVolumeClaim",
        {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}},
        H,
        "Bound 1Gi",
    ),
    ("PersistentVolumeClaim", {"status": {"phase": "Pending"}}, D, "Pending"),
    ("PersistentVolumeClaim", {"status": {"phase": "Lost"}}, U, "its volume is lost"),
    (
        "HorizontalPodAutoscaler",
        {"status": {"currentReplicas": 2, "desiredReplicas": 3}},
        H,
        "2/3 replicas",
    ),
    (
        "HorizontalPodAutoscaler",
        {"status": {"conditions": [cond("ScalingActive", "False", "FailedGetResourceMetric")]}},
        D,
        "0/0 replicas, FailedGetResourceMetric",
    ),
    (
        "PodDisruptionBudget",
        {"status": {"currentHealthy": 1, "desiredHealthy": 2, "disruptionsAllowed": 0}},
        D,
        "1/2 healthy, 0 disruptions allowed",
    ),
    ("Namespace", {"status": {"phase": "Active"}}, H, "Active"),
    ("Namespace", {"status": {"phase": "Terminating"}}, D, "Terminating"),
    ("Node", {"status": {"conditions": [cond("Ready")]}}, H, "ready"),
    ("Node", {"status": {"conditions": [cond("Ready", "Unknown")]}}, U, "silent"),
    (
        "Node",
        {"status": {"conditions": [cond("Ready"), cond("DiskPressure")]}},
        D,
        "DiskPressure",
    ),
    ("ConfigMap", {"data": {}}, H, "present"),
    ("Secret", {}, H, "present"),
    ("Database", {"status": {"conditions": [cond("Ready")]}}, H, "Ready"),
    (
        "Database",
        {"status": {"conditions": [cond("Ready", "False", "Disk")]}},
        U,
        "not Ready: Disk",
    ),
    ("Database", {"status": {"conditions": [cond("Ready", "Unknown")]}}, X, "Ready unknown"),
    ("Database", {"status": {"conditions": [cond("Ready"), cond("Failed")]}}, U, "Failed"),
    ("Database", {"status": {"conditions": [cond("Ready"), cond("Degraded")]}}, D, "Degraded"),
    ("Database", {"status": {"phase": "Provisioning"}}, D, "Provisioning"),
    ("Database", {"spec": {}}, X, "reports no health"),
]


@pytest.mark.parametrize(("kind", "tree", "health", "summary"), TABLE)
def test_a_kind_is_judged_by_its_own_rules(
    kind: str, tree: Json, health: Health, summary: str
) -> None:
    assert object_health(kind, tree) == (health, summary)


def test_a_status_older_than_the_spec_is_not_healthy() -> None:
    tree = replicas(3, 3) | {"metadata": {"generation": 5}}
    tree["status"]["observedGeneration"] = 4

    assert object_health("Deployment", tree)[0] is D


def test_what_is_being_deleted_is_not_healthy() -> None:
    tree = replicas(3, 3) | {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}

    assert object_health("Deployment", tree) == (D, "terminating")


def test_a_service_of_another_group_is_not_the_service_we_know() -> None:
    knative = {
        "apiVersion": "serving.knative.dev/v1",
        "status": {"conditions": [cond("Ready", "False")]},
    }

    assert object_health("Service", knative) == (U, "not Ready")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
fields = st.dictionaries(
    st.sampled_from(["replicas", "readyReplicas", "phase", "conditions", "containerStatuses"]),
    json_values | st.lists(st.fixed_dictionaries({"type": json_values, "status": json_values})),
)


@given(
    kind=st.sampled_from(sorted({row[0] for row in TABLE})),
    tree=st.fixed_dictionaries(
        {"metadata": json_values, "spec": fields | json_values, "status": fields | json_values}
    ),
)
def test_no_tree_is_too_strange_to_judge(kind: str, tree: Json) -> None:
    health, summary = object_health(kind, tree)

    assert health in Health
    assert summary


def test_since_when_an_object_is_not_well_is_known_only_where_a_condition_says_so() -> None:
    def status(*conditions: tuple[str, str, str]) -> Json:
        keys = ("type", "status", "lastTransitionTime")
        return {"status": {"conditions": [dict(zip(keys, one, strict=True)) for one in conditions]}}

    assert ill_times(status(("Available", "False", "A"), ("Progressing", "True", "B"))) == ["A"]
    assert ill_times(status(("Failed", "True", "A"), ("Ready", "False", "B"))) == ["A", "B"]
    assert ill_times(status(("Available", "True", "A"))) == ill_times({}) == []
