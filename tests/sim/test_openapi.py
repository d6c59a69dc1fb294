"""OpenAPI in both versions: references resolve, and every field has a description."""

from __future__ import annotations

import re

import pytest

from tests.sim.talk import Api
from tests.sim.test_writing import CRDS, make_definition
from tmcconsole.runtime import Request
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.schema.openapi2 import ASKED, PROTOBUF

pytestmark = pytest.mark.anyio


async def test_version_2_refers_to_nothing_that_is_missing(api: Api) -> None:
    answer = await api.get("/openapi/v2")

    definitions = answer.body["definitions"]
    referred = set(re.findall(r"#/definitions/([^'\"]+)", str(answer.body)))
    assert answer.body["swagger"] == "2.0"
    assert referred <= definitions.keys()
    assert "components/schemas" not in str(answer.body)


async def test_version_2_knows_a_kind_by_its_name_and_a_custom_one_with_its_texts(
    api: Api,
) -> None:
    await api.post(CRDS, make_definition(size={"type": "integer", "description": "How large."}))

    definitions = (await api.get("/openapi/v2")).body["definitions"]

    deployment = definitions["io.k8s.api.apps.v1.Deployment"]
    assert deployment["x-kubernetes-group-version-kind"] == [
        {"group": "apps", "version": "v1", "kind": "Deployment"}
    ]
    spec = {"$ref": "#/definitions/io.k8s.api.apps.v1.DeploymentSpec"}
    assert deployment["properties"]["spec"].items() >= spec.items()
    assert "How large." in str(definitions)


async def test_version_2_comes_in_protobuf_where_that_is_asked_for(cluster: SimCluster) -> None:
    answer = await cluster.transport().request(Request("GET", "/openapi/v2", accept=ASKED))

    assert answer.headers["content-type"] == PROTOBUF
    assert b"io.k8s.api.apps.v1.DeploymentSpec" in answer.body


async def test_fields_of_built_in_kinds_say_what_they_are(api: Api) -> None:
    schemas = (await api.get("/openapi/v3/apis/apps/v1")).body["components"]["schemas"]

    spec = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["containers"]["description"] == (
        "List of containers (Container), told apart by name. Required."
    )
    assert spec["terminationGracePeriodSeconds"]["description"] == (
        "Termination grace period seconds."
    )
    assert all(
        field.get("description")
        for schema in schemas.values()
        for field in (schema.get("properties") or {}).values()
    )
