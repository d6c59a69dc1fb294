"""kr8s and lightkube, unchanged, work on a simulated cluster.

They list, watch, apply, patch and delete; kr8s has no apply of its own, but sends one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import kr8s
import lightkube
import pytest
from kr8s.asyncio.objects import ConfigMap as Kr8sConfigMap
from kr8s.asyncio.objects import Deployment as Kr8sDeployment
from kr8s.asyncio.objects import new_class
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod
from lightkube.types import CascadeType, PatchType

from tests.manifests import make_config_map, make_deployment, make_widget

pytestmark = [
    pytest.mark.xdist_group("acceptance"),
    # kr8s 0.20 declares itself for 1.28 to 1.35.
    pytest.mark.filterwarnings("ignore:Kubernetes version:UserWarning"),
]


@pytest.fixture
async def api(kubeconfig: Path, namespace: str) -> AsyncIterator[Any]:
    api: Any = await kr8s.asyncio.api(kubeconfig=str(kubeconfig), namespace=namespace)
    yield api
    await api._session.aclose()  # kr8s itself never closes it


async def named(listed: AsyncIterator[Any]) -> list[str]:
    return sorted([found.name async for found in listed])


async def test_kr8s_reads_the_version(api: Any) -> None:
    assert (await api.version())["gitVersion"].startswith("v1.36")


async def test_kr8s_creates_and_lists(api: Any, namespace: str) -> None:
    await (await Kr8sConfigMap(make_config_map(), namespace, api)).create()

    assert await named(api.get("configmaps")) == ["kube-root-ca.crt", "settings"]


async def test_kr8s_lists_by_label_and_by_field(api: Any, namespace: str) -> None:
    for name in ("a", "b"):
        tree = make_config_map(name)
        tree["metadata"]["labels"] = {"called": name}
        await (await Kr8sConfigMap(tree, namespace, api)).create()

    by_label = await named(api.get("configmaps", label_selector={"called": "b"}))
    by_field = await named(api.get("configmaps", field_selector={"metadata.name": "a"}))

    assert (by_label, by_field) == (["b"], ["a"])


async def test_kr8s_patches(api: Any, namespace: str) -> None:
    settings = await Kr8sConfigMap(make_config_map(), namespace, api)
    await settings.create()

    await settings.patch({"data": {"shape": "round"}})

    assert settings.raw["data"] == {"color": "blue", "shape": "round"}


async def test_kr8s_scales_and_waits(api: Any, namespace: str) -> None:
    web = await Kr8sDeployment(make_deployment(replicas=1), namespace, api)
    await web.create()
    with anyio.fail_after(60):
        await web.wait("condition=Available")

    await web.scale(2)

    assert web.replicas == 2
    assert len(await web.pods()) == 2


async def test_kr8s_watches(api: Any, namespace: str) -> None:
    settings = await Kr8sConfigMap(make_config_map(), namespace, api)
    await settings.create()
    seen: list[tuple[str, str]] = []

    with anyio.fail_after(60):
        async for event, found in api.watch(
            "configmaps", field_selector={"metadata.name": "settings"}
        ):
            seen.append((event, found.raw["data"]["color"]))
            if event == "ADDED":
                await settings.patch({"data": {"color": "red"}})
            elif event == "MODIFIED":
                await settings.delete()
            else:
                break

    assert seen == [("ADDED", "blue"), ("MODIFIED", "red"), ("DELETED", "red")]


async def test_kr8s_sends_an_apply(api: Any, namespace: str) -> None:
    applied = {
        "method": "PATCH",
        "version": "v1",
        "namespace": namespace,
        "url": "configmaps/settings",
        "params": {"fieldManager": "ours"},
        "headers": {"content-type": "application/apply-patch+yaml"},
    }
    async with api.call_api(**applied, json=make_config_map(color="blue", shape="round")):
        pass
    async with api.call_api(**applied, json=make_config_map(color="blue")) as answer:
        found = answer.json()

    assert found["data"] == {"color": "blue"}


@pytest.mark.usefixtures("widgets")
async def test_kr8s_handles_custom_resources(api: Any, namespace: str) -> None:
    widgets = new_class("Widget", "example.com/v1", asyncio=True)
    one = await widgets(make_widget(size=3), namespace, api)
    await one.create()

    await one.patch({"status": {"phase": "Ready"}}, subresource="status")

    assert (await widgets.get("one", namespace, api)).raw["status"] == {"phase": "Ready"}


async def test_kr8s_deletes(api: Any, namespace: str) -> None:
    settings = await Kr8sConfigMap(make_config_map(), namespace, api)
    await settings.create()

    await settings.delete()

    assert not await settings.exists()


@pytest.fixture
def light(kubeconfig: Path, namespace: str) -> Iterator[Any]:
    config = lightkube.KubeConfig.from_file(str(kubeconfig))
    with lightkube.Client(config=config, namespace=namespace, field_manager="light") as client:
        yield client


def config_map(name: str = "settings", labels: dict[str, str] | None = None, **data: str) -> Any:
    meta = ObjectMeta(name=name, labels=labels)
    return ConfigMap(metadata=meta, data=data or {"color": "blue"})


def test_lightkube_creates_and_gets(light: Any) -> None:
    light.create(config_map())

    assert light.get(ConfigMap, "settings").data == {"color": "blue"}


def test_lightkube_lists_in_pages(light: Any) -> None:
    for number in range(5):
        light.create(config_map(f"map-{number}"))

    listed = [found.metadata.name for found in light.list(ConfigMap, chunk_size=2)]

    assert [name for name in listed if name.startswith("map")] == [f"map-{n}" for n in range(5)]


def test_lightkube_lists_by_label(light: Any) -> None:
    for name in ("a", "b"):
        light.create(config_map(name, {"called": name}))

    listed = light.list(ConfigMap, labels={"called": "b"})

    assert [found.metadata.name for found in listed] == ["b"]


def test_lightkube_applies_until_it_conflicts(light: Any) -> None:
    light.apply(config_map(color="blue"), field_manager="ours")

    with pytest.raises(ApiError) as refused:
        light.apply(config_map(color="red"), field_manager="theirs")
    forced = light.apply(config_map(color="red"), field_manager="theirs", force=True)

    assert (refused.value.status.reason, forced.data) == ("Conflict", {"color": "red"})


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (PatchType.MERGE, {"data": {"color": None, "shape": "round"}}),
        (PatchType.STRATEGIC, {"data": {"color": None, "shape": "round"}}),
        (PatchType.JSON, [{"op": "move", "from": "/data/color", "path": "/data/shape"}]),
    ],
)
def test_lightkube_patches(light: Any, kind: PatchType, patch: Any) -> None:
    light.create(config_map(color="round"))

    assert light.patch(ConfigMap, "settings", patch, patch_type=kind).data == {"shape": "round"}


def test_lightkube_replaces_only_the_version_it_read(light: Any) -> None:
    old = light.create(config_map())
    light.patch(ConfigMap, "settings", {"data": {"color": "red"}})

    with pytest.raises(ApiError) as refused:
        light.replace(old)

    assert refused.value.status.code == 409


def test_lightkube_scales(light: Any) -> None:
    light.create(Deployment.from_dict(make_deployment(replicas=0)))

    light.patch(Deployment.Scale, "web", {"spec": {"replicas": 2}})

    assert light.get(Deployment.Scale, "web").spec.replicas == 2


def test_lightkube_watches(light: Any) -> None:
    light.create(config_map())
    seen = []

    for event, found in light.watch(ConfigMap, fields={"metadata.name": "settings"}):
        seen.append((event, found.data["color"]))
        if event == "ADDED":
            light.patch(ConfigMap, "settings", {"data": {"color": "red"}})
        elif event == "MODIFIED":
            light.delete(ConfigMap, "settings")
        else:
            break

    assert seen == [("ADDED", "blue"), ("MODIFIED", "red"), ("DELETED", "red")]


def test_lightkube_waits_for_a_condition(light: Any) -> None:
    light.create(Deployment.from_dict(make_deployment(replicas=1)))

    found = light.wait(Deployment, "web", for_conditions=["Available"])

    assert found.status.availableReplicas == 1


@pytest.mark.usefixtures("widgets")
def test_lightkube_handles_custom_resources(light: Any) -> None:
    widgets: Any = create_namespaced_resource("example.com", "v1", "Widget", "widgets")
    light.create(widgets(make_widget(size=3)))

    light.patch(widgets.Status, "one", {"status": {"phase": "Ready"}}, patch_type=PatchType.MERGE)

    assert light.get(widgets, "one").status == {"phase": "Ready"}


def test_lightkube_deletes_in_the_foreground(light: Any) -> None:
    created = light.create(Deployment.from_dict(make_deployment(replicas=1)))
    light.wait(Deployment, "web", for_conditions=["Available"])

    light.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
    changes = light.watch(Deployment, resource_version=created.metadata.resourceVersion)
    assert "DELETED" in (event for event, _ in changes)

    assert list(light.list(Pod)) == []
