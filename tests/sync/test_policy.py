"""Which kinds may be written to a target at all, by profile, and the reason where not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Kind
from tmcconsole.sync.policy import PROFILES, is_protected, judge_definition, judge_kind, judge_scope

ALL = frozenset({"get", "list", "watch", "create", "patch", "delete"})
SETTINGS = SyncSettings()


def make_kind(id: str, *, namespaced: bool = True, verbs: frozenset[str] = ALL) -> Kind:
    resource, _, group = id.partition(".")
    return Kind(group, "v1", resource, resource.title(), namespaced, verbs)


def reason(kind: Kind, *, hub_runs_pods: bool = False, **sync: Any) -> str:
    refusal = judge_kind(kind, replace(SETTINGS, **sync), hub_runs_pods=hub_runs_pods)
    return refusal.reason if refusal else ""


@pytest.mark.parametrize(
    ("id", "in_restricted", "in_baseline", "in_trusted"),
    [
        ("configmaps", "", "", ""),
        ("secrets", "", "", ""),
        ("services", "", "", ""),
        ("persistentvolumeclaims", "", "", ""),
        ("deployments.apps", "", "", ""),
        ("statefulsets.apps", "", "", ""),
        ("jobs.batch", "", "", ""),
        ("cronjobs.batch", "", "", ""),
        ("ingresses.networking.k8s.io", "", "", ""),
        ("horizontalpodautoscalers.autoscaling", "", "", ""),
        ("poddisruptionbudgets.policy", "", "", ""),
        ("pods", "KindNotNamed", "", ""),
        ("daemonsets.apps", "KindNotNamed", "", ""),
        ("networkpolicies.networking.k8s.io", "KindNotNamed", "", ""),
        ("widgets.example.com", "KindNotNamed", "", ""),
        ("serviceaccounts", "KindNotNamed", "KindNotNamed", ""),
        ("resourcequotas", "KindNotNamed", "KindNotNamed", ""),
        ("limitranges", "KindNotNamed", "KindNotNamed", ""),
        ("roles.rbac.authorization.k8s.io", "KindNotAllowed", "KindNotNamed", ""),
        ("rolebindings.rbac.authorization.k8s.io", "KindNotAllowed", "KindNotNamed", ""),
        *(
            (id, "KindNotAllowed", "KindNotAllowed", "KindNotAllowed")
            for id in (
                "endpoints",
                "endpointslices.discovery.k8s.io",
                "events",
                "leases.coordination.k8s.io",
                "controllerrevisions.apps",
                "bindings",
                "localsubjectaccessreviews.authorization.k8s.io",
                "pods.metrics.k8s.io",
                "synctargets.workload.kcp.io",
            )
        ),
    ],
)
def test_kinds_by_profile(id: str, in_restricted: str, in_baseline: str, in_trusted: str) -> None:
    found = [reason(make_kind(id), profile=profile) for profile in PROFILES]

    assert found == [in_restricted, in_baseline, in_trusted]


@pytest.mark.parametrize(
    "id",
    [
        "namespaces",
        "nodes",
        "customresourcedefinitions.apiextensions.k8s.io",
        "apiservices.apiregistration.k8s.io",
        "certificatesigningrequests.certificates.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "runtimeclasses.node.k8s.io",
        "tokenreviews.authentication.k8s.io",
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_each_clusters_own_is_refused_even_where_it_is_named(id: str, profile: str) -> None:
    kind = make_kind(id, namespaced=False)

    assert reason(kind, profile=profile, kinds_named=(id,)) == "KindNotAllowed"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("id", ["widgets.example.com", "storageclasses.storage.k8s.io"])
def test_a_cluster_scoped_kind_passes_only_where_it_is_named(id: str, profile: str) -> None:
    kind = make_kind(id, namespaced=False)

    assert reason(kind, profile=profile) == "ClusterScoped"
    assert reason(kind, profile=profile, kinds_named=("others.example.com",)) == "ClusterScoped"
    assert reason(kind, profile=profile, kinds_named=(id,)) == ""


@pytest.mark.parametrize(
    ("id", "profile", "wanted"),
    [
        ("clusterroles.rbac.authorization.k8s.io", "restricted", "KindNotAllowed"),
        ("clusterroles.rbac.authorization.k8s.io", "baseline", ""),
        ("persistentvolumes", "restricted", "KindNotAllowed"),
        ("persistentvolumes", "baseline", ""),
        (
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "restricted",
            "KindNotAllowed",
        ),
        ("mutatingwebhookconfigurations.admissionregistration.k8s.io", "baseline", ""),
        ("mutatingwebhookconfigurations.admissionregistration.k8s.io", "trusted", ""),
    ],
)
def test_what_grants_rights_is_never_named_under_restricted(
    id: str, profile: str, wanted: str
) -> None:
    kind = make_kind(id, namespaced=False)

    assert reason(kind, profile=profile, kinds_named=(id,)) == wanted


@pytest.mark.parametrize("profile", PROFILES)
def test_a_kind_that_was_named_still_obeys_the_other_lists(profile: str) -> None:
    kind = make_kind("widgets.example.com")

    named: dict[str, Any] = {"profile": profile, "kinds_named": (kind.id,)}
    assert reason(kind, **named) == ""
    assert reason(kind, **named, kinds_deny=(kind.id,)) == "KindDenied"
    assert reason(kind, **named, kinds_allow=("configmaps",)) == "KindNotListed"


@pytest.mark.parametrize(
    ("kind", "sync", "runs_pods", "wanted"),
    [
        pytest.param(
            make_kind("jobs.batch"), {"kinds_deny": ("jobs.batch",)}, False, "KindDenied", id="deny"
        ),
        pytest.param(
            make_kind("jobs.batch"),
            {"kinds_allow": ("configmaps",)},
            False,
            "KindNotListed",
            id="not in the allow list",
        ),
        pytest.param(
            make_kind("jobs.batch", verbs=ALL - {"watch"}),
            {},
            False,
            "VerbsMissing",
            id="cannot be watched",
        ),
        pytest.param(make_kind("jobs.batch"), {}, True, "HubRunsWorkloads", id="the hub runs pods"),
        pytest.param(
            make_kind("jobs.batch"),
            {"allow_workload_hub": True},
            True,
            "",
            id="the hub runs pods, and the config says that is meant",
        ),
        pytest.param(make_kind("configmaps"), {}, True, "", id="no pods come of it"),
        pytest.param(
            make_kind("secrets"),
            {"kinds_allow": ("secrets",), "kinds_deny": ("secrets",)},
            False,
            "KindDenied",
            id="deny wins over allow",
        ),
        pytest.param(
            make_kind("roles.rbac.authorization.k8s.io"),
            {"kinds_allow": ("roles.rbac.authorization.k8s.io",)},
            False,
            "KindNotNamed",
            id="to allow is not to name",
        ),
    ],
)
def test_kinds_by_settings_and_hub(
    kind: Kind, sync: dict[str, Any], runs_pods: bool, wanted: str
) -> None:
    assert reason(kind, hub_runs_pods=runs_pods, **sync) == wanted


def test_a_refusal_of_a_kind_names_it() -> None:
    refusal = judge_kind(make_kind("events"), SETTINGS, hub_runs_pods=False)

    assert refusal is not None
    assert "events" in refusal.message


def test_two_sides_that_disagree_on_scope_share_no_kind() -> None:
    here, there = (make_kind("widgets.example.com", namespaced=one) for one in (True, False))

    assert judge_scope(here, here) is None
    assert judge_scope(there, there) is None
    for pair in ((here, there), (there, here)):
        refusal = judge_scope(*pair)
        assert refusal is not None
        assert refusal.reason == "ScopeDiffers"


@pytest.mark.parametrize(
    ("namespace", "profile", "more", "wanted"),
    [
        ("kube-system", "trusted", (), True),
        ("kube-x", "baseline", (), True),
        ("openshift", "baseline", (), True),
        ("openshift-dns", "baseline", (), True),
        ("kcp-system", "trusted", (), True),
        ("tmc-console", "baseline", (), True),
        ("kubernetes-shop", "restricted", (), False),
        ("shop", "restricted", (), False),
        ("default", "restricted", (), True),
        ("default", "baseline", (), False),
        ("payments", "trusted", ("payments",), True),
        ("payments-eu", "trusted", ("payments",), False),
        ("payments-eu", "trusted", ("payments-*",), True),
    ],
)
def test_protected_namespaces(
    namespace: str, profile: str, more: tuple[str, ...], wanted: bool
) -> None:
    settings = replace(SETTINGS, profile=profile, protected_namespaces=more)

    assert is_protected(namespace, settings) is wanted


def make_definition(group: str, scope: str = "Namespaced", **spec: Any) -> dict[str, Any]:
    versions = [{"name": "v1", "served": True, "storage": True}]
    names = {"plural": "widgets", "kind": "Widget"}
    return {"spec": {"group": group, "names": names, "scope": scope, "versions": versions, **spec}}


@pytest.mark.parametrize(
    ("tree", "sync", "wanted"),
    [
        pytest.param(make_definition("shop.example"), {}, "", id="a tenant's own"),
        pytest.param(make_definition("shop.example"), {"profile": "trusted"}, "", id="trusted"),
        pytest.param(
            make_definition("shop.example"),
            {"profile": "restricted", "kinds_named": ("widgets.shop.example",)},
            "DefinitionsStay",
            id="restricted",
        ),
        pytest.param(
            make_definition("shop.example"), {"crds": "never"}, "DefinitionsStay", id="never"
        ),
        *(
            pytest.param(make_definition(group), {}, "GroupProtected", id=group)
            for group in ("k8s.io", "gateway.networking.k8s.io", "x.kubernetes.io", "apis.kcp.io")
        ),
        pytest.param(
            make_definition("shop.example", conversion={"strategy": "Webhook"}),
            {},
            "ConversionWebhook",
            id="webhook",
        ),
        pytest.param(
            make_definition("shop.example", conversion={"strategy": "None"}), {}, "", id="none"
        ),
        pytest.param(
            make_definition("shop.example", "Cluster"), {}, "ClusterScoped", id="cluster-scoped"
        ),
        pytest.param(
            make_definition("shop.example", "Cluster"),
            {"kinds_named": ("widgets.shop.example",)},
            "",
            id="cluster-scoped and named",
        ),
        pytest.param({"spec": None}, {}, "GroupProtected", id="no definition at all"),
    ],
)
def test_definitions_that_may_follow(
    tree: dict[str, Any], sync: dict[str, Any], wanted: str
) -> None:
    refusal = judge_definition(tree, replace(SETTINGS, **{"crds": "follow", **sync}))

    assert (refusal.reason if refusal else "") == wanted
