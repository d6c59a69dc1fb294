"""Client, discovery and informer against a whole API server: simulated, and real where one is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.envtest.planes import Plane
from tests.kube.scripted import CONFIG_MAPS
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import discover
from tmcconsole.kube.errors import AlreadyExists, BadRequest, Conflict, Invalid, NotFound
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Json, Kind, ObjectKey
from tmcconsole.runtime import real_runtime
from tmcconsole.sim.faces.fleet import Fleet, run_fleet

DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
NOBODY = Kind("nobody.example", "v1", "things", "Thing")


@asynccontextmanager
async def connected(config: Path, name: str) -> AsyncIterator[Client]:
    access = ClusterAccess(kubeconfig=config)
    client = Client(await dial(access, now=time.monotonic, wall=time.time), name=name)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[Client]:
    async with anyio.create_task_group() as group:
        ready = anyio.Event()
        configs: list[Path] = []

        async def started(fleet: Fleet) -> None:
            configs.append(fleet.hub.kubeconfig)
            ready.set()

        async def serve() -> None:
            await run_fleet(folder, clusters=0, seed=1, started=started)

        group.start_soon(serve)
        await ready.wait()
        async with connected(configs[0], "simulated") as client:
            yield client
        group.cancel_scope.cancel()


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.envtest)])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    if request.param == "real":
        hub: Plane = request.getfixturevalue("real_hub")
        async with connected(hub.kubeconfig, "real") as connection:
            yield connection
        return
    async with simulated(tmp_path) as connection:
        yield connection


@pytest.fixture
async def namespace(client: Client) -> str:
    """Return a fresh namespace."""
    name = f"kube-{time.time_ns():x}"
    tree = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await client.create(NAMESPACES, tree, manager="test")
    return name


def config_map(namespace: str, name: str, **data: str) -> Json:
    meta = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


async def until(holds: Callable[[], Any]) -> None:
    with anyio.fail_after(60):
        while not holds():  # noqa: ASYNC110  # the state of another process has no event
            await anyio.sleep(0.01)


@asynccontextmanager
async def mirrored(
    client: Client, namespace: str, label_selector: str = ""
) -> AsyncIterator[tuple[Informer, list[str]]]:
    told: list[str] = []

    def on_change(
        _kind: Kind, at: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        told.append(f"{'+' if old is None else '-' if new is None else '~'}{at.name}")

    async def no_dial(_name: str) -> Any:
        raise AssertionError

    runtime = real_runtime(no_dial, seed=1)
    informer = Informer(
        client,
        CONFIG_MAPS,
        runtime,
        on_change=on_change,
        namespace=namespace,
        label_selector=label_selector,
    )
    async with anyio.create_task_group() as group:
        group.start_soon(informer.run)
        with anyio.fail_after(60):
            await informer.wait_synced()
        yield informer, told
        group.cancel_scope.cancel()


async def test_discovery_finds_kinds_with_their_subresources(client: Client) -> None:
    found = await discover(client)

    deployments = found.find("deployments.apps")
    assert deployments is not None
    assert deployments.kind == "Deployment"
    assert {"status", "scale"} <= deployments.subresources
    assert {"get", "list", "watch", "patch", "delete"} <= deployments.verbs
    assert found.find("namespaces") is not None
    assert found.failed == ()
    assert len({kind.id for kind in found.preferred()}) == len(found.preferred())


async def test_an_objects_life(client: Client, namespace: str) -> None:
    key = ObjectKey(namespace, "a")
    created = await client.create(CONFIG_MAPS, config_map(namespace, "a", x="1"), manager="test")
    with pytest.raises(AlreadyExists):
        await client.create(CONFIG_MAPS, config_map(namespace, "a"), manager="test")

    patched = await client.merge_patch(CONFIG_MAPS, key, {"data": {"y": "2"}}, manager="test")
    operations = [{"op": "replace", "path": "/data/x", "value": "3"}]
    changed = await client.json_patch(CONFIG_MAPS, key, operations, manager="test")
    dry = await client.merge_patch(
        CONFIG_MAPS, key, {"data": {"z": "9"}}, manager="test", dry_run=True
    )
    live = await client.get(CONFIG_MAPS, key)

    assert created.uid == patched.uid == live.uid
    assert live.decode()["data"] == {"x": "3", "y": "2"}
    assert dry.decode()["data"]["z"] == "9"
    assert live == changed
    assert b"managedFields" not in live.raw


async def test_C4_preconditions_of_a_delete_are_kept(client: Client, namespace: str) -> None:
    key = ObjectKey(namespace, "a")
    created = await client.create(CONFIG_MAPS, config_map(namespace, "a"), manager="test")
    await client.merge_patch(CONFIG_MAPS, key, {"data": {"x": "1"}}, manager="test")

    with pytest.raises(Conflict):
        await client.delete(CONFIG_MAPS, key, uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises(Conflict):
        await client.delete(
            CONFIG_MAPS, key, uid=created.uid, resource_version=created.resource_version
        )
    await client.delete(CONFIG_MAPS, key, uid=created.uid, dry_run=True)
    await client.get(CONFIG_MAPS, key)
    await client.delete(CONFIG_MAPS, key, uid=created.uid)

    with pytest.raises(NotFound) as caught:
        await client.get(CONFIG_MAPS, key)
    assert not caught.value.is_kind


async def test_a_kind_that_is_not_served_is_told_from_an_object_that_is_not_there(
    client: Client,
) -> None:
    with pytest.raises(NotFound) as caught:
        await client.get(NOBODY, ObjectKey("default", "a"))

    assert caught.value.is_kind


async def test_apply_conflicts_name_the_manager_and_force_takes_over(
    client: Client, namespace: str
) -> None:
    await client.apply(CONFIG_MAPS, config_map(namespace, "a", x="1"), manager="one")

    with pytest.raises(Conflict) as caught:
        await client.apply(CONFIG_MAPS, config_map(namespace, "a", x="2"), manager="two")
    taken = await client.apply(
        CONFIG_MAPS, config_map(namespace, "a", x="2"), manager="two", force=True
    )

    assert [cause.field for cause in caught.value.causes] == [".data.x"]
    assert "one" in caught.value.causes[0].message
    assert taken.decode()["data"] == {"x": "2"}


async def test_scale_and_status_are_subresources(client: Client, namespace: str) -> None:
    key = ObjectKey(namespace, "web")
    labels = {"app": "web"}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    meta = {"namespace": namespace, "name": "web"}
    tree = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    await client.apply(DEPLOYMENTS, tree, manager="test")

    replicas = await client.scale(DEPLOYMENTS, key, 4)
    written = await client.merge_patch(
        DEPLOYMENTS, key, {"status": {"replicas": 4}}, manager="test", subresource="status"
    )

    assert replicas == 4
    assert written.decode()["status"]["replicas"] == 4
    assert written.decode()["spec"]["replicas"] == 4


async def test_invalid_input_is_told_from_a_wrong_request(client: Client, namespace: str) -> None:
    with pytest.raises(Invalid) as caught:
        await client.create(CONFIG_MAPS, config_map(namespace, "Not_A_Name"), manager="test")
    with pytest.raises(BadRequest):
        await client.merge_patch(CONFIG_MAPS, ObjectKey("", "a"), {}, manager="test")

    assert caught.value.causes[0].field == "metadata.name"


async def test_lists_come_in_pages(client: Client, namespace: str) -> None:
    for number in range(5):
        await client.create(CONFIG_MAPS, config_map(namespace, f"n-{number}"), manager="test")

    pages = [
        [item.name for item in page.items if item.name.startswith("n-")]
        async for page in client.list_pages(CONFIG_MAPS, namespace=namespace, limit=2)
    ]

    assert [name for page in pages for name in page] == [f"n-{number}" for number in range(5)]
    assert len(pages) >= 3


async def test_the_mirror_follows_the_server(client: Client, namespace: str) -> None:
    key = ObjectKey(namespace, "a")
    await client.create(CONFIG_MAPS, config_map(namespace, "a", x="1"), manager="test")

    async with mirrored(client, namespace) as (mirror, told):
        assert mirror.get(key) == await client.get(CONFIG_MAPS, key)
        await client.create(CONFIG_MAPS, config_map(namespace, "b"), manager="test")
        await client.merge_patch(CONFIG_MAPS, key, {"data": {"x": "2"}}, manager="test")
        mine = await client.get(CONFIG_MAPS, key)
        await until(lambda: mirror.get(key) == mine)
        await client.delete(CONFIG_MAPS, key, uid=mine.uid)
        await until(lambda: mirror.get(key) is None)
        seen = [change for change in told if not change.endswith("kube-root-ca.crt")]

        assert seen == ["+a", "+b", "~a", "-a"]
        assert mirror.state.phase is Phase.WATCHING


async def test_read_your_writes(client: Client, namespace: str) -> None:
    key = ObjectKey(namespace, "a")
    async with mirrored(client, namespace) as (mirror, told):
        for number in range(30):
            tree = config_map(namespace, "a", n=str(number))
            written = await client.apply(CONFIG_MAPS, tree, manager="test")
            mirror.observe(written)
            cached = mirror.get(key)
            assert cached is not None
            assert cached.decode()["data"]["n"] == str(number)
        await anyio.sleep(0.2)
        after = mirror.get(key)

        assert after is not None
        assert after.decode()["data"]["n"] == "29"
        assert len([change for change in told if change.endswith("a")]) == 30


async def test_an_object_that_leaves_the_selection_leaves_the_mirror(
    client: Client, namespace: str
) -> None:
    key = ObjectKey(namespace, "a")
    tree = config_map(namespace, "a")
    tree["metadata"]["labels"] = {"app": "shop"}
    await client.create(CONFIG_MAPS, tree, manager="test")

    async with mirrored(client, namespace, label_selector="app=shop") as (mirror, _):
        assert mirror.keys() == [key]
        unlabelled = {"metadata": {"labels": {"app": "other"}}}
        mirror.observe(await client.merge_patch(CONFIG_MAPS, key, unlabelled, manager="test"))
        await until(lambda: not mirror.keys())
        relabelled = {"metadata": {"labels": {"app": "shop"}}}
        await client.merge_patch(CONFIG_MAPS, key, relabelled, manager="test")
        await until(lambda: mirror.keys() == [key])
