"""What may be written to a target at all, and the reason where it may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.sync.trees import make_tree
from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.policy import judge, judge_kind

ALL = frozenset({"get", "list", "watch", "create", "patch", "delete"})
SETTINGS = SyncSettings()


def make_kind(id: str, *, namespaced: bool = True, verbs: frozenset[str] = ALL) -> Kind:
    resource, _, group = id.partition(".")
    return Kind(group, "v1", resource, resource.title(), namespaced, verbs)


@pytest.mark.parametrize(
    "id",
    [
        "configmaps",
        "secrets",
        "services",
        "persistentvolumeclaims",
        "deployments.apps",
        "jobs.batch",
        "ingresses.networking.k8s.io",
        "widgets.example.com",
    ],
)
def test_workloads_configuration_and_custom_resources_pass(id: str) -> None:
    assert judge_kind(make_kind(id), SETTINGS, hub_runs_pods=False) is None


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("endpoints", "KindNotAllowed"),
        ("events", "KindNotAllowed"),
        ("serviceaccounts", "KindNotAllowed"),
        ("leases.coordination.k8s.io", "KindNotAllowed"),
        ("roles.rbac.authorization.k8s.io", "KindNotAllowed"),
        ("rolebindings.rbac.authorization.k8s.io", "KindNotAllowed"),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", "KindNotAllowed"),
        ("pods.metrics.k8s.io", "KindNotAllowed"),
        ("synctargets.workload.kcp.io", "KindNotAllowed"),
    ],
)
def test_what_belongs_to_each_cluster_itself_never_travels(id: str, reason: str) -> None:
    refusal = judge_kind(make_kind(id), SETTINGS, hub_runs_pods=False)

    assert refusal is not None
    assert refusal.reason == reason
    assert id in refusal.message


@pytest.mark.parametrize(
    ("kind", "settings", "runs_pods", "reason"),
    [
        pytest.param(
            make_kind("widgets.example.com", namespaced=False),
            SETTINGS,
            False,
            "ClusterScoped",
            id="cluster-scoped",
        ),
        pytest.param(
            make_kind("jobs.batch"),
            replace(SETTINGS, kinds_deny=("jobs.batch",)),
            False,
            "KindDenied",
            id="denied",
        ),
        pytest.param(
            make_kind("jobs.batch"),
            replace(SETTINGS, kinds_allow=("configmaps",)),
            False,
            "KindNotListed",
            id="not in the allow list",
        ),
        pytest.param(
            make_kind("jobs.batch", verbs=ALL - {"watch"}),
            SETTINGS,
            False,
            "VerbsMissing",
            id="cannot be watched",
        ),
        pytest.param(
            make_kind("jobs.batch"), SETTINGS, True, "HubRunsWorkloads", id="the hub runs pods"
        ),
        pytest.param(
            make_kind("jobs.batch"),
            replace(SETTINGS, allow_workload_hub=True),
            True,
            "",
            id="the hub runs pods, and the config says that is meant",
        ),
        pytest.param(make_kind("configmaps"), SETTINGS, True, "", id="no pods come of it"),
        pytest.param(
            make_kind("secrets"),
            replace(SETTINGS, kinds_allow=("secrets",), kinds_deny=("secrets",)),
            False,
            "KindDenied",
            id="deny wins over allow",
        ),
        pytest.param(
            make_kind("roles.rbac.authorization.k8s.io"),
            replace(SETTINGS, kinds_allow=("roles.rbac.authorization.k8s.io",)),
            False,
            "KindNotAllowed",
            id="never wins over allow",
        ),
    ],
)
def test_kinds_by_settings_and_hub(
    kind: Kind, settings: SyncSettings, runs_pods: bool, reason: str
) -> None:
    refusal = judge_kind(kind, settings, hub_runs_pods=runs_pods)

    assert (refusal.reason if refusal else "") == reason


def owned_by(controller: bool) -> Json:
    tree = make_tree()
    reference = {"kind": "ReplicaSet", "name": "web-1", "controller": controller}
    tree["metadata"]["ownerReferences"] = [reference]
    return tree


@pytest.mark.parametrize(
    ("id", "tree", "namespace", "reason"),
    [
        pytest.param("configmaps", make_tree(), "shop", "", id="an ordinary object"),
        pytest.param("configmaps", make_tree(), "kube-system", "ProtectedNamespace", id="system"),
        pytest.param("configmaps", make_tree(), "kube-x", "ProtectedNamespace", id="kube- prefix"),
        pytest.param(
            "configmaps", make_tree(), "openshift-dns", "ProtectedNamespace", id="openshift"
        ),
        pytest.param("configmaps", make_tree(), "kubernetes-shop", "", id="a name like it"),
        pytest.param(
            "secrets",
            make_tree(type="kubernetes.io/service-account-token"),
            "shop",
            "TokenSecret",
            id="token",
        ),
        pytest.param("secrets", make_tree(type="Opaque"), "shop", "", id="opaque secret"),
        pytest.param("configmaps", make_tree(name="kube-root-ca.crt"), "shop", "RootCA", id="CA"),
        pytest.param("secrets", make_tree(name="kube-root-ca.crt"), "shop", "", id="CA's name"),
        pytest.param("pods", owned_by(True), "shop", "Owned", id="made by a controller"),
        pytest.param("pods", owned_by(False), "shop", "", id="owned, not controlled"),
    ],
)
def test_objects(id: str, tree: Json, namespace: str, reason: str) -> None:
    refusal = judge(make_kind(id), tree, namespace)

    assert (refusal.reason if refusal else "") == reason
