"""F4: the identity the engine writes with. If that is not certain, it writes nothing at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.faults.stage import SPACE, Stage, open_stage
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_configmap, place_everywhere
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import NAMESPACES, Json, Kind
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

RBAC = "rbac.authorization.k8s.io"
ROLES = Kind(RBAC, "v1", "roles", "Role")
BINDINGS = Kind(RBAC, "v1", "rolebindings", "RoleBinding")
ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount")
NAME = "tmc-tenant"
USER = f"system:serviceaccount:{SPACE}:{NAME}"
TEMPLATE = "system:serviceaccount:{target_namespace}:" + NAME
EVERYTHING: Json = {
    "apiGroups": ["", "apps"],
    "resources": ["configmaps", "deployments"],
    "verbs": ["get", "create", "patch", "delete"],
}


async def make_account(world: Stage, cluster: str = "east") -> None:
    """Create the namespace, the tenant's account and its rights, as an administrator does."""
    side, meta = world.clusters[cluster], {"name": NAME, "namespace": SPACE}
    await side.apply(NAMESPACES, {"metadata": {"name": SPACE}})
    await side.apply(ACCOUNTS, {"metadata": meta})
    await side.apply(ROLES, {"metadata": meta, "rules": [EVERYTHING]})
    await bind(world, cluster)


async def bind(world: Stage, cluster: str = "east") -> None:
    meta = {"name": NAME, "namespace": SPACE}
    role = {"apiGroup": RBAC, "kind": "Role", "name": NAME}
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": SPACE}
    tree = {"metadata": meta, "roleRef": role, "subjects": [subject]}
    await world.clusters[cluster].apply(BINDINGS, tree)


@asynccontextmanager
async def open_tenancy(*, accounts: bool = True, **sync: Any) -> AsyncIterator[Stage]:
    """Open a stage with one cluster, to which the engine writes as the tenant."""
    async with open_stage(("east",), **{"impersonate": TEMPLATE, **sync}) as world:
        if accounts:
            await make_account(world)
        await place_everywhere(world, SPACE)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        yield world


def as_whom(request: Request) -> str:
    """Return whom a request impersonates, "" for nobody."""
    found = [value for name, value in request.headers if name == "Impersonate-User"]
    assert len(found) <= 1
    return found[0] if found else ""


def attempts(world: Stage, *, since: float = 0.0) -> list[tuple[str, str, str]]:
    """Return (method, path, impersonated user) of every write to the cluster, dry runs included."""
    return [
        (one.request.method, one.path, as_whom(one.request))
        for one in world.tried
        if one.cluster == "east"
        and one.at >= since
        and one.request.method in ("POST", "PUT", "PATCH", "DELETE")
        and "reviews" not in one.path
    ]


async def test_S3_every_write_to_a_target_carries_the_tenants_identity() -> None:
    async with open_tenancy() as world:
        await world.until(lambda: world.names_on("east") == ["settings"], "made as the tenant")
        await world.hub.patch(CONFIGMAPS, SPACE, "settings", {"data": {"colour": "green"}})
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "updated")
        await world.clusters["east"].patch(
            CONFIGMAPS, SPACE, "settings", {"data": {"colour": "red"}}
        )
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "taken back")
        await world.hub.delete(CONFIGMAPS, SPACE, "settings")
        await world.until(lambda: world.names_on("hub") == [], "deleted")

        seen = attempts(world)
        assert {method for method, _, _ in seen} == {"PATCH", "DELETE"}
        assert len(seen) >= 5
        assert {user for _, _, user in seen} == {USER}
        mutators = [c for c in world.committed if c.by_engine and c.cluster == "east"]
        assert len(mutators) >= 4


async def test_S3_what_is_read_and_the_namespaces_are_our_own() -> None:
    async with open_tenancy(
        accounts=False, impersonate="system:serviceaccount:tenants:{namespace}"
    ) as world:
        await world.until(
            lambda: world.copy("east", NAMESPACES, SPACE, "") is not None, "the namespace is made"
        )

        others = [one for one in world.tried if one.cluster == "east" and not one.is_write]
        assert {as_whom(one.request) for one in others} == {""}
        assert attempts(world) == [("PATCH", f"/api/v1/namespaces/{SPACE}", "")]


