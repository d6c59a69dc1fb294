"""What the client sends for each verb, and which error each answer is."""

from __future__ import annotations

from collections import deque
from typing import Any

import orjson
import pytest

from tests.kube.scripted import (
    CONFIG_MAPS,
    JSON_TYPE,
    ScriptedTransport,
    failure,
    key,
    listing,
    make_tree,
    refused,
)
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import (
    AlreadyExists,
    BadAnswer,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    ServerFailure,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from tmcconsole.kube.objects import NAMESPACES, Kind, ObjectKey
from tmcconsole.runtime import Response, TransportError

A_MAP = Response(200, JSON_TYPE, orjson.dumps(make_tree("a", 5)))


def client_of(*answers: Response | Exception) -> tuple[Client, ScriptedTransport]:
    transport = ScriptedTransport(lists=deque(answers))
    return Client(transport, name="test"), transport


async def test_a_live_read_returns_the_object() -> None:
    client, transport = client_of(A_MAP)

    got = await client.get(CONFIG_MAPS, key("a"))

    assert (got.key, got.uid, got.resource_version) == (key("a"), "uid-a", "5")
    assert transport.requests[0].path == "/api/v1/namespaces/shop/configmaps/a"
    assert (client.reads, client.writes_attempted) == (1, 0)
    assert client.bytes == len(A_MAP.body)


async def test_apply_is_server_side_without_force() -> None:
    client, transport = client_of(A_MAP)

    await client.apply(CONFIG_MAPS, make_tree("a", 5), manager="m")

    sent = transport.requests[0]
    assert sent.method == "PATCH"
    assert sent.content_type == "application/apply-patch+yaml"
    assert dict(sent.query) == {"fieldManager": "m", "force": "false"}
    assert orjson.loads(sent.body) == make_tree("a", 5)


async def test_the_status_subresource_of_a_cluster_scoped_kind() -> None:
    namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}}
    client, transport = client_of(Response(200, JSON_TYPE, orjson.dumps(namespace)))

    await client.merge_patch(
        NAMESPACES, ObjectKey("", "n"), {"status": {}}, manager="m", subresource="status"
    )

    assert transport.requests[0].path == "/api/v1/namespaces/n/status"
    assert transport.requests[0].content_type == "application/merge-patch+json"


async def test_a_dry_run_is_marked_and_not_counted_as_a_write() -> None:
    client, transport = client_of(A_MAP)

    await client.create(CONFIG_MAPS, make_tree("a", 0), manager="m", dry_run=True)
    await client.json_patch(CONFIG_MAPS, key("a"), [], manager="m", dry_run=True)
    await client.delete(CONFIG_MAPS, key("a"), uid="u", dry_run=True)

    assert dict(transport.requests[0].query)["dryRun"] == "All"
    assert dict(transport.requests[1].query)["dryRun"] == "All"
    assert orjson.loads(transport.requests[2].body)["dryRun"] == ["All"]
    assert (client.writes_attempted, client.dry_runs) == (0, 3)


async def test_C4_a_delete_always_carries_its_preconditions() -> None:
    client, transport = client_of(Response(200, JSON_TYPE, b'{"kind":"Status"}'))

    await client.delete(CONFIG_MAPS, key("a"), uid="u-1", resource_version="7")
    with pytest.raises(BadRequest):
        await client.delete(CONFIG_MAPS, key("a"), uid="")

    assert len(transport.requests) == 1
    options = orjson.loads(transport.requests[0].body)
    assert options["preconditions"] == {"uid": "u-1", "resourceVersion": "7"}
    assert options["propagationPolicy"] == "Background"


async def test_scaling_returns_what_the_server_made_of_it() -> None:
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 3}}
    client, transport = client_of(Response(200, JSON_TYPE, orjson.dumps(scale)))
    deployments = Kind("apps", "v1", "deployments", "Deployment")

    made = await client.scale(deployments, key("web"), 3)

    assert made == 3
    assert transport.requests[0].path == "/apis/apps/v1/namespaces/shop/deployments/web/scale"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
async def test_a_name_that_is_a_path_is_refused_before_anything_is_sent(name: str) -> None:
    client, transport = client_of(A_MAP)

    with pytest.raises(BadRequest):
        await client.get(CONFIG_MAPS, ObjectKey("shop", name))
    with pytest.raises(BadRequest):
        await client.get(CONFIG_MAPS, ObjectKey(name, "a"))

    assert transport.requests == []


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", BadRequest),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (405, "MethodNotAllowed", BadRequest),
        (409, "Conflict", Conflict),
        (409, "AlreadyExists", AlreadyExists),
        (410, "Expired", Gone),
        (413, "RequestEntityTooLarge", TooLarge),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", TooManyRequests),
        (500, "InternalError", ServerFailure),
        (503, "ServiceUnavailable", ServerFailure),
        (504, "Timeout", ServerFailure),
    ],
)
async def test_each_refusal_is_its_error_and_a_failed_write_is_counted(
    code: int, reason: str, expected: type[KubeError]
) -> None:
    client, _ = client_of(failure(code, reason, "because", name="a"))

    with pytest.raises(expected, match="because") as caught:
        await client.create(CONFIG_MAPS, make_tree("a", 0), manager="m")

    assert type(caught.value) is expected
    assert caught.value.reason == reason
    assert client.writes_attempted == 1


