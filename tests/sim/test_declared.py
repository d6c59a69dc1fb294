"""Built-in kinds have the fields and types that Kubernetes declares, at any depth."""

from __future__ import annotations

import pytest

from tests.differential.widgets import widget_definition
from tests.manifests import make_deployment
from tests.sim.talk import APPLY, MERGE, Api, Json

pytestmark = pytest.mark.anyio
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
ONE = f"{DEPLOYMENTS}/web"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def make_strange(**container: object) -> Json:
    tree = make_deployment()
    tree["spec"]["template"]["spec"]["containers"][0] |= container
    return tree


async def test_unknown_fields_are_refused_where_the_client_is_strict(api: Api) -> None:
    answer = await api.post(DEPLOYMENTS, make_strange(imagee="x"), fieldValidation="Strict")

    assert answer.status == 400
    assert answer.body["message"].endswith(
        'strict decoding error: unknown field "spec.template.spec.containers[0].imagee"'
    )


async def test_unknown_fields_are_dropped_with_a_warning(api: Api) -> None:
    answer = await api.post(DEPLOYMENTS, make_strange(imagee="x"))

    assert answer.status == 201
    assert "imagee" not in str(answer.body)
    assert answer.headers["warning"] == (
        '299 - "unknown field \\"spec.template.spec.containers[0].imagee\\""'
    )


async def test_unknown_fields_are_dropped_in_silence_where_ignored(api: Api) -> None:
    answer = await api.post(DEPLOYMENTS, make_strange(imagee="x"), fieldValidation="Ignore")

    assert (answer.status, "warning" in answer.headers) == (201, False)


async def test_a_patch_warns_of_unknown_fields(api: Api) -> None:
    await api.post(DEPLOYMENTS, make_deployment())

    answer = await api.patch(ONE, {"spec": {"replica": 3}}, MERGE)

    assert answer.headers["warning"] == '299 - "unknown field \\"spec.replica\\""'


async def test_a_field_that_is_named_twice_has_its_last_value_and_a_warning(api: Api) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}'

    answer = await api.send("POST", CONFIG_MAPS, body)

    assert answer.body["data"] == {"x": "2"}
    assert answer.headers["warning"] == '299 - "duplicate field \\"data.x\\""'


async def test_a_field_that_is_named_twice_is_refused_where_the_client_is_strict(api: Api) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}'

    answer = await api.send("POST", CONFIG_MAPS, body, fieldValidation="Strict")

    assert answer.status == 400
    assert answer.body["message"].endswith('strict decoding error: duplicate field "data.x"')


async def test_a_request_for_a_deprecated_kind_is_warned_even_where_it_fails(api: Api) -> None:
    answer = await api.get("/api/v1/namespaces/default/endpoints/none")

    told = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert (answer.status, answer.headers["warning"]) == (404, f'299 - "{told}"')


async def test_a_deprecated_version_of_a_custom_kind_says_so(api: Api) -> None:
    definition = widget_definition()
    definition["spec"]["versions"][0]["deprecated"] = True
    await api.post(CRDS, definition)
    group, plural = definition["spec"]["group"], definition["spec"]["names"]["plural"]

    answer = await api.get(f"/apis/{group}/v1/namespaces/default/{plural}")

    kind = definition["spec"]["names"]["kind"]
    assert answer.headers["warning"] == f'299 - "{group}/v1 {kind} is deprecated"'


async def test_an_apply_refuses_unknown_fields(api: Api) -> None:
    answer = await api.send("PATCH", ONE, make_strange(imagee="x"), APPLY, fieldManager="ours")

    assert answer.status == 500
    assert "imagee: field not declared in schema" in answer.body["message"]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("image", 5, "number into Go struct field Container.{0}.image of type string"),
        ("stdin", "yes", "string into Go struct field Container.{0}.stdin of type bool"),
        ("args", "-v", "string into Go struct field Container.{0}.args of type []string"),
        ("resources", [], "array into Go struct field Container.{0}.resources of type"),
        ("env", [{"name": 1}], "number into Go struct field EnvVar.{0}.env.name of type string"),
    ],
)
async def test_mistyped_fields_are_refused_in_the_words_of_go(
    api: Api, field: str, value: object, told: str
) -> None:
    answer = await api.post(DEPLOYMENTS, make_strange(**{field: value}))

    assert answer.status == 400
    assert told.format("spec.template.spec.containers") in answer.body["message"]


@pytest.mark.parametrize("value", [True, 1.5, "2", {}])
async def test_a_count_is_a_whole_number(api: Api, value: object) -> None:
    tree = make_deployment()
    tree["spec"]["replicas"] = value

    assert (await api.post(DEPLOYMENTS, tree)).status == 400


async def test_null_fits_every_type(api: Api) -> None:
    assert (await api.post(DEPLOYMENTS, make_strange(image="a", args=None))).status == 201
