"""B on real API servers: what admission changes and refuses, and kinds without a status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest

from tests.envtest.planes import Plane
from tests.faults.real import COPY, GREEN, PATIENCE_S, RealStage, open_calm_stage, open_real_stage
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, SECRETS, Side, make_deployment
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.errors import KubeError, NotFound
from tmcconsole.kube.objects import Json, Kind, ObjectKey

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

GROUP = "admissionregistration.k8s.io"
MUTATING = Kind(GROUP, "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", False)
MUTATING_HERE = Kind(
    GROUP, "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", False
)
VALIDATING = Kind(GROUP, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", False)
VALIDATING_HERE = Kind(
    GROUP, "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", False
)
QUOTAS = Kind("", "v1", "resourcequotas", "ResourceQuota")


@asynccontextmanager
async def policy(
    stage: RealStage, kinds: tuple[Kind, Kind], resource: str, spec: Json, **binding: Any
) -> AsyncIterator[None]:
    """Keep an admission policy for our namespace on the first cluster while the context lasts."""
    side, name = stage.world.clusters[stage.names[0]], stage.space
    group, _, plural = resource.rpartition("/")
    here = {"matchLabels": {"kubernetes.io/metadata.name": stage.space}}
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "resources": [plural]}
    match = {
        "namespaceSelector": here,
        "resourceRules": [rule | {"operations": ["CREATE", "UPDATE"]}],
    }
    named: Json = {"metadata": {"name": name}}
    await side.apply(
        kinds[0], named | {"spec": {"matchConstraints": match, "failurePolicy": "Fail"} | spec}
    )
    await side.apply(kinds[1], named | {"spec": {"policyName": name} | binding})
    try:
        yield
    finally:
        for kind in reversed(kinds):
            if await side.get(kind, "", name):
                await side.delete(kind, "", name)


def counting() -> Json:
    """Return a policy that changes an object at every write."""
    expression = (
        'has(object.data) && "writes" in object.data'
        ' ? [JSONPatch{op: "replace", path: "/data/writes", value: object.data["writes"] + "I"}]'
        ' : [JSONPatch{op: "add", path: "/data/writes", value: "I"}]'
    )
    patch = {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}
    return {"reinvocationPolicy": "Never", "mutations": [patch]}


def in_sync(stage: RealStage, target: str, name: str) -> bool:
    return stage.standing(target, name).state is SyncState.IN_SYNC


async def works(stage: RealStage, attempt: Any) -> None:
    """Wait until the API server enforces a policy."""
    await stage.world.eventually(attempt, "the policy is in force", 30)


async def test_B6_what_changes_every_write_starts_no_ping_pong(stage: RealStage) -> None:
    target = stage.names[0]
    side = stage.world.clusters[target]
    async with policy(stage, (MUTATING, MUTATING_HERE), "configmaps", counting()):

        async def counts() -> bool:
            tree = {"metadata": {"name": "probe", "namespace": stage.space}, "data": COPY}
            return "writes" in (await side.apply(CONFIGMAPS, tree))["data"]

        await works(stage, counts)
        await stage.apply("settings", **GREEN)
        await stage.apply("fresh", **COPY)
        for name in ("settings", "fresh"):
            await stage.until(partial(in_sync, stage, target, name), f"{name} in sync")
        await anyio.sleep(1)
        marks = stage.marks()
        before = [await stage.data(target, name) for name in ("settings", "fresh")]
        await anyio.sleep(5)
        assert stage.writes_since(marks) == []
        assert [await stage.data(target, name) for name in ("settings", "fresh")] == before
        assert {**(before[0] or {}), "writes": ""} == {**GREEN, "writes": ""}

        await stage.world.stop()
        stage.world.start()
        await stage.until(partial(in_sync, stage, target, "fresh"), "after a restart")
        await anyio.sleep(3)
        assert [await stage.data(target, name) for name in ("settings", "fresh")] == before


async def test_B9_over_quota_is_told_tried_rarely_and_holds_up_nothing_else(
    stage: RealStage, real_controllers: None
) -> None:
    target, other = stage.names
    side = stage.world.clusters[target]
    quota: Json = {"metadata": {"name": "few", "namespace": stage.space}}
    await side.apply(QUOTAS, quota | {"spec": {"hard": {"count/configmaps": "2"}}})

    async def counted() -> bool:
        found = await side.get(QUOTAS, stage.space, "few") or {}
        return bool((found.get("status") or {}).get("used"))

    await stage.world.eventually(counted, "the quota counts", PATIENCE_S)
    before = len(stage.proxies[target].seen)
    await stage.apply("more", **COPY)
    await stage.has(COPY, "more", other)
    await stage.until(
        lambda: stage.standing(target, "more").reason == "QuotaExceeded", "told as the quota's"
    )
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", *stage.names)
    await anyio.sleep(5)
    tried = [one for one in stage.asked(target, "PATCH", since=before) if "/more" in one]
    assert 1 <= len(tried) <= 2
    why = await stage.world.engine.request(Why(key=f"configmaps/{stage.space}/more"))
    assert isinstance(why, Text)
    assert "quota exceeded" in why.body
    assert "few" in why.body  # the server's own words name the quota
    await side.delete(QUOTAS, stage.space, "few")
    await stage.apply("more", **GREEN)  # another desired state is tried at once

    await stage.has(GREEN, "more", target)
    assert stage.asked(target, "DELETE") == []


def define_two() -> list[Json]:
    """Return the definitions of a kind with a status subresource, and of one without."""
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": free, "status": free}}
    with_status: Json = {"subresources": {"status": {}}}
    version: Json = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return [
        {
            "metadata": {"name": kind.id},
            "spec": {
                "group": kind.group,
                "scope": "Namespaced",
                "names": {
                    "plural": kind.resource,
                    "singular": kind.kind.lower(),
                    "kind": kind.kind,
                },
                "versions": [version if kind is BARE else version | with_status],
            },
        }
        for kind in (BARE, FULL)
    ]


BARE = Kind("status.example", "v1", "bares", "Bare")
FULL = Kind("status.example", "v1", "fulls", "Full")


async def test_B13_status_comes_back_with_and_without_a_status_subresource(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters, BARE.id, FULL.id) as stage:
        target = stage.names[0]
        hub, side = stage.world.hub, stage.world.clusters[target]
        sides = (hub, *stage.world.clusters.values())
        try:
            for one in sides:
                for tree in define_two():
                    await one.apply(CRDS, tree)
            for kind in (BARE, FULL):
                await make(stage, hub, kind)
                await stage.world.on(target, kind, stage.space, "one")
            for kind, subresource in ((BARE, ""), (FULL, "status")):
                await side.user.merge_patch(
                    kind,
                    ObjectKey(stage.space, "one"),
                    {"status": {"phase": "Fine"}},
                    manager="a-controller",
                    subresource=subresource,
                )

                async def reported(kind: Kind = kind) -> bool:
                    tree = await hub.get(kind, stage.space, "one") or {}
                    return bool(tree.get("status") == {"phase": "Fine"})

                await stage.world.eventually(reported, f"{kind.id} reported", PATIENCE_S)
            await anyio.sleep(2)
            marks = stage.marks()
            await anyio.sleep(4)
            assert stage.writes_since(marks) == []
            for one in (hub, side):
                for kind in (BARE, FULL):
                    assert (await one.get(kind, stage.space, "one") or {})["spec"] == {"size": 3}
        finally:
            await unmake(stage, hub, sides)


async def make(stage: RealStage, side: Side, kind: Kind) -> None:
    tree = {"metadata": {"name": "one", "namespace": stage.space}, "spec": {"size": 3}}

    async def made() -> bool:
        try:
            await side.apply(kind, tree)
        except NotFound:  # not established yet
            return False
        return True

    await stage.world.eventually(made, f"{kind.id} in the hub", 30)


async def unmake(stage: RealStage, hub: Side, sides: tuple[Side, ...]) -> None:
    for kind in (BARE, FULL):
        await hub.delete(kind, stage.space, "one")

        async def gone(kind: Kind = kind) -> bool:
            return not any([await one.get(kind, stage.space, "one") for one in sides])

        await stage.world.eventually(gone, f"{kind.id} gone", PATIENCE_S)
        for side in sides:
            await side.delete(CRDS, "", kind.id)


async def test_B14_a_refused_workload_is_reported_and_what_it_needs_stays(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], real_controllers: None
) -> None:
    async with open_calm_stage(real_hub, real_clusters, DEPLOYMENTS.id, SECRETS.id) as stage:
        target, other = stage.names
        side = stage.world.clusters[target]
        refuse = {"validations": [{"expression": "false", "message": "no workloads on Sundays"}]}
        kinds = (VALIDATING, VALIDATING_HERE)
        async with policy(stage, kinds, "apps/deployments", refuse, validationActions=["Deny"]):
            await works(stage, partial(refuses, side, stage.space))
            web = make_deployment("web", 1, stage.space)
            web["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "pull"}]
            await stage.world.hub.apply(DEPLOYMENTS, web)
            pull: Json = {"metadata": {"name": "pull", "namespace": stage.space}, "type": "Opaque"}
            await stage.world.hub.apply(SECRETS, pull)
            await stage.world.on(other, DEPLOYMENTS, stage.space, "web")
            await stage.world.on(target, SECRETS, stage.space, "pull")
            await stage.until(
                lambda: "Sundays" in stage.standing(target, "web", DEPLOYMENTS).message, "told"
            )
            assert stage.standing(target, "pull", SECRETS).state is SyncState.IN_SYNC
            assert await side.get(DEPLOYMENTS, stage.space, "web") is None
            assert stage.asked(target, "DELETE") == stage.asked(other, "DELETE") == []

        async def lets_pass() -> bool:
            return not await refuses(side, stage.space)

        await works(stage, lets_pass)
        labels: Json = {"metadata": {"labels": {"day": "monday"}}}
        await stage.world.hub.patch(DEPLOYMENTS, stage.space, "web", labels)

        await stage.world.on(target, DEPLOYMENTS, stage.space, "web")
        await stage.world.hub.delete(SECRETS, stage.space, "pull")


async def refuses(side: Side, space: str) -> bool:
    """Return whether the cluster refuses a Deployment on a Sunday."""
    probe = make_deployment("probe", 0, space) | {"apiVersion": "apps/v1", "kind": "Deployment"}
    try:
        await side.user.create(DEPLOYMENTS, probe, manager="user", dry_run=True)
    except KubeError as error:
        return "Sundays" in str(error)
    return False
