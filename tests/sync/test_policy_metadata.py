"""Which labels and annotations each profile syncs; the others are reported, not refused."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from tests.sync.smuggling import (
    CONFIGMAPS,
    CRON_JOBS,
    DEPLOYMENTS,
    PODS,
    in_cron_job,
    in_deployment,
    make,
    pod_spec,
)
from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Json, annotations_of, labels_of
from tmcconsole.sync.policy import PROFILES, Policy, Trimmed

EVERYWHERE = ("restricted", "baseline", "trusted")
NOT_RESTRICTED = ("baseline", "trusted")


def trimmed(kind: Any, tree: Json, **sync: Any) -> Trimmed:
    return Policy(replace(SyncSettings(), **sync)).trim(kind, tree)


def travels(name: str, field: str, **sync: Any) -> bool:
    tree = make(CONFIGMAPS, metadata={field: {name: "x"}})
    found = trimmed(CONFIGMAPS, tree, **sync)
    kept = labels_of(found.tree) if field == "labels" else annotations_of(found.tree)
    told = found.left_out == (f"metadata.{field}[{name}]",)
    assert told is (name not in kept)
    return name in kept


@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("name", "profiles"),
    [
        ("team", EVERYWHERE),
        ("app.kubernetes.io/name", EVERYWHERE),
        ("helm.sh/chart", EVERYWHERE),
        ("example.com/owner", NOT_RESTRICTED),
        ("service.beta.kubernetes.io/aws-load-balancer-internal", NOT_RESTRICTED),
        ("external-dns.alpha.kubernetes.io/hostname", NOT_RESTRICTED),
        ("cert-manager.io/cluster-issuer", NOT_RESTRICTED),
        ("sidecar.istio.io/inject", NOT_RESTRICTED),
        ("node.kubernetes.io/exclude-from-external-load-balancers", NOT_RESTRICTED),
        ("eks.amazonaws.com/role-arn", NOT_RESTRICTED),
        ("argocd.argoproj.io/tracking-id", ("trusted",)),
        ("meta.helm.sh/release-name", ("trusted",)),
        ("config.k8s.io/owning-inventory", ("trusted",)),
        ("nginx.ingress.kubernetes.io/server-snippet", EVERYWHERE),  # refused for it
        ("pod-security.kubernetes.io/enforce", ()),
        ("notargocd.argoproj.io.example/x", NOT_RESTRICTED),
    ],
)
def test_keys_by_profile(name: str, profiles: tuple[str, ...], field: str) -> None:
    found = tuple(profile for profile in PROFILES if travels(name, field, profile=profile))

    assert found == profiles


@pytest.mark.parametrize("profile", PROFILES)
def test_the_config_keeps_and_drops_by_beginnings(profile: str) -> None:
    keep: Any = {"profile": profile, "metadata_keep": ("example.com/", "argocd.argoproj.io/")}
    drop: Any = {"profile": profile, "metadata_drop": ("team", "cost-")}

    assert travels("example.com/owner", "labels", **keep)
    assert travels("argocd.argoproj.io/tracking-id", "annotations", **keep)
    assert not travels("pod-security.kubernetes.io/enforce", "labels", **keep)
    assert not travels("team", "labels", **drop)
    assert not travels("cost-centre", "labels", **drop)
    assert travels("app", "labels", **drop)


def test_what_loses_nothing_is_what_it_was() -> None:
    tree = make(CONFIGMAPS, metadata={"labels": {"app": "x"}})

    found = trimmed(CONFIGMAPS, tree)

    assert found.tree is tree
    assert found.left_out == ()


def test_the_source_is_left_alone() -> None:
    annotations = {"cert-manager.io/issuer": "x", "note": "kept"}
    tree = in_deployment(pod_spec(), annotations)
    tree["metadata"]["annotations"] = dict(annotations)
    before = deepcopy(tree)

    found = trimmed(DEPLOYMENTS, tree, profile="restricted")

    assert tree == before
    assert found.left_out == (
        "metadata.annotations[cert-manager.io/issuer]",
        "spec.template.metadata.annotations[cert-manager.io/issuer]",
    )
    assert annotations_of(found.tree) == {"note": "kept"}
    assert annotations_of(found.tree["spec"]["template"]) == {"note": "kept"}


def test_labels_that_services_find_stay_on_pods_and_those_of_meshes_do_not() -> None:
    tree = in_deployment(pod_spec())
    labels = tree["spec"]["template"]["metadata"]["labels"]
    labels |= {"example.com/part": "web", "sidecar.istio.io/inject": "true"}

    found = trimmed(DEPLOYMENTS, tree, profile="restricted")

    assert labels_of(found.tree["spec"]["template"]) == {"app": "web", "example.com/part": "web"}
    assert found.left_out == ("spec.template.metadata.labels[sidecar.istio.io/inject]",)
    assert trimmed(DEPLOYMENTS, tree).tree is tree


@pytest.mark.parametrize(
    ("profile", "asked", "wanted"),
    [
        ("restricted", None, False),
        ("restricted", True, True),  # and is refused for it
        ("restricted", False, False),
        ("baseline", None, None),
        ("trusted", None, None),
    ],
)
def test_restricted_pods_that_say_nothing_of_tokens_get_none(
    profile: str, asked: bool | None, wanted: bool | None
) -> None:
    spec = pod_spec()
    del spec["automountServiceAccountToken"]
    if asked is not None:
        spec["automountServiceAccountToken"] = asked

    deployment = trimmed(DEPLOYMENTS, in_deployment(spec), profile=profile).tree
    cron_job = trimmed(CRON_JOBS, in_cron_job(spec), profile=profile).tree

    job = cron_job["spec"]["jobTemplate"]["spec"]
    for template in (deployment["spec"]["template"], job["template"]):
        assert template["spec"].get("automountServiceAccountToken") is wanted


def test_what_a_bare_pod_loses_is_told_once() -> None:
    tree = make(PODS, metadata={"labels": {"example.com/x": "1"}}, spec=pod_spec())

    found = trimmed(PODS, tree, profile="restricted")

    assert found.left_out == ("metadata.labels[example.com/x]",)
    assert labels_of(found.tree) == {}
