"""F1 and F3 on a real API server: an account is deleted, a ClusterRole edited."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.envtest.api import fresh_name, open_api
from tests.envtest.identity import TENANT, write_kubeconfig
from tests.envtest.planes import Plane
from tests.envtest.test_rights import BINDINGS, ROLE, documented_rules, grant
from tests.faultproxy.real import proxied
from tests.faults.real import COPY, GREEN, PATIENCE_S, RealStage, open_real_stage
from tests.world.world import Side
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import Text, Why
from tmcconsole.contract.records import KindRecord, KindState, TargetState
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


def without(verb: str) -> list[Json]:
    """Return the documented rights without one verb of ConfigMaps."""
    return [
        {**rule, "verbs": [one for one in rule["verbs"] if one != verb]}
        if rule["resources"] == ["configmaps"]
        else rule
        for rule in documented_rules("target")
    ]


@asynccontextmanager
async def open_tenants_stage(
    hub: Plane, clusters: tuple[Plane, Plane]
) -> AsyncIterator[tuple[RealStage, Side]]:
    """Open a stage whose engine has only the documented rights on the first cluster."""
    access = ClusterAccess(clusters[0].kubeconfig)
    client = Client(await dial(access, now=time.monotonic, wall=time.time), name="admin")
    async with aclosing(client), proxied(clusters[0]) as proxy:
        side = Side(client)
        await grant(side, documented_rules("target"))
        path = clusters[0].kubeconfig_for(TENANT, url=proxy.url)
        async with open_real_stage(hub, clusters, kubeconfig=path) as stage:
            stage.proxies[stage.names[0]] = proxy
            try:
                await stage.apply("settings", **COPY)
                await stage.has(COPY, "settings", *stage.names)
                await stage.no_complaint(90)
                yield stage, side
            finally:
                await grant(side, documented_rules("target"))
        await side.delete(BINDINGS, "", ROLE)


async def kind_record(stage: RealStage) -> KindRecord:
    changes = await stage.world.engine.changes(NOTHING_SEEN)
    found = [one for one in changes.upserted if isinstance(one, KindRecord)]
    return next(one for one in found if (one.kind, one.target) == ("configmaps", stage.names[0]))


async def test_F3_a_role_that_loses_verbs_is_one_condition_each_and_deletes_nothing(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_tenants_stage(real_hub, real_clusters) as (stage, side):
        target, other = stage.names
        await stage.apply("gone", **COPY)
        await stage.has(COPY, "gone", *stage.names)

        await grant(side, without("patch"))
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", other)
        await one_condition(stage, "patch")
        assert await stage.data(target, "settings") == COPY
        await grant(side, documented_rules("target"))
        await stage.has(GREEN, "settings", target)
        await stage.no_complaint(90)

        await grant(side, without("delete"))
        await stage.delete("gone")
        await stage.has(None, "gone", other)
        await one_condition(stage, "delete")
        assert await stage.data("hub", "gone") == await stage.data(target, "gone") == COPY
        why = await stage.world.engine.request(Why(key=f"configmaps/{stage.space}/gone"))
        assert isinstance(why, Text)
        assert f"delete configmaps on {target}" in why.body
        await grant(side, documented_rules("target"))
        await stage.has(None, "gone", "hub", target)


async def test_F3_a_role_that_may_not_look_any_more_empties_nothing(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_tenants_stage(real_hub, real_clusters) as (stage, side):
        target, other = stage.names
        await grant(side, without("list"))
        stage.proxies[target].listener.reset_connections()
        await stage.world.stop()
        stage.world.start()  # a new engine must list everything
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", other)
        await one_condition(stage, "list")
        await anyio.sleep(2)
        assert await stage.data(target, "settings") == COPY
        assert stage.asked(target, "DELETE") == []
        await grant(side, documented_rules("target"))

        await stage.has(GREEN, "settings", target)
        await stage.no_complaint(90)


async def one_condition(stage: RealStage, verb: str) -> None:
    """Wait until the missing right is reported, and check that nothing else is wrong."""
    target = stage.names[0]
    lack = f"{verb} configmaps on {target}"
    text = f"the account may not {lack}: grant it, see Rights in docs/operating.md"
    await stage.sole_complaint(target, "SyncerAuthorized", "SyncerUnauthorized", text, 90)

    async def shown() -> bool:
        kind = await kind_record(stage)
        return kind.state is KindState.UNAUTHORIZED and lack in kind.message

    await stage.world.eventually(shown, f"the console shows that {verb} is missing")


@asynccontextmanager
async def account(plane: Plane, path: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Yield a function that makes an account with all rights and a kubeconfig with its token.

    Called again, it recreates the account with a new token.
    """
    name = fresh_name("syncer")
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    bindings = f"/apis/{BINDINGS.group}/v1/clusterrolebindings"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    role = {"apiGroup": BINDINGS.group, "kind": "ClusterRole", "name": "cluster-admin"}
    async with open_api(plane) as api:

        async def renew() -> None:
            await api.send("DELETE", f"{accounts}/{name}")
            await api.create(accounts, {"metadata": {"name": name}})
            answer = await api.create(f"{accounts}/{name}/token", {"spec": {}})
            token = answer.body["status"]["token"]
            authority = plane.identity.authority.read_bytes()
            write_kubeconfig(path, name="x", url=plane.url, authority=authority, token=token)

        await renew()
        await api.create(
            bindings, {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
        )
        yield renew
        await api.send("DELETE", f"{bindings}/{name}")
        await api.send("DELETE", f"{accounts}/{name}")


async def test_F1_a_token_that_ends_is_one_condition_and_a_renewed_one_is_taken(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    async with (
        account(real_clusters[0], path) as renew,
        open_real_stage(real_hub, real_clusters, kubeconfig=path) as stage,
    ):
        target, other = stage.names
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        old = path.read_bytes()
        await renew()  # the old token no longer belongs to any account
        path.write_bytes(old)
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", other)

        text = "Unauthorized. Renew the credentials in the kubeconfig; they are reloaded."
        await stage.sole_complaint(target, "SyncerReady", "Unauthorized", text)

        async def shown() -> bool:
            record = await stage.record(target)
            return (record.state, record.message) == (TargetState.UNAUTHORIZED, text)

        await stage.world.eventually(shown, "the console says so, too", PATIENCE_S)
        await stage.delete("settings")
        await stage.has(None, "settings", other)
        assert await stage.data("hub", "settings") == GREEN  # held for the lost cluster
        await renew()

        await stage.has(None, "settings", "hub", target)
        await stage.no_complaint()


async def test_F1_a_renewed_token_of_the_hub_is_taken_and_nothing_is_written_twice(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    async with (
        account(real_hub, path) as renew,
        open_real_stage(real_hub, real_clusters, hub_kubeconfig=path) as stage,
    ):
        target, other = stage.names
        await stage.apply("settings", **COPY)
        await stage.apply("gone", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        await stage.has(COPY, "gone", *stage.names)
        session, old = stage.world.engine.session, path.read_bytes()
        await renew()
        new = path.read_bytes()
        path.write_bytes(old)  # the old token is no longer anybody's
        assert session is not None
        await stage.until(lambda: session.probe.reason == "Unauthorized", "it is refused")
        await stage.apply("settings", **GREEN)
        await stage.delete("gone")
        before = stage.marks()
        path.write_bytes(new)

        await stage.has(GREEN, "settings", *stage.names)
        await stage.has(None, "gone", "hub", *stage.names)
        await stage.no_complaint()
        assert id(stage.world.engine.session) == id(session)  # taken up in place
        for name in (target, other):
            writes = [one for one in stage.written(name, since=before[name]) if stage.space in one]
            assert sorted(one.split()[0] for one in writes) == ["DELETE", "PATCH"]