async def test_B10_retry_after_is_told() -> None:
    answer = failure(429, "TooManyRequests")
    headers = {**answer.headers, "retry-after": "7"}
    client, _ = client_of(Response(429, headers, answer.body))

    with pytest.raises(TooManyRequests) as caught:
        await client.get(CONFIG_MAPS, key("a"))

    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("3600", 60.0),
        ("inf", 60.0),
        ("1e999", 60.0),
        ("-5", 0.0),
        ("nan", None),
        ("Wed, 21 Oct 2099 07:28:00 GMT", None),
        ("soon", None),
    ],
)
async def test_no_server_makes_us_wait_longer_than_a_minute(
    asked: str, waited: float | None
) -> None:
    answer = failure(503, "ServiceUnavailable")
    client, _ = client_of(Response(503, {**answer.headers, "retry-after": asked}, answer.body))

    with pytest.raises(ServerFailure) as caught:
        await client.get(CONFIG_MAPS, key("a"))

    assert caught.value.retry_after_s == waited


@pytest.mark.parametrize(
    "answer",
    [
        Response(404, {"content-type": "text/html"}, b"<h1>404 Not Found</h1>"),
        Response(404, JSON_TYPE, b'{"error":"no such route"}'),
        Response(403, {"content-type": "text/html"}, b"<h1>Please sign in</h1>"),
        Response(404, JSON_TYPE, b'{"kind":"Status","code":404,"details":["a"]}'),
    ],
)
async def test_what_no_api_server_said_is_no_absence(answer: Response) -> None:
    client, _ = client_of(answer)

    with pytest.raises(BadAnswer):
        await client.get(CONFIG_MAPS, key("a"))
    with pytest.raises(BadAnswer):
        await anext(client.list_pages(CONFIG_MAPS))


async def test_an_entry_stated_twice_is_a_fault_of_the_object_and_not_of_the_server() -> None:
    said = "failed to create typed patch object (shop/a; v1, Kind=Service): .spec.ports: duplicate"
    status = {"kind": "Status", "code": 500, "message": f"{said} entries for key [port=53]"}
    client, _ = client_of(Response(500, JSON_TYPE, orjson.dumps(status)))

    with pytest.raises(Invalid):
        await client.apply(CONFIG_MAPS, make_tree("a", 0), manager="m")


async def test_a_conflict_names_the_fields_and_their_managers() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'with "hpa"', "field": ".spec.replicas"}
    ]
    client, _ = client_of(failure(409, "Conflict", causes=causes))

    with pytest.raises(Conflict) as caught:
        await client.apply(CONFIG_MAPS, make_tree("a", 0), manager="m")

    assert [(c.field, c.message) for c in caught.value.causes] == [(".spec.replicas", 'with "hpa"')]


async def test_B1_a_lost_answer_says_whether_the_write_may_have_happened() -> None:
    client, _ = client_of(refused(), TransportError("reset", sent=True))

    with pytest.raises(Unreachable) as certain:
        await client.create(CONFIG_MAPS, make_tree("a", 0), manager="m")
    with pytest.raises(Unreachable) as unknown:
        await client.create(CONFIG_MAPS, make_tree("a", 0), manager="m")

    assert (certain.value.sent, unknown.value.sent) == (False, True)
    assert client.writes_attempted == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"kind":"ConfigMap"',
        orjson.dumps(make_tree("a", 5) | {"kind": "Secret"}),
        orjson.dumps({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}}),
    ],
)
async def test_A10_what_is_not_the_object_is_a_bad_answer(body: bytes) -> None:
    client, _ = client_of(Response(200, JSON_TYPE, body))

    with pytest.raises(BadAnswer):
        await client.get(CONFIG_MAPS, key("a"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"Status","metadata":{}}',
        b'{"kind":"ConfigMapList","metadata":{"resourceVersion":""},"items":[]}',
        b'{"kind":"ConfigMapList","metadata":{"resourceVersion":"5"}}',
        b'{"apiVersion":"v1","kind":"SecretList","metadata":{"resourceVersion":"5"},"items":[]}',
        b'{"apiVersion":"x/v1","kind":"ConfigMapList","metadata":{"resourceVersion":"5"},"items":[]}',
        b"{}",
    ],
)
async def test_A11_what_is_not_a_whole_list_is_no_empty_list(body: bytes) -> None:
    client, _ = client_of(Response(200, JSON_TYPE, body))

    with pytest.raises(BadAnswer):
        await anext(client.list_pages(CONFIG_MAPS))


async def test_a_list_is_read_page_by_page_at_its_first_version() -> None:
    second: Any = listing(12, make_tree("b", 6))
    client, transport = client_of(listing(10, make_tree("a", 5), token="next page"), second)

    pages = [page async for page in client.list_pages(CONFIG_MAPS, namespace="shop", limit=1)]

    assert [[item.name for item in page.items] for page in pages] == [["a"], ["b"]]
    assert [page.resource_version for page in pages] == ["10", "10"]
    assert transport.queries(watch=False)[1] == {"limit": "1", "continue": "next page"}
    assert pages[0].items[0].decode()["kind"] == "ConfigMap"


async def test_a_list_that_does_not_advance_is_a_bad_answer() -> None:
    tokens = ("t", "u", "t")  # a circle
    client, _ = client_of(*(listing(10, make_tree("a", 5), token=token) for token in tokens))

    with pytest.raises(BadAnswer, match="does not advance"):
        _ = [page async for page in client.list_pages(CONFIG_MAPS)]
