"""Table rows of pods, Services, workloads, Jobs and their autoscalers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.differential.admitted import PODS, SERVICES, pod
from tests.differential.parts import DEPLOYMENTS, TIME, container, deployment
from tests.differential.tables import (
    APPS,
    CRON_JOBS,
    INGRESSES,
    JOBS,
    LATER,
    SCALERS,
    SLICES,
    named,
    shown,
)
from tests.differential.trace import TABLE, Json, Step


def _container_status(name: str, ready: bool = False, restarts: int = 0, **state: Any) -> Json:
    head = {"name": name, "image": "a", "imageID": "", "ready": ready, "restartCount": restarts}
    return {**head, **({"state": state} if state else {})}


def pods() -> Iterator[Step]:
    running = {"startedAt": TIME}
    done = {"exitCode": 0, "reason": "Completed"}
    ready = {"type": "Ready", "status": "True"}
    app = _container_status("app", True, running=running)
    side = _container_status("side", True, 2, running=running)
    failed = _container_status("app", restarts=3, terminated={"exitCode": 1, "reason": "Error"})
    yield from shown(
        PODS,
        pod("two", container("app"), container("side"), nodeName="node-1"),
        {"phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}]},
        {"containerStatuses": [app, side]},
        {"containerStatuses": [_container_status("app", terminated=done), side]},
        {"conditions": [ready]},
        {"containerStatuses": [failed, side]},
        {"containerStatuses": [_container_status("app", terminated={"exitCode": 3}), side]},
        {
            "containerStatuses": [
                _container_status("app", terminated={"exitCode": 3, "signal": 9}),
                _container_status("side"),
            ]
        },
        {"containerStatuses": [_container_status("app", waiting={"reason": "CrashLoopBackOff"})]},
        {"containerStatuses": None, "phase": "Succeeded"},
        {"phase": "Failed", "reason": "Evicted"},
    )
    first = container("first")
    later = container("later", restartPolicy="Always")
    yield from shown(
        PODS,
        pod(
            "begins", initContainers=[first, later], readinessGates=[{"conditionType": "a.test/b"}]
        ),
        {
            "initContainerStatuses": [_container_status("first"), _container_status("later")],
            "nominatedNodeName": "node-2",
        },
        {"initContainerStatuses": [_container_status("first", waiting={"reason": "ErrImagePull"})]},
        {"initContainerStatuses": [_container_status("first", terminated={"exitCode": 1})]},
        {
            "initContainerStatuses": [
                _container_status("first", restarts=1, terminated={"exitCode": 0}),
                {**_container_status("later", True, 4, running=running), "started": True},
            ],
            "containerStatuses": [_container_status("app", waiting={"reason": "PodInitializing"})],
        },
        {"conditions": [{"type": "a.test/b", "status": "True"}], "phase": "Running"},
    )
    yield from shown(PODS, pod("gated", schedulingGates=[{"name": "a.test/gate"}]))
    held = pod("leaves", nodeName="node-1")
    held["metadata"]["finalizers"] = ["a.test/held"]
    yield Step("POST", PODS, held)
    yield Step("DELETE", f"{PODS}/leaves", {"gracePeriodSeconds": 0})
    yield Step("GET", f"{PODS}/leaves", accept=TABLE)
    yield Step("GET", PODS, accept=TABLE)


def services() -> Iterator[Step]:
    port = {"port": 80}
    more = [{"port": 80, "name": "a"}, {"port": 53, "protocol": "UDP", "name": "b"}]
    yield from shown(
        SERVICES, named("plain", spec={"ports": more, "selector": {"b": "1", "a": "2"}})
    )
    yield from shown(SERVICES, named("headless", spec={"clusterIP": "None", "ports": [port]}))
    yield from shown(
        SERVICES, named("external", spec={"ports": [port], "externalIPs": ["192.0.2.1"]})
    )
    yield from shown(
        SERVICES, named("elsewhere", spec={"type": "ExternalName", "externalName": "a.test"})
    )
    ingress = [{"ip": "192.0.2.9"}, {"hostname": "balancer.example.test"}]
    yield from shown(
        SERVICES,
        named(
            "balanced",
            spec={"type": "LoadBalancer", "ports": [port], "allocateLoadBalancerNodePorts": False},
        ),
        {"loadBalancer": {"ingress": ingress}},
    )
    rules = [{"host": f"{letter}.test"} for letter in "abcde"]
    yield from shown(
        INGRESSES,
        named("many", spec={"rules": rules, "tls": [{"hosts": ["a.test"]}]}),
        {"loadBalancer": {"ingress": ingress}},
    )
    endpoints = [{"addresses": [f"10.0.0.{number}"]} for number in range(1, 6)]
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 53, "protocol": "UDP"}]
    for name, parts in (
        ("slice-none", {}),
        ("slice-one", {"endpoints": endpoints[:2], "ports": ports}),
        ("slice-many", {"endpoints": endpoints, "ports": [{"name": ""}]}),
    ):
        yield from shown(SLICES, named(name, addressType="IPv4", **parts))


def workloads() -> Iterator[Step]:
    counts = {"replicas": 3, "readyReplicas": 1, "availableReplicas": 1}
    one = deployment("one", container("app"), container("side", "registry.test/side:2"))
    yield from shown(DEPLOYMENTS, one, {**counts, "updatedReplicas": 2})
    for kind, plural in (("ReplicaSet", "replicasets"), ("StatefulSet", "statefulsets")):
        yield from shown(f"{APPS}/{plural}", {**one, "kind": kind}, counts)
    pod_template = one["spec"]["template"]
    daemons = {"selector": one["spec"]["selector"], "template": pod_template}
    numbers = {
        "desiredNumberScheduled": 3,
        "currentNumberScheduled": 2,
        "numberReady": 1,
        "numberMisscheduled": 0,
        "updatedNumberScheduled": 2,
        "numberAvailable": 1,
    }
    yield from shown(f"{APPS}/daemonsets", named("one", spec=daemons), numbers)
    revision = named("one", data={"a": 1}, revision=7)
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "x", "uid": "u"}
    yield from shown(f"{APPS}/controllerrevisions", revision)
    revision = named("owned", data={"a": 1}, revision=8)
    revision["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    yield from shown(f"{APPS}/controllerrevisions", revision)
    spec = {"selector": {"app": "one"}, "template": pod_template}
    yield from shown(
        "/api/v1/namespaces/{ns}/replicationcontrollers", named("one", spec=spec), counts
    )
    yield from shown("/api/v1/namespaces/{ns}/podtemplates", named("one", template=pod_template))


def jobs() -> Iterator[Step]:
    template = {"spec": {"restartPolicy": "Never", "containers": [container("app")]}}
    yield from shown(
        JOBS,
        named("one", metadata={"labels": {"a": "b"}}, spec={"template": template}),
        {"startTime": TIME, "active": 1},
    )
    succeeded = {
        "succeeded": 1,
        "active": 0,
        "startTime": TIME,
        "completionTime": LATER,
        "uncountedTerminatedPods": {},
        "conditions": [
            {"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": LATER},
            {"type": "Complete", "status": "True", "lastTransitionTime": LATER},
        ],
    }
    yield from shown(
        JOBS, named("two", metadata={"labels": {"a": "b"}}, spec={"template": template}), succeeded
    )
    parallel = {"template": template, "parallelism": 3, "suspend": True}
    condition = {"type": "Suspended", "status": "True", "lastTransitionTime": TIME}
    yield from shown(
        JOBS,
        named("three", metadata={"labels": {"a": "b"}}, spec=parallel),
        {"conditions": [condition]},
    )
    reference = {"kind": "Job", "namespace": "{ns}", "name": "one", "apiVersion": "batch/v1"}
    yield from shown(
        CRON_JOBS,
        named("one", spec={"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}),
        {"lastScheduleTime": TIME, "active": [reference]},
    )


def scalers() -> Iterator[Step]:
    def resource(**target: Any) -> Json:
        return {"type": "Resource", "resource": {"name": "cpu", "target": target}}

    half = {"type": "Utilization", "averageUtilization": 50}
    absolute = {"type": "AverageValue", "averageValue": "200m"}
    spec: Json = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 4,
        "metrics": [
            resource(**half),
            resource(**absolute),
            {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": absolute}},
            {
                "type": "Object",
                "object": {
                    "describedObject": {"kind": "Service", "name": "a"},
                    "metric": {"name": "hits"},
                    "target": {"type": "Value", "value": "10"},
                },
            },
            {"type": "External", "external": {"metric": {"name": "queue"}, "target": absolute}},
        ],
    }
    cpu = {"name": "cpu", "current": {"averageUtilization": 7, "averageValue": "35m"}}
    current = {
        "desiredReplicas": 2,
        "currentReplicas": 2,
        "currentMetrics": [{"type": "Resource", "resource": cpu}],
    }
    yield from shown(SCALERS, named("many", spec=spec), current)
    for number, metrics in enumerate(([resource(**half)], spec["metrics"][2:4], None)):
        few = {**spec, "metrics": metrics}
        yield from shown(SCALERS, named(f"few-{number}", spec=few), current)
