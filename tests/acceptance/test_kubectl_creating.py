"""kubectl's imperative create commands, each once: most of them send protobuf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.acceptance.kubectl import Kubectl

pytestmark = pytest.mark.xdist_group("acceptance")

# What is created, the arguments, and where in the object something of them must be found.
CREATED: tuple[tuple[str, str, tuple[str | int, ...], Any], ...] = (
    (
        "ingress/web",
        "create ingress web --class=nginx --rule=shop.example/api*=web:80,tls=cert",
        ("spec", "rules", 0, "http", "paths", 0, "backend", "service", "port", "number"),
        80,
    ),
    (
        "ingress/plain",
        "create ingress plain --default-backend=web:http",
        ("spec", "defaultBackend", "service", "port", "name"),
        "http",
    ),
    ("quota/few", "create quota few --hard=pods=3,cpu=2000m", ("spec", "hard", "cpu"), "2"),
    (
        "pdb/half",
        "create pdb half --selector=app=web --min-available=50%",
        ("spec", "minAvailable"),
        "50%",
    ),
    (
        "role/reader",
        "create role reader --verb=get,list --resource=pods,deployments.apps",
        ("rules", 1, "resources", 0),
        "deployments",
    ),
    (
        "rolebinding/readers",
        "create rolebinding readers --role=reader --user=ada --serviceaccount=default:default",
        ("subjects", 1, "kind"),
        "ServiceAccount",
    ),
    (
        "cronjob/often",
        "create cronjob often --image=busybox --schedule=*/5_*_*_*_* -- date",
        ("spec", "jobTemplate", "spec", "template", "spec", "containers", 0, "command", 0),
        "date",
    ),
    (
        "job/once",
        "create job once --image=busybox -- date",
        ("spec", "template", "spec", "restartPolicy"),
        "Never",
    ),
    (
        "service/inner",
        "create service clusterip inner --tcp=80:8080",
        ("spec", "type"),
        "ClusterIP",
    ),
    (
        "service/outer",
        "create service nodeport outer --tcp=80:8080 --node-port=30080",
        ("spec", "ports", 0, "nodePort"),
        30080,
    ),
    (
        "service/world",
        "create service loadbalancer world --tcp=80:8080",
        ("spec", "allocateLoadBalancerNodePorts"),
        True,
    ),
    (
        "service/alias",
        "create service externalname alias --external-name=example.com",
        ("spec", "externalName"),
        "example.com",
    ),
    ("serviceaccount/robot", "create serviceaccount robot", ("metadata", "name"), "robot"),
    ("secret/word", "create secret generic word --from-literal=a=b", ("data", "a"), "Yg=="),
    (
        "secret/pull",
        "create secret docker-registry pull --docker-username=u --docker-password=p",
        ("type",),
        "kubernetes.io/dockerconfigjson",
    ),
    ("configmap/plain", "create configmap plain --from-literal=a=b", ("data", "a"), "b"),
    (
        "deployment/web",
        "create deployment web --image=nginx --replicas=0 --port=80",
        ("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"),
        80,
    ),
)
CLUSTERWIDE: tuple[tuple[str, str, tuple[str | int, ...], Any], ...] = (
    (
        "priorityclass/NAME",
        "create priorityclass NAME --value=10 --preemption-policy=Never",
        ("value",),
        10,
    ),
    (
        "clusterrole/NAME",
        "create clusterrole NAME --verb=get --non-resource-url=/healthz",
        ("rules", 0, "nonResourceURLs", 0),
        "/healthz",
    ),
    (
        "clusterrole/NAME-sum",
        "create clusterrole NAME-sum --aggregation-rule=a=b",
        ("aggregationRule", "clusterRoleSelectors", 0, "matchLabels", "a"),
        "b",
    ),
    (
        "clusterrolebinding/NAME",
        "create clusterrolebinding NAME --clusterrole=view --group=ops",
        ("subjects", 0, "name"),
        "ops",
    ),
    ("namespace/NAME", "create namespace NAME", ("status", "phase"), "Active"),
)


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def words(command: str) -> list[str]:
    return [word.replace("_*", " *") for word in command.split()]


@pytest.mark.parametrize(("what", "command", "path", "value"), CREATED, ids=[c[0] for c in CREATED])
def test_create(
    kubectl: Kubectl, what: str, command: str, path: tuple[str | int, ...], value: Any
) -> None:
    assert "created" in kubectl(*words(command))

    assert at(kubectl.tree("get", what), path) == value


@pytest.mark.parametrize(
    ("what", "command", "path", "value"), CLUSTERWIDE, ids=[c[0] for c in CLUSTERWIDE]
)
def test_create_for_the_whole_cluster(
    kubectl: Kubectl, what: str, command: str, path: tuple[str | int, ...], value: Any
) -> None:
    name = f"{kubectl.namespace}-own"
    assert "created" in kubectl(*words(command.replace("NAME", name)))

    assert at(kubectl.tree("get", what.replace("NAME", name)), path) == value


def test_create_secret_tls_reads_the_files(kubectl: Kubectl, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("shop.example")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    issued.private_key_pem.write_to_path(tmp_path / "tls.key")
    files = (f"--cert={tmp_path}/tls.crt", f"--key={tmp_path}/tls.key")
    kubectl("create", "secret", "tls", "cert", *files)

    assert sorted(kubectl.tree("get", "secret", "cert")["data"]) == ["tls.crt", "tls.key"]


def test_create_job_from_a_cron_job(kubectl: Kubectl) -> None:
    kubectl("create", "cronjob", "often", "--image=busybox", "--schedule=0 0 1 1 *", "--", "date")
    kubectl("create", "job", "now", "--from=cronjob/often")

    assert kubectl.tree("get", "job", "now")["metadata"]["ownerReferences"][0]["name"] == "often"


def test_drain_evicts_and_waits_for_the_disruption_budget(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "guarded", "--image=nginx", "--replicas=1")
    kubectl("rollout", "status", "deployment/guarded")
    kubectl("create", "pdb", "all", "--selector=app=guarded", "--min-available=1")
    kubectl.until("1", "get", "pdb", "all", "-o", "jsonpath={.status.currentHealthy}")
    node = kubectl.tree("get", "pods", "-l", "app=guarded")["items"][0]["spec"]["nodeName"]

    complaint = kubectl.refused("drain", node, "--pod-selector=app=guarded", "--timeout=3s")
    kubectl("uncordon", node)

    assert "Cannot evict pod as it would violate the pod's disruption budget" in complaint
