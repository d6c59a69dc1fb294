"""C10, F, G and H on real API servers: identity, rights, and what several clusters mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import orjson
import pytest
import trustme
import yaml

from tests.envtest.identity import ADMIN, write_private
from tests.envtest.planes import Plane
from tests.faultproxy.certificates import issue
from tests.faultproxy.faults import EditEvents, Replace, Rewrite
from tests.faultproxy.listener import ServingCertificate
from tests.faultproxy.real import authority_of, proxied
from tests.faults.real import COPY, GREEN, RealStage, open_real_stage, refusal
from tests.world.world import CONFIGMAPS, PLACEMENTS
from tmcconsole.contract.commands import DrainTarget, UncordonTarget
from tmcconsole.contract.records import SyncState, TargetState
from tmcconsole.kube.objects import Json

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

MAPS = r"/configmaps\?"
WATCHES = "watch=1"
LISTS = r"/configmaps\?(?!watch)"
ABSENT = Replace(
    404,
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":404,'
    b'"reason":"NotFound","details":{"name":"it","kind":"configmaps"},"message":"not found"}',
)
MANY = tuple(f"map-{number:02}" for number in range(14))  # more than the brake allows


def no_deletion(stage: RealStage) -> bool:
    """Assert that nothing was deleted on any target."""
    return not any(stage.asked(name, "DELETE") for name in stage.names)


def list_anew(stage: RealStage, *sides: str) -> None:
    """Make the engine list ConfigMaps again there."""
    for side in sides:
        proxy = stage.proxies[side]
        proxy.rules.on(refusal(410, "Expired"), path=f"{MAPS}.*{WATCHES}", times=1)
        proxy.listener.reset_connections()


async def test_C10_another_cluster_behind_the_address_gets_nothing(stage: RealStage) -> None:
    target, other = stage.names

    def of_another(body: bytes) -> bytes:
        tree = orjson.loads(body)
        tree["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000"
        return orjson.dumps(tree)

    rules = stage.proxies[target].rules
    rule = rules.on(Rewrite(of_another), path="/namespaces/kube-system$")
    stage.proxies[target].listener.reset_connections()

    async def is_refused() -> bool:
        record = await stage.record(target)
        return (record.state, record.reason) == (TargetState.REFUSED, "IdentityChanged")

    await stage.world.eventually(is_refused, "told as another cluster", 30)
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", other)
    await anyio.sleep(2)
    assert await stage.data(target, "settings") == COPY
    assert stage.asked(target, "DELETE") == []
    rules.off(rule)

    await stage.has(GREEN, "settings", target)


async def test_C10_a_hub_restored_without_its_objects_loses_no_fleet(stage: RealStage) -> None:
    for name in MANY:
        await stage.apply(name, **COPY)
    for name in MANY:
        await stage.has(COPY, name, *stage.names)

    def emptied(body: bytes) -> bytes:
        return orjson.dumps({**orjson.loads(body), "items": []})

    rules = stage.proxies["hub"].rules
    one = f"/namespaces/{stage.space}/configmaps/"
    on = [
        rules.on(Rewrite(emptied), methods=("GET",), path=LISTS),
        rules.on(ABSENT, methods=("GET",), path=one),
    ]
    list_anew(stage, "hub")
    await anyio.sleep(5)
    assert no_deletion(stage)
    for name in stage.names:
        assert [await stage.data(name, of) for of in MANY] == [COPY] * len(MANY)
        assert (await stage.record(name)).deletes_held == len(MANY) + 1
    for rule in on:
        rules.off(rule)
    list_anew(stage, "hub")
    await stage.apply(MANY[0], **GREEN)

    await stage.has(GREEN, MANY[0], *stage.names)


@pytest.mark.usefixtures("brisk")
async def test_F2_a_client_certificate_that_was_replaced_is_used(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    plane, path = real_clusters[0], tmp_path / "kubeconfig"
    stranger = trustme.CA()
    identify(path, plane, plane.url, tmp_path, stranger)
    async with open_real_stage(real_hub, real_clusters, kubeconfig=path) as stage:
        first, second = stage.names
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", second)
        assert (await stage.record(first)).state is not TargetState.SYNCING
        identify(path, plane, plane.url, tmp_path, authority_of(plane))

        await stage.has(COPY, "settings", first)


@pytest.mark.usefixtures("brisk")
async def test_F2_an_authority_that_was_replaced_is_trusted_and_the_old_one_not(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    plane, trusted = real_clusters[0], tmp_path / "ca.crt"
    trusted.write_bytes(plane.identity.authority.read_bytes())
    async with proxied(plane) as proxy:
        path = plane.kubeconfig_for(ADMIN, url=proxy.url)
        document = yaml.safe_load(path.read_text())
        document["clusters"][0]["cluster"] = {
            "server": proxy.url,
            "certificate-authority": str(trusted),
        }
        write_private(path, yaml.safe_dump(document).encode())
        async with open_real_stage(real_hub, real_clusters, kubeconfig=path) as stage:
            await stage.apply("settings", **COPY)
            await stage.has(COPY, "settings", *stage.names)
            renewed = trustme.CA()
            proxy.listener.show(issue(renewed, tmp_path))
            proxy.listener.reset_connections()
            await stage.apply("settings", **GREEN)
            await stage.has(GREEN, "settings", stage.names[1])
            await anyio.sleep(2)
            assert await stage.data(stage.names[0], "settings") == COPY
            trusted.write_bytes(renewed.cert_pem.bytes())

            await stage.has(GREEN, "settings", stage.names[0])
            own = plane.identity
            proxy.listener.show(ServingCertificate(own.certificate, own.key))
            trusted.write_bytes(own.authority.read_bytes())
            proxy.listener.reset_connections()


def identify(path: Path, plane: Plane, url: str, folder: Path, authority: trustme.CA) -> None:
    """Write a kubeconfig whose user has a certificate of an authority."""
    issued = authority.issue_cert(
        "admin@client.example", common_name=ADMIN, organization_name="system:masters"
    )
    certificate, key = folder / "client.crt", folder / "client.key"
    write_private(certificate, issued.cert_chain_pems[0].bytes())
    write_private(key, issued.private_key_pem.bytes())
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    cluster = {"server": url, "certificate-authority": str(plane.identity.authority)}
    document = {
        "clusters": [{"name": "x", "cluster": cluster}],
        "users": [{"name": "x", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    write_private(path, yaml.safe_dump(document).encode())


async def test_F3_a_permission_that_was_withdrawn_is_no_emptiness(stage: RealStage) -> None:
    target, other = stage.names
    forbidden = refusal(403, "Forbidden", "configmaps is forbidden")
    rule = stage.proxies[target].rules.on(forbidden, methods=("GET",), path=MAPS)
    stage.proxies[target].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await stage.has(GREEN, "settings", other)
    await anyio.sleep(3)
    assert no_deletion(stage)
    stage.proxies[target].rules.off(rule)

    await stage.has(GREEN, "settings", target)


def spoiled(item: Json, name: str) -> bytes:
    """Return an object broken in one of the ways in which nothing can be made of it."""
    ways: dict[str, Callable[[], bytes]] = {
        "bad-0": lambda: orjson.dumps({**item, "metadata": None}),
        "bad-1": lambda: orjson.dumps(
            {**item, "metadata": {**item["metadata"], "labels": ["a"], "annotations": "b"}}
        ),
        "bad-2": lambda: orjson.dumps(item)[:-1] + b',"huge":' + b"9" * 5000 + b"}",
        "bad-3": lambda: orjson.dumps(item)[:-1] + b',"deep":' + b"[" * 2000 + b"]" * 2000 + b"}",
        "bad-4": lambda: orjson.dumps({**item, "data": "text"}),
        "bad-5": lambda: orjson.dumps({**item, "metadata": {**item["metadata"], "uid": 7}}),
    }
    return ways[name]() if name in ways else orjson.dumps(item)


def spoiled_list(body: bytes) -> bytes:
    tree = orjson.loads(body)
    items = [spoiled(item, item["metadata"]["name"]) for item in tree["items"]]
    tree["items"] = "@items@"
    whole = orjson.dumps(tree)
    return whole.replace(b'"@items@"', b"[" + b",".join(items) + b"]")


def spoiled_event(line: bytes) -> bytes:
    event = orjson.loads(line)
    name = event["object"]["metadata"].get("name", "")
    whole = spoiled(event["object"], name)
    kind: str = event["type"]
    return b'{"type":"' + kind.encode() + b'","object":' + whole + b"}\n"


async def test_G1_what_is_malformed_is_set_aside_alone(stage: RealStage) -> None:
    bad = [f"bad-{number}" for number in range(6)]
    for name in bad:
        await stage.apply(name, **COPY)
    for name in bad:
        await stage.has(COPY, name, *stage.names)
    on = []
    for proxy in stage.proxies.values():
        on.append((proxy.rules, proxy.rules.on(Rewrite(spoiled_list), path=LISTS)))
        on.append((proxy.rules, proxy.rules.on(EditEvents(spoiled_event), path=f"{MAPS}.*watch=1")))
    list_anew(stage, *stage.proxies)
    await anyio.sleep(1)
    for name in (*bad, "settings"):
        await stage.apply(name, **GREEN)
    await stage.apply("fresh", **COPY)
    await stage.has(GREEN, "settings", *stage.names)
    await stage.has(COPY, "fresh", *stage.names)
    await anyio.sleep(2)
    assert no_deletion(stage)
    for rules, rule in on:
        rules.off(rule)
    for name in bad:  # an object never changes within a version, so there must be a new version
        await stage.apply(name, colour="gold")

    for name in bad:
        await stage.has({"colour": "gold"}, name, *stage.names)
    assert no_deletion(stage)


async def choose_one(stage: RealStage) -> tuple[str, str]:
    """Let the Placement choose one target; return it and the other."""
    one = {"spec": {"strategy": "OneToAny"}}
    await stage.world.hub.patch(PLACEMENTS, "", stage.space, one)

    async def holders() -> list[str]:
        found = [name for name in stage.names if await stage.data(name, "settings")]
        source = await stage.world.hub.get(CONFIGMAPS, stage.space, "settings")
        marks = source["metadata"]["finalizers"] if source else []
        return found if len(found) == len(marks) == 1 else []

    chosen = (await stage.world.eventually(holders, "on one target", 60))[0]
    return chosen, next(name for name in stage.names if name != chosen)


async def test_H1_a_cluster_that_comes_and_goes_keeps_its_objects(stage: RealStage) -> None:
    chosen, other = await choose_one(stage)
    for _ in range(4):
        await stage.proxies[chosen].listener.refuse()
        stage.proxies[chosen].listener.reset_connections()
        await anyio.sleep(1.5)
        await stage.proxies[chosen].listener.serve()
        await anyio.sleep(1.5)
    await stage.apply("settings", **GREEN)

    await stage.has(GREEN, "settings", chosen)
    assert await stage.data(other, "settings") is None
    assert stage.asked(chosen, "DELETE") == []


async def test_H2_all_clusters_down_at_once_moves_and_deletes_nothing(stage: RealStage) -> None:
    chosen, other = await choose_one(stage)
    deleted = len(stage.asked(other, "DELETE"))
    for name in stage.names:
        await stage.proxies[name].listener.refuse()
        stage.proxies[name].listener.reset_connections()
    await stage.apply("settings", **GREEN)
    await anyio.sleep(12)
    marks = (await stage.world.hub.get(CONFIGMAPS, stage.space, "settings") or {})["metadata"]
    assert len(marks["finalizers"]) == 1
    for name in stage.names:
        await stage.proxies[name].listener.serve()

    await stage.has(GREEN, "settings", chosen)
    assert await stage.data(other, "settings") is None
    assert stage.asked(chosen, "DELETE") == []
    assert len(stage.asked(other, "DELETE")) == deleted


async def test_H3_a_cluster_that_returns_gives_its_old_copies_up(stage: RealStage) -> None:
    chosen, other = await choose_one(stage)
    await stage.proxies[chosen].listener.refuse()
    stage.proxies[chosen].listener.reset_connections()
    await stage.world.engine.request(DrainTarget(target=chosen, confirm=chosen, actor="test"))
    try:
        await stage.has(COPY, "settings", other)
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", other)
        assert await stage.data(chosen, "settings") == COPY
        await stage.proxies[chosen].listener.serve()

        await stage.has(None, "settings", chosen)
        assert await stage.data(other, "settings") == GREEN
    finally:
        await stage.world.engine.request(UncordonTarget(target=chosen, actor="test"))


async def test_H5_after_a_partition_only_the_newest_state_is_carried_out(
    stage: RealStage,
) -> None:
    target, other = stage.names
    await stage.proxies[target].listener.refuse()
    stage.proxies[target].listener.reset_connections()
    for number in range(5):
        await stage.apply("settings", colour=f"shade {number}")
        await stage.has({"colour": f"shade {number}"}, "settings", other)
    before = len(stage.proxies[target].seen)
    await stage.proxies[target].listener.serve()
    await stage.has({"colour": "shade 4"}, "settings", target)
    await stage.until(
        lambda: stage.standing(target, "settings").state is SyncState.IN_SYNC, "in sync"
    )

    assert len(stage.asked(target, "PATCH", since=before)) == 1
