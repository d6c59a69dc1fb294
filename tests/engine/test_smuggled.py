"""Smuggled content never reaches a cluster; the object says why, and syncs once it is fixed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.sync.smuggling import HARMLESS
from tests.sync.smuggling_objects import ROWS
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    World,
    make_configmap,
    make_deployment,
    open_world,
    place_everywhere,
)
from tmcconsole.config.settings import SyncSettings
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.records import SyncState
from tmcconsole.engine.connection.kind_standing import KindRules, pairs_of, stand_kinds
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import discover
from tmcconsole.kube.errors import ApiError
from tmcconsole.kube.objects import Json, ObjectKey, annotations_of
from tmcconsole.sync.policy import PROFILES, judge_kind
from tmcconsole.sync.state.ledger import Standing

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

SERVED = {kind.id for kind, _ in HARMLESS}
SMUGGLED = [
    row
    for row in ROWS
    if row.kind.id in SERVED
    and row.tree["metadata"]["namespace"] == "shop"
    and row.tree["metadata"]["name"] == "smuggled"
]


def standing(world: World, kind: str, name: str) -> Standing | None:
    session = world.engine.session
    targets = session.shared.targets if session else {}
    for target in targets.values():
        entry = target.ledger.get(kind, ObjectKey("shop", name))
        if entry is not None:
            return entry.standing
    return None


async def refused(world: World, kind: str, name: str) -> Standing:
    async def so() -> Standing | None:
        found = standing(world, kind, name)
        return found if found is not None and found.state is SyncState.REFUSED else None

    found: Standing = await world.eventually(so, f"{kind} {name} is refused")
    return found


async def why(world: World, key: str) -> str:
    reply = await world.engine.request(Why(key=key))
    assert isinstance(reply, Text)
    return str(reply.body)


@pytest.mark.parametrize("profile", ["restricted", "baseline"])
async def test_S10_no_row_of_the_table_reaches_the_cluster(profile: str) -> None:
    async with open_world(("east",), profile=profile) as world:
        await place_everywhere(world)
        wanted: dict[tuple[str, str], str] = {}
        for number, row in enumerate(SMUGGLED):
            meta = {**row.tree["metadata"], "name": f"row-{number}"}
            if await _stored(world.hub.apply, row.kind, {**row.tree, "metadata": meta}):
                wanted[row.kind.id, f"row-{number}"] = row.wanted(profile)
        await world.settle()

        found = {at: standing(world, *at) for at in wanted}
        assert len(wanted) >= 30
        refusals = {at: reason for at, reason in wanted.items() if reason}
        assert {at: str(found[at].reason) for at in refusals} == refusals  # type: ignore[union-attr]
        names = await _names_on(world, "east")
        assert names & set(refusals) == set()
        assert names >= {at for at, reason in wanted.items() if not reason}


async def _stored(apply: Callable[..., Awaitable[Json]], kind: Any, tree: Json) -> bool:
    """Some rows are so odd that no API server takes them."""
    try:
        await apply(kind, tree)
    except ApiError:
        return False
    return True


async def _names_on(world: World, cluster: str) -> set[tuple[str, str]]:
    found = set()
    for kind in {row.kind.id: row.kind for row in SMUGGLED}.values():
        pages = world.clusters[cluster].user.list_pages(kind, namespace="shop")
        found |= {(kind.id, one.name) async for page in pages for one in page.items}
    return found


async def test_a_smuggled_object_says_why_and_syncs_once_it_is_mended() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world)
        tree = make_deployment()
        container = tree["spec"]["template"]["spec"]["containers"][0]
        container["securityContext"] = {"privileged": True}
        await world.hub.apply(DEPLOYMENTS, tree)
        found = await refused(world, DEPLOYMENTS.id, "web")
        assert found.reason == "Privileged"
        assert "spec.template.spec.containers[0].securityContext.privileged" in found.message
        assert "baseline profile" in found.message
        text = await why(world, "deployments.apps/shop/web")
        assert "policy     baseline" in text
        assert "refused: privileged" in text
        assert await world.clusters["east"].get(DEPLOYMENTS, "shop", "web") is None
        source = await world.hub.get(DEPLOYMENTS, "shop", "web")
        assert source is not None
        assert not source["metadata"].get("finalizers")

        del container["securityContext"]
        await world.hub.apply(DEPLOYMENTS, tree)
        await world.on("east", DEPLOYMENTS, "shop", "web")


async def test_a_copy_that_is_there_stays_as_it_was_and_may_leave() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.on("east", DEPLOYMENTS, "shop", "web")
        await world.settle()
        smuggled = make_deployment(replicas=5)
        smuggled["spec"]["template"]["spec"]["hostNetwork"] = True
        await world.hub.apply(DEPLOYMENTS, smuggled)
        await refused(world, DEPLOYMENTS.id, "web")
        copy = await world.clusters["east"].get(DEPLOYMENTS, "shop", "web")
        assert copy is not None
        assert copy["spec"]["replicas"] == 2
        assert not copy["spec"]["template"]["spec"].get("hostNetwork")

        await world.hub.delete(DEPLOYMENTS, "shop", "web")

        async def gone() -> bool:
            there = await world.clusters["east"].get(DEPLOYMENTS, "shop", "web")
            return there is None and await world.hub.get(DEPLOYMENTS, "shop", "web") is None

        await world.eventually(gone, "gone on both sides")


async def test_a_spec_diff_smuggles_nothing() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.on("east", DEPLOYMENTS, "shop", "web")
        await world.settle()
        session = world.engine.session
        assert session is not None
        key = next(iter(session.shared.targets))
        diff = '[{"op":"add","path":"/template/spec/hostPID","value":true}]'
        patch = {
            "metadata": {"annotations": {f"experimental.spec-diff.workload.kcp.io/{key}": diff}}
        }
        await world.hub.patch(DEPLOYMENTS, "shop", "web", patch)
        found = await refused(world, DEPLOYMENTS.id, "web")

        assert found.reason == "HostPID"
        copy = await world.clusters["east"].get(DEPLOYMENTS, "shop", "web")
        assert copy is not None
        assert not copy["spec"]["template"]["spec"].get("hostPID")


async def test_metadata_that_does_not_travel_is_left_out_and_told() -> None:
    async with open_world(("east",), profile="restricted") as world:
        await place_everywhere(world)
        tree = make_configmap()
        tree["metadata"]["annotations"] = {"external-dns.example/hostname": "x", "note": "kept"}
        await world.hub.apply(CONFIGMAPS, tree)
        copy = await world.on("east", CONFIGMAPS, "shop", "settings")
        text = await why(world, "configmaps/shop/settings")

        assert "external-dns.example/hostname" not in annotations_of(copy)
        assert annotations_of(copy)["note"] == "kept"
        assert "left out   metadata.annotations[external-dns.example/hostname]" in text


async def test_labels_of_the_hubs_namespace_do_not_travel() -> None:
    async with open_world(("east",)) as world:
        await place_everywhere(world)
        labels = {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}
        await world.hub.patch(NAMESPACES, "", "shop", {"metadata": labels})
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.on("east", CONFIGMAPS, "shop", "settings")
        space = await world.clusters["east"].get(NAMESPACES, "", "shop")

        assert space is not None
        assert "pod-security.kubernetes.io/enforce" not in space["metadata"]["labels"]
        assert "app" not in space["metadata"]["labels"]


# S2: every kind that a cluster knows, under each profile


async def test_restricted_writes_to_no_namespace_but_its_own() -> None:
    async with open_world(("east",), profile="restricted") as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())

        async def told() -> bool:
            found = standing(world, CONFIGMAPS.id, "settings")
            return found is not None and "restricted profile" in found.message

        await world.eventually(told, "refused")
        assert await world.clusters["east"].get(CONFIGMAPS, "shop", "settings") is None


async def test_the_cluster_is_told_to_check_pods_in_namespaces_of_restricted() -> None:
    enforce = "pod-security.kubernetes.io/enforce"
    labels = {}
    for profile in ("restricted", "baseline"):
        async with open_world(("east",), profile=profile) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.on("east", CONFIGMAPS, "shop", "settings")
            space = await world.clusters["east"].get(NAMESPACES, "", "shop")
            assert space is not None
            labels[profile] = space["metadata"]["labels"].get(enforce)

    assert labels == {"restricted": "baseline", "baseline": None}


RESTRICTED = {
    "configmaps",
    "cronjobs.batch",
    "deployments.apps",
    "horizontalpodautoscalers.autoscaling",
    "ingresses.networking.k8s.io",
    "jobs.batch",
    "persistentvolumeclaims",
    "poddisruptionbudgets.policy",
    "secrets",
    "services",
    "statefulsets.apps",
}
BASELINE = RESTRICTED | {
    "daemonsets.apps",
    "networkpolicies.networking.k8s.io",
    "pods",
    "replicasets.apps",
    "replicationcontrollers",
}
TRUSTED = BASELINE | {
    "limitranges",
    "podtemplates",
    "resourcequotas",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "serviceaccounts",
}
ALLOWED = {"restricted": RESTRICTED, "baseline": BASELINE, "trusted": TRUSTED}


@pytest.mark.parametrize("profile", PROFILES)
async def test_S2_of_all_kinds_a_cluster_knows_only_the_allowed_get_through(profile: str) -> None:
    async with open_world(("east",), profile=profile) as world:
        client: Client = world.clusters["east"].user
        found = await discover(client)
        settings = SyncSettings(profile=profile)
        rules = KindRules("east", settings, False, frozenset(), lambda _pair: "")
        passing = set(pairs_of(stand_kinds(found, found, rules)))

        assert passing == ALLOWED[profile]
        refusals = [
            judge_kind(kind, settings, hub_runs_pods=False)
            for kind in found.preferred()
            if kind.id not in passing
        ]
        assert len(refusals) > 20
        assert all(one is not None and one.reason and one.message for one in refusals)
