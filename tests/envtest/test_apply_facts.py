"""What a real API server does with versions and UIDs in writes, on which the engine relies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.envtest.api import Answer, Api, fresh_name, open_api, until
from tests.envtest.bodies import (
    WIDGET_GROUP,
    Tree,
    make_config_map,
    make_deployment,
    make_widget,
    make_widget_kind,
)
from tests.envtest.planes import Plane

pytestmark = pytest.mark.envtest

STALE = "1"  # a resourceVersion older than any object of ours
WRONG_UID = "11111111-2222-3333-4444-555555555555"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

COLLECTIONS: dict[str, tuple[str, Callable[[str], Tree]]] = {
    "configmaps": ("/api/v1/namespaces/{}/configmaps", make_config_map),
    "deployments": ("/apis/apps/v1/namespaces/{}/deployments", make_deployment),
    "widgets": (f"/apis/{WIDGET_GROUP}/v1/namespaces/{{}}/widgets", make_widget),
}


@dataclass(frozen=True, slots=True)
class Site:
    """One kind in a namespace of its own."""

    api: Api
    collection: str
    make: Callable[[str], Tree]

    def body(self, name: str, **metadata: Any) -> Tree:
        """Return a valid object with more metadata."""
        tree = self.make(name)
        tree["metadata"].update(metadata)
        return tree

    def path(self, name: str) -> str:
        """Return where an object is served."""
        return f"{self.collection}/{name}"

    async def apply(self, name: str, **metadata: Any) -> Answer:
        """Server-side apply an object with more metadata."""
        return await self.api.apply(self.path(name), self.body(name, **metadata))


@pytest.fixture
async def api(real_hub: Plane) -> AsyncIterator[Api]:
    async with open_api(real_hub) as opened:
        yield opened


async def open_site(api: Api, kind: str) -> Site:
    namespace = fresh_name("facts")
    await api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    template, make = COLLECTIONS[kind]
    collection = template.format(namespace)
    if kind == "widgets":
        assert (await api.send("POST", CRDS, make_widget_kind())).code in (201, 409)

        async def is_served() -> bool:
            return (await api.get(collection)).code == 200

        await until(is_served)
    return Site(api, collection, make)


@pytest.fixture(params=sorted(COLLECTIONS))
async def site(api: Api, request: pytest.FixtureRequest) -> Site:
    return await open_site(api, request.param)


@pytest.fixture(params=["deployments", "widgets"])
async def site_with_status(api: Api, request: pytest.FixtureRequest) -> Site:
    return await open_site(api, request.param)


@pytest.mark.parametrize("version", ["0", STALE])
async def test_apply_with_a_version_creates_a_missing_object(site: Site, version: str) -> None:
    answer = await site.apply("one", resourceVersion=version)

    assert answer.code == 201
    assert (await site.api.get(site.path("one"))).uid == answer.uid


async def test_apply_with_a_stale_version_conflicts_without_causes(site: Site) -> None:
    await site.apply("one")

    answer = await site.apply("one", resourceVersion=STALE)

    assert (answer.code, answer.reason, answer.causes) == (409, "Conflict", [])
    assert "the object has been modified" in answer.message


async def test_apply_with_the_live_uid_and_version_is_accepted(site: Site) -> None:
    live = await site.apply("one")

    answer = await site.apply("one", uid=live.uid, resourceVersion=live.version)

    assert (answer.code, answer.version) == (200, live.version)


async def test_apply_with_a_wrong_uid_is_invalid_not_a_conflict(site: Site) -> None:
    await site.apply("one")

    answer = await site.apply("one", uid=WRONG_UID)

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert set(answer.causes) == {("FieldValueInvalid", "metadata.uid")}


async def test_apply_with_a_stale_version_conflicts_before_the_uid_is_looked_at(
    site: Site,
) -> None:
    await site.apply("one")

    answer = await site.apply("one", uid=WRONG_UID, resourceVersion=STALE)

    assert (answer.code, answer.reason) == (409, "Conflict")


async def test_apply_with_a_uid_never_creates(site: Site) -> None:
    answer = await site.apply("one", uid=WRONG_UID)

    assert (answer.code, answer.reason, answer.causes) == (409, "Conflict", [])
    assert "uid mismatch" in answer.message
    assert "no existing object was found" in answer.message
    assert (await site.api.get(site.path("one"))).code == 404


async def test_apply_without_a_change_keeps_the_version(site: Site) -> None:
    live = await site.apply("one")

    again = await site.apply("one")

    assert (again.code, again.version) == (200, live.version)


async def test_the_first_apply_of_another_manager_is_a_change(site: Site) -> None:
    live = await site.apply("one")

    shared = await site.api.apply(site.path("one"), site.body("one"), manager="second")

    assert shared.code == 200
    assert shared.version != live.version


async def test_delete_with_a_stale_version_conflicts_though_the_uid_is_right(site: Site) -> None:
    live = await site.apply("one")
    preconditions = {"uid": live.uid, "resourceVersion": STALE}

    answer = await site.api.send("DELETE", site.path("one"), {"preconditions": preconditions})

    assert (answer.code, answer.reason) == (409, "Conflict")
    assert "the ResourceVersion in the precondition (1)" in answer.message


async def test_delete_with_a_wrong_uid_conflicts(site: Site) -> None:
    await site.apply("one")

    answer = await site.api.send("DELETE", site.path("one"), {"preconditions": {"uid": WRONG_UID}})

    assert (answer.code, answer.reason) == (409, "Conflict")
    assert f"the UID in the precondition ({WRONG_UID})" in answer.message


async def test_delete_of_a_missing_object_is_not_found_whatever_the_precondition(
    site: Site,
) -> None:
    answer = await site.api.send("DELETE", site.path("none"), {"preconditions": {"uid": WRONG_UID}})

    assert (answer.code, answer.reason) == (404, "NotFound")


async def test_merge_patch_with_a_stale_version_conflicts(site: Site) -> None:
    await site.apply("one")
    patch = {"metadata": {"resourceVersion": STALE, "labels": {"colour": "red"}}}

    answer = await site.api.merge(site.path("one"), patch)

    assert (answer.code, answer.reason) == (409, "Conflict")


async def test_merge_patch_with_a_wrong_uid_is_invalid(site: Site) -> None:
    await site.apply("one")
    patch = {"metadata": {"uid": WRONG_UID, "labels": {"colour": "red"}}}

    answer = await site.api.merge(site.path("one"), patch)

    assert (answer.code, answer.reason) == (422, "Invalid")


async def test_merge_patch_without_a_change_keeps_the_version(site: Site) -> None:
    live = await site.apply("one", labels={"colour": "red"})

    again = await site.api.merge(site.path("one"), {"metadata": {"labels": {"colour": "red"}}})

    assert (again.code, again.version) == (200, live.version)


async def test_status_patch_changes_neither_labels_nor_spec(site_with_status: Site) -> None:
    site = site_with_status
    live = await site.apply("one", labels={"colour": "red"})
    patch = {
        "metadata": {"labels": {"colour": "blue"}},
        "spec": {"replicas": 9, "size": 9},
        "status": {"observedGeneration": 1},
    }

    answer = await site.api.merge(site.path("one") + "/status", patch)

    assert answer.code == 200
    assert answer.body["status"] == {"observedGeneration": 1}
    assert answer.body["spec"] == live.body["spec"]
    assert answer.body["metadata"]["labels"] == {"colour": "red"}
    assert answer.body["metadata"]["generation"] == live.body["metadata"]["generation"]


@pytest.mark.parametrize(("kind", "written"), [("deployments", True), ("widgets", False)])
async def test_status_patch_writes_annotations_and_finalizers_of_built_in_kinds(
    api: Api, kind: str, written: bool
) -> None:
    site = await open_site(api, kind)
    await site.apply("one")
    patch = {"metadata": {"annotations": {"a": "1"}, "finalizers": ["tmc-console.test/hold"]}}

    answer = await api.merge(site.path("one") + "/status", patch)

    metadata = answer.body["metadata"]
    assert answer.code == 200
    assert ("annotations" in metadata, "finalizers" in metadata) == (written, written)


async def test_status_patch_with_a_stale_version_conflicts(site_with_status: Site) -> None:
    site = site_with_status
    await site.apply("one")
    patch = {"metadata": {"resourceVersion": STALE}, "status": {"observedGeneration": 1}}

    answer = await site.api.merge(site.path("one") + "/status", patch)

    assert (answer.code, answer.reason) == (409, "Conflict")


@pytest.mark.parametrize(("kind", "code"), [("deployments", 422), ("widgets", 200)])
async def test_a_uid_in_a_status_patch_is_no_fence_for_custom_resources(
    api: Api, kind: str, code: int
) -> None:
    site = await open_site(api, kind)
    await site.apply("one")
    patch = {"metadata": {"uid": WRONG_UID}, "status": {"observedGeneration": 1}}

    answer = await api.merge(site.path("one") + "/status", patch)

    assert answer.code == code


@pytest.mark.parametrize("path", ["/api", "/apis"])
async def test_aggregated_discovery_names_itself_in_the_content_type(api: Api, path: str) -> None:
    wanted = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    answer = await api.send("GET", path, accept=f"{wanted},application/json")

    assert (answer.code, answer.content_type) == (200, wanted)
    assert answer.body["kind"] == "APIGroupDiscoveryList"


async def test_an_unknown_discovery_version_is_not_acceptable(api: Api) -> None:
    unknown = "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList"

    answer = await api.send("GET", "/apis", accept=unknown)

    assert answer.code == 406


async def test_a_kind_nobody_serves_is_a_404_in_plain_text(api: Api) -> None:
    answer = await api.get("/apis/nobody.tmc-console.test/v1/namespaces/default/things/one")

    assert (answer.code, answer.content_type) == (404, "text/plain; charset=utf-8")
