"""F4, S2 and S10 on real API servers: the identity of writes, and what gets through."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from tests.engine.test_smuggled import BASELINE, RESTRICTED, TRUSTED
from tests.envtest.planes import Plane
from tests.faults.real import RealStage, open_real_stage
from tests.faults.test_a_definitions import NAME as NAME_OF_WIDGETS
from tests.faults.test_a_definitions import WIDGETS, make_definition, make_widget
from tests.faults.test_f_identity import ACCOUNTS, BINDINGS, EVERYTHING, NAME, RBAC, ROLES, TEMPLATE
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, Side, make_deployment
from tmcconsole.config.settings import ClusterAccess, SyncSettings
from tmcconsole.contract.records import SyncState
from tmcconsole.engine.connection.kind_standing import KindRules, pairs_of, stand_kinds
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery, discover
from tmcconsole.sync.crd_sync import DEFINITIONS

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

BLUE, GREEN = {"colour": "blue"}, {"colour": "green"}
# Kinds that a real API server serves, the simulated one does not, and only ``trusted`` accepts.
ONLY_REAL = {
    "restricted": frozenset[str](),
    "baseline": frozenset[str](),
    "trusted": frozenset(
        {"resourceclaims.resource.k8s.io", "resourceclaimtemplates.resource.k8s.io"}
    ),
}


async def make_account(side: Side, space: str) -> None:
    meta = {"name": NAME, "namespace": space}
    await side.apply(NAMESPACES, {"metadata": {"name": space}})
    await side.apply(ACCOUNTS, {"metadata": meta})
    await side.apply(ROLES, {"metadata": meta, "rules": [EVERYTHING]})
    await bind(side, space)


async def bind(side: Side, space: str) -> None:
    role = {"apiGroup": RBAC, "kind": "Role", "name": NAME}
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": space}
    tree = {"metadata": {"name": NAME, "namespace": space}, "roleRef": role}
    await side.apply(BINDINGS, {**tree, "subjects": [subject]})


@asynccontextmanager
async def open_tenancy(hub: Plane, clusters: tuple[Plane, Plane]) -> AsyncIterator[RealStage]:
    """Open a real stage, to which the engine writes as the tenant, whose account exists."""
    async with open_real_stage(hub, clusters, DEPLOYMENTS.id, impersonate=TEMPLATE) as stage:
        for name in stage.names:
            await make_account(stage.world.clusters[name], stage.space)
        yield stage


def as_whom(stage: RealStage, target: str, *, since: int = 0) -> set[str]:
    """Return whom the writes within the namespace acted as."""
    inside = f"/namespaces/{stage.space}/"
    seen = list(stage.proxies[target].seen)[since:]
    writes = [one for one in seen if one.method in ("POST", "PUT", "PATCH", "DELETE")]
    return {one.acts_as for one in writes if inside in one.path}


async def test_F4_real_writes_are_the_tenants_and_end_with_its_rights(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_tenancy(real_hub, real_clusters) as stage:
        target, other = stage.names
        side, user = stage.world.clusters[target], f"system:serviceaccount:{stage.space}:{NAME}"
        await stage.apply("settings", **BLUE)
        await stage.has(BLUE, "settings", *stage.names)
        copy = await side.get(CONFIGMAPS, stage.space, "settings")
        assert copy is not None
        assert as_whom(stage, target) == {user}

        await side.delete(BINDINGS, stage.space, NAME)
        before = len(stage.proxies[target].seen)
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", other)
        await stage.until(
            lambda: stage.standing(target, "settings").reason == "IdentityForbidden", "forbidden"
        )
        await anyio.sleep(3)
        assert as_whom(stage, target, since=before) == {user}
        assert await stage.data(target, "settings") == BLUE
        assert user in stage.standing(target, "settings").message

        await side.delete(ACCOUNTS, stage.space, NAME)
        await bind(side, stage.space)
        await anyio.sleep(31)
        before = len(stage.proxies[target].seen)
        await stage.apply("settings", colour="red")
        await stage.has({"colour": "red"}, "settings", other)
        await stage.until(
            lambda: stage.standing(target, "settings").reason == "IdentityGone", "gone"
        )
        assert as_whom(stage, target, since=before) == set()
        assert await stage.data(target, "settings") == BLUE

        await make_account(side, stage.space)
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", *stage.names)
        await stage.delete("settings")
        await stage.has(None, "settings", "hub", *stage.names)
        assert as_whom(stage, target) == {user}


async def test_S10_real_a_privileged_pod_reaches_no_cluster_until_it_is_mended(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters, DEPLOYMENTS.id) as stage:
        tree = make_deployment("web", 1, stage.space)
        container = tree["spec"]["template"]["spec"]["containers"][0]
        container["securityContext"] = {"privileged": True}
        await stage.world.hub.apply(DEPLOYMENTS, tree)
        standings = [partial(stage.standing, name, "web", DEPLOYMENTS) for name in stage.names]
        await stage.until(lambda: all(one().reason == "Privileged" for one in standings), "refused")
        assert [stage.asked(name, "PATCH") for name in stage.names] == [[], []]
        container["securityContext"] = {"privileged": False}
        await stage.world.hub.apply(DEPLOYMENTS, tree)

        in_sync = SyncState.IN_SYNC
        await stage.until(lambda: all(one().state is in_sync for one in standings), "in sync")


async def test_a_definition_goes_before_its_objects_on_a_real_cluster(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters, WIDGETS.id, crds="follow") as stage:
        hub, target = stage.world.hub, stage.world.clusters[stage.names[0]]
        await hub.apply(DEFINITIONS, make_definition("size"))
        await anyio.sleep(2)
        await hub.apply(WIDGETS, make_widget(stage.space))

        async def is_there() -> bool:
            found = await target.get(DEFINITIONS, "", NAME_OF_WIDGETS)
            return found is not None and await target.get(WIDGETS, stage.space, "one") is not None

        await stage.world.eventually(is_there, "definition and object", 120)
        await hub.delete(WIDGETS, stage.space, "one")

        async def is_gone() -> bool:
            sides = (hub, *stage.world.clusters.values())
            return all([await one.get(WIDGETS, stage.space, "one") is None for one in sides])

        await stage.world.eventually(is_gone, "the object leaves", 60)
        assert await target.get(DEFINITIONS, "", NAME_OF_WIDGETS) is not None
        for side in (hub, *stage.world.clusters.values()):
            await side.delete(DEFINITIONS, "", NAME_OF_WIDGETS)


@pytest.mark.parametrize(
    ("profile", "allowed"),
    [("restricted", RESTRICTED), ("baseline", BASELINE), ("trusted", TRUSTED)],
)
async def test_S2_real_of_all_kinds_only_the_allowed_get_through(
    real_clusters: tuple[Plane, Plane], profile: str, allowed: set[str]
) -> None:
    access = ClusterAccess(real_clusters[0].kubeconfig)
    client = Client(await dial(access, now=time.monotonic, wall=time.time), name="real")
    try:
        found = await discover(client)
    finally:
        await client.aclose()
    own = [kind for kind in found.kinds if not kind.group.endswith(("example.com", ".example"))]
    built_in = Discovery(tuple(own))

    settings = SyncSettings(profile=profile)
    rules = KindRules("east", settings, False, frozenset(), lambda _pair: "")
    passing = set(pairs_of(stand_kinds(built_in, built_in, rules)))
    assert passing - allowed <= ONLY_REAL[profile]
    assert allowed <= passing
    assert len(built_in.preferred()) > 50
