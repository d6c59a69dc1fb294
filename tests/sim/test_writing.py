"""Create, update, patch, delete: what the simulated server refuses and what it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.manifests import make_config_map, make_deployment
from tests.sim.talk import JSON_PATCH, STRATEGIC, Api

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{MAPS}/settings"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
WEB = f"{DEPLOYMENTS}/web"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
Json = dict[str, Any]


def make_definition(**schema: Json) -> Json:
    spec = {"type": "object", "properties": schema}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    return {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [version],
        },
    }


def make_widget(**spec: Any) -> Json:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": spec,
    }


async def test_create_of_a_taken_name_says_already_exists(api: Api) -> None:
    await api.post(MAPS, make_config_map())

    answer = await api.post(MAPS, make_config_map())

    assert (answer.status, answer.body["reason"]) == (409, "AlreadyExists")
    assert answer.body["details"] == {"name": "settings", "kind": "configmaps"}


async def test_create_in_a_missing_namespace_is_not_found(api: Api) -> None:
    answer = await api.post("/api/v1/namespaces/none/configmaps", make_config_map())

    assert answer.status == 404
    assert answer.body["details"] == {"name": "none", "kind": "namespaces"}


async def test_B12_create_in_a_terminating_namespace_is_forbidden(api: Api) -> None:
    await api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    await api.delete("/api/v1/namespaces/shop")

    answer = await api.post("/api/v1/namespaces/shop/configmaps", make_config_map())

    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert answer.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_generated_name_begins_as_asked(api: Api) -> None:
    answer = await api.post(MAPS, {"metadata": {"generateName": "web-"}})

    assert answer.body["metadata"]["name"].startswith("web-")
    assert len(answer.body["metadata"]["name"]) == len("web-") + 5


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 254])
async def test_bad_names_are_invalid(api: Api, name: str) -> None:
    answer = await api.post(MAPS, make_config_map(name))

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["details"]["causes"][0]["field"] == "metadata.name"


async def test_update_of_an_older_version_conflicts(api: Api) -> None:
    created = (await api.post(MAPS, make_config_map())).body
    await api.patch(ONE, {"data": {"a": "b"}})

    answer = await api.put(ONE, created)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


async def test_write_that_changes_nothing_bumps_no_version(api: Api) -> None:
    created = (await api.post(WEB.removesuffix("/web"), make_deployment())).body

    again = (await api.patch(WEB, {"spec": {"replicas": 2}})).body

    assert again["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


async def test_generation_counts_changes_of_the_spec_only(api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment())
    labelled = await api.patch(WEB, {"metadata": {"labels": {"a": "b"}}})
    reported = await api.patch(f"{WEB}/status", {"status": {"replicas": 1}})
    scaled = await api.patch(f"{WEB}/scale", {"spec": {"replicas": 5}})
    whole = await api.get(WEB)

    assert labelled.body["metadata"]["generation"] == 1
    assert reported.body["metadata"]["generation"] == 1
    assert scaled.body["spec"]["replicas"] == 5
    assert whole.body["metadata"]["generation"] == 2


async def test_status_and_spec_are_written_apart(api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment())
    both = {"spec": {"replicas": 7}, "status": {"replicas": 9}}
    main = (await api.patch(WEB, both)).body
    status = (await api.patch(f"{WEB}/status", {"spec": {"replicas": 1}, **both})).body

    assert "replicas" not in main.get("status", {})
    assert (status["spec"]["replicas"], status["status"]["replicas"]) == (7, 9)


async def test_strategic_patch_merges_containers_by_name(api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment())
    side = {"containers": [{"name": "side", "image": "side:1"}]}

    answer = await api.patch(WEB, {"spec": {"template": {"spec": side}}}, STRATEGIC)

    containers = answer.body["spec"]["template"]["spec"]["containers"]
    assert {container["name"] for container in containers} == {"app", "side"}


async def test_failed_test_of_a_json_patch_changes_nothing(api: Api) -> None:
    await api.post(MAPS, make_config_map(color="blue"))
    patch = [
        {"op": "test", "path": "/data/color", "value": "red"},
        {"op": "replace", "path": "/data/color", "value": "green"},
    ]

    answer = await api.patch(ONE, patch, JSON_PATCH)

    assert answer.status == 422
    assert (await api.get(ONE)).body["data"] == {"color": "blue"}


async def test_B8_selector_of_a_deployment_cannot_change(api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment())

    answer = await api.patch(WEB, {"spec": {"selector": {"matchLabels": {"app": "other"}}}})

    assert answer.status == 422
    assert "spec.selector" in {cause["field"] for cause in answer.body["details"]["causes"]}


async def test_C4_delete_of_another_uid_or_version_conflicts(api: Api) -> None:
    created = (await api.post(MAPS, make_config_map())).body["metadata"]
    wrong_uid = {"preconditions": {"uid": "other"}}
    old_version = {"preconditions": {"uid": created["uid"], "resourceVersion": "1"}}

    answers = [await api.delete(ONE, wrong_uid), await api.delete(ONE, old_version)]

    assert [answer.status for answer in answers] == [409, 409]
    assert (await api.get(ONE)).status == 200


async def test_C3_finalizer_holds_an_object_until_it_is_removed(api: Api) -> None:
    held = make_config_map()
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await api.post(MAPS, held)
    marked = await api.delete(ONE)
    added = await api.patch(ONE, {"metadata": {"finalizers": ["example.com/hold", "x.com/y"]}})
    await api.patch(ONE, {"metadata": {"finalizers": None}})

    assert marked.body["metadata"]["deletionTimestamp"]
    assert added.status == 422
    assert (await api.get(ONE)).status == 404


async def test_dry_runs_of_every_verb_store_nothing(api: Api) -> None:
    await api.post(MAPS, make_config_map(color="blue"))
    before = (await api.get(MAPS)).body["metadata"]["resourceVersion"]
    for answer in (
        await api.post(MAPS, make_config_map("other"), dryRun="All"),
        await api.put(ONE, make_config_map(color="red"), dryRun="All"),
        await api.patch(ONE, {"data": {"color": "red"}}, dryRun="All"),
        await api.delete(ONE, dryRun="All"),
    ):
        assert answer.status in (200, 201)

    assert (await api.get(MAPS)).body["metadata"]["resourceVersion"] == before


async def test_B11_object_that_is_too_large_is_refused(api: Api) -> None:
    answer = await api.post(MAPS, make_config_map(big="x" * 4_000_000))

    assert answer.status == 413


async def test_definition_serves_its_kind_at_once_and_takes_it_along(api: Api) -> None:
    await api.post(CRDS, make_definition(size={"type": "integer", "default": 3}))
    created = await api.post(WIDGETS, make_widget(extra=1))
    await api.delete(f"{CRDS}/widgets.example.com")

    assert created.body["spec"] == {"size": 3}
    assert (await api.get(WIDGETS)).status == 404
    assert (await api.get("/apis/example.com")).status == 404


async def test_schema_refuses_with_one_cause_for_each_field(api: Api) -> None:
    size = {"type": "integer", "minimum": 1}
    await api.post(CRDS, make_definition(size=size, color={"type": "string", "enum": ["red"]}))

    answer = await api.post(WIDGETS, make_widget(size=0, color="blue"))

    fields = [cause["field"] for cause in answer.body["details"]["causes"]]
    assert (answer.status, sorted(fields)) == (422, ["spec.color", "spec.size"])


async def test_strict_validation_names_the_unknown_field(api: Api) -> None:
    await api.post(CRDS, make_definition(size={"type": "integer"}))

    answer = await api.post(WIDGETS, make_widget(extra=1), fieldValidation="Strict")

    assert answer.status == 400
    assert 'unknown field "spec.extra"' in answer.body["message"]


async def test_custom_resource_takes_no_strategic_patch(api: Api) -> None:
    await api.post(CRDS, make_definition(size={"type": "integer"}))
    await api.post(WIDGETS, make_widget())

    answer = await api.patch(f"{WIDGETS}/one", {"spec": {"size": 1}}, STRATEGIC)

    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")


async def test_deletecollection_takes_what_is_selected(api: Api) -> None:
    for name in ("a", "b"):
        tree = make_config_map(name)
        tree["metadata"]["labels"] = {"name": name}
        await api.post(MAPS, tree)

    await api.delete(MAPS, labelSelector="name=a")

    left = [item["metadata"]["name"] for item in (await api.get(MAPS)).body["items"]]
    assert left == ["b"]