@pytest.mark.parametrize("template", ["tenant:{workspace}:{namespace}", "tenant:{cluster}"])
async def test_F4_an_identity_that_cannot_be_told_sends_nothing(template: str) -> None:
    groups = ("of:{workspace}",)
    async with open_tenancy(impersonate=template, impersonate_groups=groups) as world:
        began = world.now()
        await world.until(lambda: world.standing("east").state is SyncState.REFUSED, "is refused")
        await anyio.sleep(60)

        standing = world.standing("east")
        assert standing.reason == "IdentityMissing"
        assert "nothing is sent" in standing.message
        assert attempts(world, since=began) == []
        assert world.names_on("east") == []


async def test_F4_a_deleted_account_stops_all_writing_within_half_a_minute() -> None:
    async with open_tenancy() as world:
        await world.until(lambda: world.names_on("east") == ["settings"], "in sync")
        await world.clusters["east"].delete(ACCOUNTS, SPACE, NAME)
        await anyio.sleep(31)
        began = world.now()
        await world.paint("green")
        await world.until(
            lambda: world.standing("east").reason == "IdentityGone", "the account is missed"
        )
        await anyio.sleep(60)
        assert attempts(world, since=began) == []
        assert world.standing("east").state is SyncState.FAILED
        assert f"{SPACE}/{NAME}" in world.standing("east").message
        await world.hub.delete(CONFIGMAPS, SPACE, "settings")
        await anyio.sleep(60)
        assert attempts(world, since=began) == []
        assert world.data_on("east") == {"colour": "blue"}

        await world.clusters["east"].apply(
            ACCOUNTS, {"metadata": {"name": NAME, "namespace": SPACE}}
        )
        await world.until(lambda: world.names_on("hub") == [], "goes on", 700)
        assert world.names_on("east") == []


async def test_F4_an_account_without_rights_is_told_and_nobody_steps_in_for_it() -> None:
    async with open_tenancy() as world:
        await world.until(lambda: world.names_on("east") == ["settings"], "in sync")
        await world.clusters["east"].delete(BINDINGS, SPACE, NAME)
        began = world.now()
        await world.paint("green")
        await world.until(lambda: world.standing("east").reason == "IdentityForbidden", "forbidden")
        await anyio.sleep(120)

        seen = attempts(world, since=began)
        assert 1 <= len(seen) <= 8
        assert {user for _, _, user in seen} == {USER}
        assert world.data_on("east") == {"colour": "blue"}
        assert USER in world.standing("east").message
        await bind(world)
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "goes on", 700)


async def test_F4_where_we_may_not_act_as_the_tenant_we_do_not_act() -> None:
    async with open_tenancy() as world:
        await world.until(lambda: world.names_on("east") == ["settings"], "in sync")

        def forbid(cluster: str, request: Request) -> Response | None:
            if cluster != "east" or not as_whom(request):
                return None
            message = (
                f'serviceaccounts "{NAME}" is forbidden: User "engine" cannot impersonate '
                f'resource "serviceaccounts" in API group "" in the namespace "{SPACE}"'
            )
            body = (
                '{"kind":"Status","apiVersion":"v1","status":"Failure","code":403,'
                f'"reason":"Forbidden","message":{_quoted(message)}}}'
            )
            return Response(403, {"content-type": "application/json"}, body.encode())

        world.meddle = forbid
        began = world.now()
        await world.paint("green")
        await world.until(
            lambda: world.standing("east").reason == "ImpersonationForbidden", "forbidden"
        )
        await anyio.sleep(60)

        assert {user for _, _, user in attempts(world, since=began)} == {USER}
        assert world.data_on("east") == {"colour": "blue"}
        world.meddle = lambda _cluster, _request: None
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "goes on", 700)


async def test_two_tenants_are_written_as_two() -> None:
    async with open_tenancy(
        accounts=False, impersonate="tenant:{namespace}", kinds_allow=("configmaps",)
    ) as world:
        for space in (SPACE, "bank"):
            await place_everywhere(world, space)
            await world.hub.apply(CONFIGMAPS, make_configmap(namespace=space))
        await anyio.sleep(5)

        users = {path.split("/")[4]: user for _, path, user in attempts(world) if "config" in path}
        assert users == {SPACE: f"tenant:{SPACE}", "bank": "tenant:bank"}
        assert DEPLOYMENTS.id not in {one.kind for one in world.committed if one.by_engine}


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
