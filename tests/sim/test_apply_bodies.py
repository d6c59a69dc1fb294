"""What an apply states is read as a real API server reads it: as YAML, by keys, with empties."""

from __future__ import annotations

import orjson
import pytest

from tests.manifests import make_deployment
from tests.sim.talk import APPLY, Api, Json

pytestmark = pytest.mark.anyio

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
HEAD = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}


async def apply(api: Api, text: str) -> Json:
    body = orjson.dumps({**HEAD, "data": {"a": text}})
    answer = await api.send("PATCH", f"{MAPS}/x", body, APPLY, fieldManager="ours")
    assert answer.status == 201, answer.body
    found: Json = answer.body["data"]
    return found


@pytest.mark.parametrize("text", ["a\u0085b", "a\u2028b", "a\u2029b"])
async def test_raw_line_breaks_of_unicode_do_not_arrive_as_they_were_sent(
    api: Api, text: str
) -> None:
    assert (await apply(api, text + " end\u0085")) != {"a": text + " end\u0085"}


async def test_other_text_arrives_as_it_was_sent(api: Api) -> None:
    text = "a\tb\nc \u00e9 \u4e16 \U0001f600 \u200b"

    assert await apply(api, text) == {"a": text}


async def test_escaped_text_arrives_as_it_was_sent(api: Api) -> None:
    body = orjson.dumps({**HEAD, "data": {"a": "@"}}).replace(b"@", b"a\\u0085b\\u2028c")

    answer = await api.send("PATCH", f"{MAPS}/x", body, APPLY, fieldManager="ours")

    assert answer.body["data"] == {"a": "a\u0085b\u2028c"}


@pytest.mark.parametrize("text", ["\u007f", "\u009f", "\uffff"])
async def test_what_yaml_cannot_hold_is_refused(api: Api, text: str) -> None:
    body = orjson.dumps({**HEAD, "data": {"a": text}})

    answer = await api.send("PATCH", f"{MAPS}/x", body, APPLY, fieldManager="ours")

    assert answer.status == 400


async def test_a_key_too_long_for_yaml_is_refused(api: Api) -> None:
    body = orjson.dumps({**HEAD, "metadata": {"name": "x", "annotations": {"a" * 1100: "b"}}})

    answer = await api.send("PATCH", f"{MAPS}/x", body, APPLY, fieldManager="ours")

    assert answer.status == 400


async def test_an_entry_stated_twice_is_refused_with_its_key(api: Api) -> None:
    tree = make_deployment("web")
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    tree["spec"]["template"]["spec"]["containers"][0]["env"] = twice

    answer = await api.apply(f"{DEPLOYMENTS}/web", tree)

    assert answer.status == 500
    assert 'duplicate entries for key [name="A"]' in answer.body["message"]


async def test_an_empty_list_takes_what_was_in_it(api: Api) -> None:
    tree = make_deployment("web")
    container = tree["spec"]["template"]["spec"]["containers"][0]
    container["args"] = ["fast"]
    await api.apply(f"{DEPLOYMENTS}/web", tree)
    container["args"] = []

    answer = await api.apply(f"{DEPLOYMENTS}/web", tree)

    assert answer.status == 200
    assert "args" not in answer.body["spec"]["template"]["spec"]["containers"][0]


async def test_two_ports_of_one_name_are_refused(api: Api) -> None:
    ports = [{"name": "http", "port": 80}, {"name": "http", "port": 81}]
    service = {"metadata": {"name": "x"}, "spec": {"ports": ports}}

    answer = await api.post("/api/v1/namespaces/default/services", service)

    assert answer.status == 422
    assert "spec.ports[1].name" in answer.body["message"]
