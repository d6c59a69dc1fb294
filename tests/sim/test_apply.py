"""Server-side apply: ownership, conflicts, and fields given up."""

from __future__ import annotations

import pytest

from tests.manifests import make_config_map, make_deployment
from tests.sim.talk import Api

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{MAPS}/settings"
WEB = "/apis/apps/v1/namespaces/default/deployments/web"


async def test_apply_of_a_missing_object_creates_it(api: Api) -> None:
    answer = await api.apply(ONE, make_config_map())

    assert answer.status == 201
    [entry] = answer.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("ours", "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:color": {}}}


async def test_apply_with_a_version_of_a_missing_object_creates_it(api: Api) -> None:
    tree = make_config_map()
    tree["metadata"]["resourceVersion"] = "1"

    answer = await api.apply(ONE, tree)

    assert answer.status == 201
    assert answer.body["metadata"]["resourceVersion"] != "1"


async def test_apply_with_another_version_of_a_live_object_conflicts(api: Api) -> None:
    await api.apply(ONE, make_config_map())
    tree = make_config_map(color="red")
    tree["metadata"]["resourceVersion"] = "1"

    answer = await api.apply(ONE, tree)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.body["message"]


async def test_apply_with_a_uid_of_a_missing_object_conflicts(api: Api) -> None:
    tree = make_config_map()
    tree["metadata"]["uid"] = "a-uid"

    answer = await api.apply(ONE, tree)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "uid mismatch" in answer.body["message"]


async def test_apply_without_a_manager_is_invalid(api: Api) -> None:
    answer = await api.patch(ONE, make_config_map(), "application/apply-patch+yaml")

    assert answer.status == 422
    assert answer.body["details"]["causes"][0]["field"] == "fieldManager"


async def test_equal_apply_bumps_no_version(api: Api) -> None:
    first = await api.apply(WEB, make_deployment())
    second = await api.apply(WEB, make_deployment())

    assert second.status == 200
    assert second.body == first.body


async def test_field_no_longer_applied_is_removed(api: Api) -> None:
    await api.apply(ONE, make_config_map(color="blue", size="big"))
    answer = await api.apply(ONE, make_config_map(color="blue"))

    assert answer.body["data"] == {"color": "blue"}


async def test_field_that_another_applier_shares_stays(api: Api) -> None:
    await api.apply(ONE, make_config_map(color="blue", size="big"))
    await api.apply(ONE, make_config_map(size="big"), "theirs")
    answer = await api.apply(ONE, make_config_map(color="blue"))

    assert answer.body["data"] == {"color": "blue", "size": "big"}


async def test_change_of_a_foreign_field_conflicts_and_names_the_manager(api: Api) -> None:
    await api.apply(ONE, make_config_map(color="blue"), "theirs")
    answer = await api.apply(ONE, make_config_map(color="red"))

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "theirs"',
            "field": ".data.color",
        }
    ]


async def test_forced_apply_takes_the_field_over(api: Api) -> None:
    await api.apply(ONE, make_config_map(color="blue"), "theirs")
    answer = await api.apply(ONE, make_config_map(color="red"), force="true")

    assert answer.body["data"] == {"color": "red"}
    assert [entry["manager"] for entry in answer.body["metadata"]["managedFields"]] == ["ours"]


async def test_update_takes_fields_from_an_applier(api: Api) -> None:
    await api.apply(WEB, make_deployment(replicas=2))
    await api.patch(WEB, {"spec": {"replicas": 9}}, fieldManager="human")
    answer = await api.apply(WEB, make_deployment(replicas=2))

    assert answer.status == 409
    cause = answer.body["details"]["causes"][0]
    assert cause["field"] == ".spec.replicas"
    assert cause["message"] == 'conflict with "human" using apps/v1'


async def test_container_no_longer_applied_goes_with_its_defaults(api: Api) -> None:
    tree = make_deployment()
    tree["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    await api.apply(WEB, tree)
    answer = await api.apply(WEB, make_deployment())

    containers = answer.body["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == ["app"]


async def test_apply_through_the_main_resource_cannot_set_status(api: Api) -> None:
    await api.apply(WEB, make_deployment())
    tree = make_deployment() | {"status": {"replicas": 5}}
    answer = await api.apply(WEB, tree)

    assert "replicas" not in answer.body.get("status", {})


async def test_dry_run_stores_nothing(api: Api) -> None:
    answer = await api.apply(ONE, make_config_map(), dryRun="All")

    assert answer.status == 201
    assert (await api.get(ONE)).status == 404
