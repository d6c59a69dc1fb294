"""Get, list and watch: selectors, pages, versions, forms, and what a watcher sees."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.manifests import make_config_map, make_deployment
from tests.sim.talk import Api, make_cluster
from tmcconsole.runtime import Request
from tmcconsole.sim.faces.cluster import SimCluster

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"
WEB = "/apis/apps/v1/namespaces/default/deployments"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
STREAM = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


async def fill(api: Api, count: int) -> None:
    for number in range(count):
        tree = make_config_map(f"map-{number}")
        tree["metadata"]["labels"] = {"parity": "even" if number % 2 == 0 else "odd"}
        await api.post(MAPS, tree)


async def events(api: Api, path: str = MAPS, **query: str) -> list[dict[str, Any]]:
    """Return what a watch of one second yields."""
    answer = await api.send("GET", path, **{"watch": "1", "timeoutSeconds": "1", **query})
    if answer.body == {"text": ""}:
        return []
    return answer.body if isinstance(answer.body, list) else [answer.body]


def names(body: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def told(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["type"], line["object"]["metadata"].get("name", "")) for line in lines]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("parity=even", ["map-0", "map-2"]),
        ("parity!=even", ["map-1"]),
        ("parity in (odd,other)", ["map-1"]),
        ("parity notin (odd)", ["map-0", "map-2"]),
        ("parity", ["map-0", "map-1", "map-2"]),
        ("!parity", []),
        ("parity=even,!other", ["map-0", "map-2"]),
    ],
)
async def test_label_selectors(api: Api, selector: str, found: list[str]) -> None:
    await fill(api, 3)

    assert names((await api.get(MAPS, labelSelector=selector)).body) == found


async def test_unknown_field_of_a_selector_is_a_bad_request(api: Api) -> None:
    answer = await api.get("/api/v1/pods", fieldSelector="spec.color=red")

    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


async def test_pages_show_one_moment_whatever_happens_between(api: Api) -> None:
    await fill(api, 5)
    first = (await api.get(MAPS, limit="2")).body
    await api.delete(f"{MAPS}/map-3")
    await api.post(MAPS, make_config_map("map-9"))
    token = first["metadata"]["continue"]
    second = (await api.get(MAPS, **{"limit": "9", "continue": token})).body

    assert names(first) + names(second) == [f"map-{number}" for number in range(5)]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert first["metadata"]["remainingItemCount"] == 3


async def test_list_of_a_version_not_reached_answers_504(api: Api) -> None:
    answer = await api.get(MAPS, resourceVersion="999", resourceVersionMatch="NotOlderThan")

    assert (answer.status, answer.body["reason"]) == (504, "Timeout")


async def test_items_of_built_in_lists_have_no_kind_and_objects_do(api: Api) -> None:
    await fill(api, 1)

    [item] = (await api.get(MAPS)).body["items"]
    assert "kind" not in item
    assert (await api.get(f"{MAPS}/map-0")).body["kind"] == "ConfigMap"


async def test_table_has_the_columns_kubectl_shows(api: Api) -> None:
    await api.post(WEB, make_deployment(replicas=2))

    table = (await api.send("GET", WEB, accept=TABLE)).body

    shown = [c["name"] for c in table["columnDefinitions"] if c["priority"] == 0]
    assert shown == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert table["rows"][0]["cells"][:4] == ["web", "0/2", 0, 0]


async def test_metadata_only_list_carries_nothing_else(api: Api) -> None:
    await fill(api, 1)

    [item] = (await api.send("GET", MAPS, accept=PARTIAL)).body["items"]

    assert set(item) == {"kind", "apiVersion", "metadata"}


async def test_watch_from_a_version_sees_all_that_came_after(api: Api) -> None:
    await fill(api, 1)
    version = (await api.get(MAPS)).body["metadata"]["resourceVersion"]
    await api.patch(f"{MAPS}/map-0", {"data": {"a": "b"}})
    await api.delete(f"{MAPS}/map-0")

    lines = await events(api, resourceVersion=version)

    assert told(lines) == [("MODIFIED", "map-0"), ("DELETED", "map-0")]


async def test_watch_without_a_version_begins_with_what_is_there(api: Api) -> None:
    await fill(api, 2)

    assert told(await events(api)) == [("ADDED", "map-0"), ("ADDED", "map-1")]


async def test_object_that_leaves_the_selector_is_deleted_for_the_watcher(api: Api) -> None:
    await fill(api, 1)
    version = (await api.get(MAPS)).body["metadata"]["resourceVersion"]
    await api.patch(f"{MAPS}/map-0", {"metadata": {"labels": {"parity": "none"}}})
    changed = (await api.get(f"{MAPS}/map-0")).body["metadata"]["resourceVersion"]
    await api.patch(f"{MAPS}/map-0", {"metadata": {"labels": {"parity": "even"}}})

    lines = await events(api, resourceVersion=version, labelSelector="parity=even")

    assert told(lines) == [("DELETED", "map-0"), ("ADDED", "map-0")]
    left = lines[0]["object"]["metadata"]
    assert (left["labels"], left["resourceVersion"]) == ({"parity": "even"}, changed)


async def test_streaming_list_ends_with_the_marked_bookmark(api: Api) -> None:
    await fill(api, 2)

    lines = await events(api, allowWatchBookmarks="true", **STREAM)

    assert [line["type"] for line in lines[:3]] == ["ADDED", "ADDED", "BOOKMARK"]
    notes = lines[2]["object"]["metadata"]["annotations"]
    assert notes == {"k8s.io/initial-events-end": "true"}


async def test_streaming_list_without_a_match_is_invalid(api: Api) -> None:
    answer = await api.get(MAPS, watch="1", sendInitialEvents="true")

    assert answer.status == 422


async def test_bookmarks_come_once_a_minute_and_at_the_end(api: Api) -> None:
    lines = await events(api, timeoutSeconds="150", allowWatchBookmarks="true")

    assert [line["type"] for line in lines] == ["BOOKMARK"] * 3


async def test_many_watchers_share_one_serialised_line(cluster: SimCluster, api: Api) -> None:
    seen: list[bytes] = []

    async def watch() -> None:
        query = (("watch", "1"), ("timeoutSeconds", "5"))
        async with cluster.transport().stream(Request("GET", MAPS, query)) as stream:
            async for chunk in stream.chunks():
                seen.append(chunk)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(watch)
        await anyio.sleep(1)
        await fill(api, 1)

    assert len(seen) == 5
    assert all(line is seen[0] for line in seen)


async def test_watcher_that_falls_behind_the_history_is_told_410(
    cluster: SimCluster, api: Api
) -> None:
    query = (("watch", "1"), ("timeoutSeconds", "5"))
    async with cluster.transport().stream(Request("GET", MAPS, query)) as stream:
        chunks = stream.chunks()
        await fill(api, 1)
        await anext(chunks)
        await fill_and_forget(api, cluster)
        last = await anext(chunks)
        await chunks.aclose()

    assert b'"code":410' in last


async def fill_and_forget(api: Api, cluster: SimCluster) -> None:
    await api.patch(f"{MAPS}/map-0", {"data": {"a": "b"}})
    cluster.store.compact()


async def test_aggregated_discovery_names_what_legacy_discovery_does(api: Api) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    aggregated = await api.send("GET", "/apis", accept=accept)
    groups = (await api.get("/apis")).body["groups"]

    assert aggregated.headers["content-type"] == accept
    found = [item["metadata"]["name"] for item in aggregated.body["items"]]
    assert found == [group["name"] for group in groups]


async def test_every_group_version_has_an_openapi_document(api: Api) -> None:
    paths = (await api.get("/openapi/v3")).body["paths"]

    for name, entry in paths.items():
        document = (await api.get(entry["serverRelativeURL"].partition("?")[0])).body
        assert document["paths"], name


async def test_kcp_workspace_has_no_workloads_until_a_definition_brings_them() -> None:
    api = Api(make_cluster("kcp", base_path="/clusters/root:ws"))

    assert (await api.get("/apis/apps/v1")).status == 404
    assert (await api.get("/api/v1/pods")).status == 404
    found = await api.get("/apis/core.kcp.io/v1alpha1/logicalclusters/cluster")
    assert found.body["metadata"]["annotations"]["kcp.io/cluster"] == "ws"
