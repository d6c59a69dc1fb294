"""What ``kubectl describe`` and ``get`` print of each common kind, besides its name."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.manifests import Json, make_config_map, make_deployment

POD: Final[Json] = {"restartPolicy": "Never", "containers": [{"name": "app", "image": "a:1"}]}
TEMPLATE: Final[Json] = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": POD["containers"]},
}


def make(version: str, kind: str, **parts: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "one"}, **parts}


SELECTOR: Final[Json] = {"matchLabels": {"app": "x"}}
CLAIM: Final[Json] = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
}
RULE: Final[Json] = {
    "path": "/",
    "pathType": "Prefix",
    "backend": {"service": {"name": "one", "port": {"number": 80}}},
}
ROLE: Final = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"}
# An object, and a line of its description with one space between words.
DESCRIBED: Final = (
    (make_config_map("one", color="blue"), "blue"),
    (make("v1", "Secret", stringData={"word": "abc"}), "word: 3 bytes"),
    (make("v1", "ServiceAccount"), "Image pull secrets: <none>"),
    (make("v1", "Service", spec={"ports": [{"port": 80}]}), "TargetPort: 80/TCP"),
    (make("v1", "PersistentVolumeClaim", spec=CLAIM), "Access Modes: RWO"),
    (make("v1", "ResourceQuota", spec={"hard": {"pods": "7"}}), "pods 0 7"),
    (
        make("v1", "LimitRange", spec={"limits": [{"type": "Pod", "max": {"cpu": "2"}}]}),
        "Pod cpu - 2 - - -",
    ),
    (make_deployment("one"), "(2/2 replicas created)"),
    (
        make(
            "apps/v1",
            "StatefulSet",
            spec={"selector": SELECTOR, "serviceName": "x", "replicas": 1, "template": TEMPLATE},
        ),
        "Pods Status: 1 Running / 0 Waiting / 0 Succeeded / 0 Failed",
    ),
    (
        make("apps/v1", "DaemonSet", spec={"selector": SELECTOR, "template": TEMPLATE}),
        "Number of Nodes Scheduled with Available Pods: 3",
    ),
    (
        make("batch/v1", "Job", spec={"template": {"spec": POD}}),
        "Pods Statuses: 0 Active (0 Ready) / 1 Succeeded / 0 Failed",
    ),
    (
        make(
            "batch/v1",
            "CronJob",
            spec={"schedule": "@yearly", "jobTemplate": {"spec": {"template": {"spec": POD}}}},
        ),
        "Schedule: @yearly",
    ),
    (
        make(
            "networking.k8s.io/v1",
            "Ingress",
            spec={"rules": [{"host": "a.test", "http": {"paths": [RULE]}}]},
        ),
        "Default backend: <default>",
    ),
    (
        make("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}}),
        "Policy Types: Ingress",
    ),
    (
        make(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            spec={
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            },
        ),
        "Reference: Deployment/x",
    ),
    (
        make("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": SELECTOR}),
        "Allowed disruptions: 0",
    ),
    (
        make(
            ROLE["apiGroup"] + "/v1",
            "Role",
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        ),
        "pods [] [] [get]",
    ),
    (
        make(
            ROLE["apiGroup"] + "/v1",
            "RoleBinding",
            roleRef=ROLE,
            subjects=[{"kind": "ServiceAccount", "name": "s", "namespace": "elsewhere"}],
        ),
        "ServiceAccount s elsewhere",
    ),
    (make("coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "me"}), "Holder Identity: me"),
)


@pytest.mark.parametrize(("tree", "line"), DESCRIBED, ids=[t["kind"] for t, _ in DESCRIBED])
def test_describe(kubectl: Kubectl, tree: Json, line: str) -> None:
    kubectl.apply(tree)

    kubectl.until_told(line, "describe", f"{tree['kind']}/one")


def test_describe_shows_the_volume_of_a_claim(kubectl: Kubectl) -> None:
    kubectl.apply(make("v1", "PersistentVolumeClaim", spec=CLAIM))
    kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/one")
    volume = kubectl("get", "pvc/one", "-o", "jsonpath={.spec.volumeName}")

    kubectl.until_told(f"Claim: {kubectl.namespace}/one", "describe", f"pv/{volume}")

    row = kubectl("get", f"pv/{volume}", "--no-headers").split()
    assert row[1:6] == ["1Gi", "RWO", "Delete", "Bound", f"{kubectl.namespace}/one"]


def test_get_shows_a_pod_that_is_done_as_completed(kubectl: Kubectl) -> None:
    kubectl.apply(make("batch/v1", "Job", spec={"template": {"spec": POD}}))
    kubectl("wait", "--for=condition=Complete", "job/one")

    row = kubectl("get", "pods", "--no-headers").split()

    assert row[1:4] == ["0/1", "Completed", "0"]


def test_get_shows_what_a_quota_counts(kubectl: Kubectl) -> None:
    kubectl.apply(make("v1", "ResourceQuota", spec={"hard": {"configmaps": "7"}}))

    kubectl.until_told("one configmaps: 1/7", "get", "quota")  # every namespace has one


def test_get_shows_where_a_service_leads(kubectl: Kubectl) -> None:
    kubectl.apply(
        make("v1", "Service", spec={"ports": [{"port": 80}], "selector": {"app": "one"}}),
        make_deployment("one", replicas=1),
    )
    kubectl("rollout", "status", "deploy/one")
    address = kubectl("get", "pods", "-o", "jsonpath={.items[*].status.podIP}")

    kubectl.until_told(f"IPv4 80 {address}", "get", "endpointslices")


def test_get_prints_what_a_go_template_says(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map("one"), make_config_map("two"))

    names = "{{range .items}}{{.metadata.name}} {{end}}"
    selected = kubectl("get", "cm", "-o", "go-template", "--template", names).split()

    assert {"one", "two"} <= set(selected)
    assert kubectl("get", "cm/one", "-o", "go-template={{.data.color}}") == "blue"
