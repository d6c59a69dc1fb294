"""The smuggling table: what tenants may not get to a cluster, by row and profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.sync.smuggling import (
    CONFIGMAPS,
    DEPLOYMENTS,
    HARMLESS,
    INGRESSES,
    POD_ROWS,
    ROLLOUTS,
    ROUTES,
    SERVICES,
    Row,
    in_deployment,
    ingress,
    make,
    pod_spec,
)
from tests.sync.smuggling_objects import ROWS
from tests.sync.trees import make_tree
from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.policy import (
    PROFILES,
    Impersonated,
    NotPermitted,
    Ourselves,
    Permit,
    Policy,
    Refusal,
    Tenant,
)

SHOP = Tenant("shop", "east", "shop", "hub")


def policy(**sync: Any) -> Policy:
    return Policy(replace(SyncSettings(), **sync))


def judged(kind: Kind, tree: Json, **sync: Any) -> str:
    refusal = policy(**sync).judge(kind, tree, SHOP)
    return refusal.reason if refusal else ""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_S10_what_is_smuggled_is_refused_with_field_and_remedy(row: Row, profile: str) -> None:
    refusal = policy(profile=profile).judge(row.kind, row.tree, SHOP)

    wanted = row.wanted(profile)
    assert (refusal.reason if refusal else "") == wanted
    if refusal is not None and wanted != "KindNotNamed":
        assert row.field in refusal.message
        assert ": " in refusal.message or "; " in refusal.message or "itself" in refusal.message


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_permit_comes_of_what_is_refused(row: Row) -> None:
    for profile in PROFILES:
        if row.wanted(profile):
            with pytest.raises(NotPermitted) as caught:
                policy(profile=profile).permit(row.kind, row.tree, SHOP)
            assert caught.value.reason == row.wanted(profile)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("index", range(len(HARMLESS)))
def test_what_is_harmless_passes(index: int, profile: str) -> None:
    kind, tree = HARMLESS[index]

    assert judged(kind, tree, profile=profile) == ""


def test_every_row_of_pods_is_refused_where_the_pod_is_inside_a_job_of_a_cron_job() -> None:
    cron = Kind("batch", "v1", "cronjobs", "CronJob", True, DEPLOYMENTS.verbs)
    for row in POD_ROWS:
        template = row.tree["spec"]["template"]
        tree = make(cron, spec={"jobTemplate": {"spec": {"template": template}}})

        refusal = policy().judge(cron, tree, SHOP)

        assert refusal is not None
        assert refusal.reason == row.baseline
        assert f"spec.jobTemplate.{row.field}" in refusal.message


def test_the_first_of_several_is_told_and_the_others_counted() -> None:
    refusal = policy().judge(
        DEPLOYMENTS, in_deployment(pod_spec(hostPID=True, hostNetwork=True, nodeName="n")), SHOP
    )

    assert refusal is not None
    assert refusal.reason == "HostNetwork"
    assert refusal.message.endswith("(and 2 more)")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("shop.apps.example", True),
        ("SHOP.apps.example", True),
        ("api.shop.example", True),
        ("a.b.shop.example", True),
        ("*.shop.example", True),
        ("shop.example", False),
        ("evilshop.example", False),
        ("other.apps.example", False),
        ("*", False),
        ("", False),
    ],
)
def test_listed_hosts_are_the_tenants_own_in_every_profile(
    host: str, passes: bool, profile: str
) -> None:
    hosts = ("{namespace}.apps.example", "*.{namespace}.example")
    sync: Any = {"profile": profile, "ingress_hosts": hosts, "kinds_named": (ROUTES.id,)}

    assert judged(INGRESSES, ingress(host), **sync) == ("" if passes else "Host")
    route = make(ROUTES, spec={"hostnames": [host]} if host else {})
    assert judged(ROUTES, route, **sync) == ("" if passes else "Host")


@pytest.mark.parametrize("type_", ["LoadBalancer", "ExternalName"])
def test_service_types_are_opened_one_by_one(type_: str) -> None:
    service = make(SERVICES, spec={"type": type_})

    assert judged(SERVICES, service, profile="restricted", service_types=(type_,)) == ""
    assert judged(SERVICES, service, profile="restricted", service_types=("Other",)) != ""


@pytest.mark.parametrize("shape", [None, "text", 7, [], ["text"], {}, [None]])
@pytest.mark.parametrize("profile", PROFILES)
def test_odd_shapes_of_a_custom_resource_are_no_accident(shape: object, profile: str) -> None:
    kind = Kind("example.com", "v1", "widgets", "Widget", True, CONFIGMAPS.verbs)
    fields = ("containers", "initContainers", "volumes", "securityContext", "ports", "lifecycle")
    inner = pod_spec(dict.fromkeys(fields, shape), volumes=shape)
    tree = make(kind, spec={"pod": inner, "securityContext": shape, "template": shape})

    assert judged(kind, tree, profile=profile, kinds_named=(kind.id,)) == ""


@pytest.mark.parametrize(("controller", "reason"), [(True, "Owned"), (False, "")])
def test_what_a_controller_of_the_hub_made_is_left_to_its_owner(
    controller: bool, reason: str
) -> None:
    tree = make_tree()
    owner = {"kind": "ReplicaSet", "name": "web-1", "controller": controller}
    tree["metadata"]["ownerReferences"] = [owner]

    refusal = policy().judge_source(tree)

    assert (refusal.reason if refusal else "") == reason


def test_what_is_taken_off_on_the_way_is_judged_as_it_is_sent() -> None:
    """A desired state whose ``automountServiceAccountToken`` a rule removes gets no permit."""
    tree = in_deployment(pod_spec())
    del tree["spec"]["template"]["spec"]["automountServiceAccountToken"]
    rollout = make(ROLLOUTS, spec=tree["spec"])

    assert judged(DEPLOYMENTS, tree, profile="restricted") == "AccountToken"
    assert judged(DEPLOYMENTS, tree) == ""
    named: Any = {"profile": "restricted", "kinds_named": (ROLLOUTS.id,)}
    assert judged(ROLLOUTS, rollout, **named) == "AccountToken"


# Permits and identities


def test_a_permit_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError, match="only a Policy"):
        Permit(CONFIGMAPS, ObjectKey("shop", "x"), Ourselves(), make(CONFIGMAPS), object())


def test_a_permit_carries_what_was_judged_and_whose_it_is() -> None:
    tree = make(CONFIGMAPS)

    permit = policy(
        impersonate="system:serviceaccount:{target_namespace}:tmc-{target}",
        impersonate_groups=("tenants:{namespace}",),
    ).permit(CONFIGMAPS, tree, Tenant("shop", "east", "kcp-1234", "hub"))

    assert permit.tree is tree
    assert permit.key == ObjectKey("shop", "smuggled")
    assert permit.identity == Impersonated(
        "system:serviceaccount:kcp-1234:tmc-east", ("tenants:shop",)
    )
    assert permit.identity.headers == (
        ("Impersonate-User", "system:serviceaccount:kcp-1234:tmc-east"),
        ("Impersonate-Group", "tenants:shop"),
    )


@pytest.mark.parametrize("user", ["", " ", "two  spaces", "line\nbreak", "\x00", "nul\x00", "é"])
def test_an_identity_is_never_empty_nor_breaks_a_header(user: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        Impersonated(user)
    with pytest.raises(ValueError, match="cannot name"):
        Impersonated("somebody", (user,))


@pytest.mark.parametrize(
    ("template", "groups"),
    [
        ("tenant:{workspace}", ()),
        ("tenant:{namespace}", ("tenants:{workspace}",)),
        ("{workspace}", ()),
    ],
)
def test_F4_an_identity_that_cannot_be_told_is_a_refusal(
    template: str, groups: tuple[str, ...]
) -> None:
    rules = policy(impersonate=template, impersonate_groups=groups)

    refusal = rules.judge(CONFIGMAPS, make(CONFIGMAPS), SHOP)

    assert isinstance(refusal, Refusal)
    assert refusal.reason == "IdentityMissing"
    assert "workspace" in refusal.message
    with pytest.raises(NotPermitted, match="nothing is sent"):
        rules.permit(CONFIGMAPS, make(CONFIGMAPS), SHOP)
    with pytest.raises(NotPermitted, match="nothing is sent"):
        rules.permit_removal(CONFIGMAPS, ObjectKey("shop", "x"), SHOP)


def test_a_removal_asks_not_what_is_removed_but_where_it_is() -> None:
    rules = policy(profile="restricted")

    assert rules.permit_removal(DEPLOYMENTS, ObjectKey("shop", "web"), SHOP).tree is None
    with pytest.raises(NotPermitted, match="kube-system"):
        rules.permit_removal(DEPLOYMENTS, ObjectKey("kube-system", "web"), SHOP)


@pytest.mark.parametrize("name", ["kube-system", "openshift-dns", "tmc-console"])
def test_no_namespace_of_the_clusters_own_is_made_or_removed(name: str) -> None:
    kind = Kind("", "v1", "namespaces", "Namespace", False, CONFIGMAPS.verbs)

    with pytest.raises(NotPermitted):
        policy().permit_namespace(kind, {"metadata": {"name": name}})
    with pytest.raises(NotPermitted):
        policy().permit_namespace_removal(kind, ObjectKey("", name))


def test_a_permit_for_a_namespace_is_for_nothing_else() -> None:
    with pytest.raises(NotPermitted, match="no namespaces"):
        policy().permit_namespace(CONFIGMAPS, {"metadata": {"name": "shop"}})
    with pytest.raises(NotPermitted, match="no namespaces"):
        policy().permit_namespace_removal(CONFIGMAPS, ObjectKey("", "shop"))
