"""The ``kubernetes`` client works on a simulated cluster: typed, dynamic, watching."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from kubernetes.client import ApiException

from tests.manifests import make_config_map, make_deployment, make_widget

untyped: Any = kubernetes  # its functions carry no types

pytestmark = pytest.mark.xdist_group("acceptance")


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    with untyped.config.new_client_from_config(str(kubeconfig)) as api:
        yield api


@pytest.fixture
def core(api: Any) -> Any:
    return untyped.client.CoreV1Api(api)


@pytest.fixture
def apps(api: Any) -> Any:
    return untyped.client.AppsV1Api(api)


@pytest.fixture
def anything(api: Any) -> Any:
    return untyped.dynamic.DynamicClient(api)


def test_typed_create_and_read(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, make_config_map(color="blue"))

    assert core.read_namespaced_config_map("settings", namespace).data == {"color": "blue"}


def test_typed_list_by_label(core: Any, namespace: str) -> None:
    for name, labels in (("a", {"size": "small"}), ("b", {"size": "large"})):
        meta = untyped.client.V1ObjectMeta(name=name, labels=labels)
        core.create_namespaced_config_map(namespace, untyped.client.V1ConfigMap(metadata=meta))

    listed = core.list_namespaced_config_map(namespace, label_selector="size=large")

    assert [item.metadata.name for item in listed.items] == ["b"]


def test_typed_list_in_pages(core: Any, namespace: str) -> None:
    for number in range(3):
        core.create_namespaced_config_map(namespace, make_config_map(f"map-{number}"))

    first = core.list_namespaced_config_map(namespace, limit=2)
    token = first.metadata._continue
    second = core.list_namespaced_config_map(namespace, limit=2, _continue=token)

    names = [item.metadata.name for item in (*first.items, *second.items)]
    assert names == ["kube-root-ca.crt", "map-0", "map-1", "map-2"]


def test_typed_replace_of_an_old_version_conflicts(core: Any, namespace: str) -> None:
    old = core.create_namespaced_config_map(namespace, make_config_map())
    core.patch_namespaced_config_map("settings", namespace, {"data": {"color": "red"}})

    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("settings", namespace, old)

    assert (refused.value.status, refused.value.reason) == (409, "Conflict")


def test_typed_patch_merges_containers_by_name(apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, make_deployment(replicas=0))
    container = {"name": "app", "env": [{"name": "A", "value": "1"}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}

    answer = apps.patch_namespaced_deployment("web", namespace, patch)

    [patched] = answer.spec.template.spec.containers
    assert (patched.image, patched.env[0].name) == ("nginx:1", "A")


def test_typed_status_patch(core: Any, apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, make_deployment(replicas=0))
    condition = {"type": "Seen", "status": "True"}

    answer = apps.patch_namespaced_deployment_status(
        "web", namespace, {"status": {"conditions": [condition]}}
    )

    assert "Seen" in [condition.type for condition in answer.status.conditions]


def test_typed_scale(apps: Any, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, make_deployment(replicas=0))

    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})

    assert apps.read_namespaced_deployment_scale("web", namespace).spec.replicas == 2


def test_typed_delete_with_a_precondition(core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, make_config_map())
    other = untyped.client.V1DeleteOptions(
        preconditions=untyped.client.V1Preconditions(uid="another")
    )

    with pytest.raises(ApiException) as refused:
        core.delete_namespaced_config_map("settings", namespace, body=other)
    core.delete_namespaced_config_map("settings", namespace)

    assert refused.value.status == 409
    left = [item.metadata.name for item in core.list_namespaced_config_map(namespace).items]
    assert "settings" not in left


def test_watch_tells_what_happens_in_order(core: Any, namespace: str) -> None:
    start = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, make_config_map())
    core.patch_namespaced_config_map("settings", namespace, {"data": {"color": "red"}})
    core.delete_namespaced_config_map("settings", namespace)

    stream = untyped.watch.Watch().stream(
        core.list_namespaced_config_map, namespace, resource_version=start, timeout_seconds=1
    )

    events = [(event["type"], event["object"].data["color"]) for event in stream]
    assert events == [("ADDED", "blue"), ("MODIFIED", "red"), ("DELETED", "red")]


def test_dynamic_apply_conflicts_until_forced(anything: Any, namespace: str) -> None:
    maps = anything.resources.get(api_version="v1", kind="ConfigMap")
    maps.server_side_apply(make_config_map(color="blue"), namespace=namespace, field_manager="ours")
    theirs = {"namespace": namespace, "field_manager": "theirs"}

    with pytest.raises(ApiException) as refused:
        maps.server_side_apply(make_config_map(color="red"), **theirs)
    forced = maps.server_side_apply(make_config_map(color="red"), force_conflicts=True, **theirs)

    assert (refused.value.status, forced.data.color) == (409, "red")


@pytest.mark.usefixtures("widgets")
def test_dynamic_client_discovers_custom_kinds(anything: Any, namespace: str) -> None:
    widgets = anything.resources.get(api_version="example.com/v1", kind="Widget")
    widgets.create(body=make_widget(size=3), namespace=namespace)
    widgets.status.patch(
        name="one",
        namespace=namespace,
        body={"status": {"phase": "Ready"}},
        content_type="application/merge-patch+json",
    )

    found = widgets.get(name="one", namespace=namespace)

    assert (found.spec.size, found.status.phase) == (3, "Ready")


def test_dynamic_watch_sees_a_deletion(anything: Any, core: Any, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, make_config_map())
    maps = anything.resources.get(api_version="v1", kind="ConfigMap")
    start = maps.get(namespace=namespace).metadata.resourceVersion
    maps.delete(name="settings", namespace=namespace)

    events = list(maps.watch(namespace=namespace, resource_version=start, timeout=1))

    assert [(event["type"], event["object"].metadata.name) for event in events] == [
        ("DELETED", "settings")
    ]
