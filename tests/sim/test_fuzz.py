"""No request ends a simulated server; every refusal is a Status."""

from __future__ import annotations

import random
from typing import Any, Final

import anyio
import orjson
import pytest

from tests.differential.mutations import mutate, samples
from tests.differential.widgets import make_widget, widget_definition
from tests.sim.talk import APPLY, JSON_PATCH, MERGE, STRATEGIC, Json, make_cluster
from tmcconsole.runtime import Request, Response
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.store import Stored

pytestmark = [pytest.mark.anyio, pytest.mark.thorough]

SEEDS: Final = 200
REQUESTS: Final = 500
BATCH: Final = 10  # seeds a test
NAMES: Final = ("x", "y", "z")
NAMESPACES: Final = ("one", "two")
WHOLE: Final = ("metadata", "spec", "status", "data")
STATUSES: Final[tuple[Any, ...]] = (
    {"replicas": 2, "conditions": [{"type": "Ready", "status": "True"}]},
    {"phase": "Running", "containerStatuses": [{"name": "app"}]},
    {"hard": {"pods": "many"}, "used": {"pods": "-3"}},
    {"allocatable": {"pods": "many"}, "conditions": [{}], "addresses": [{}]},
    {"startTime": "yesterday", "active": -1},
    {"conditions": [None]},
    {"loadBalancer": {"ingress": [{}]}},
    "text",
    None,
)
QUERIES: Final[tuple[dict[str, str], ...]] = (
    {},
    {},
    {},
    {"limit": "1"},
    {"limit": "-1"},
    {"limit": "word"},
    {"continue": "garbage"},
    {"resourceVersion": "1"},
    {"resourceVersion": "word"},
    {"resourceVersion": "1", "resourceVersionMatch": "Exact"},
    {"labelSelector": "app in (web,"},
    {"labelSelector": "!app,x notin (a)"},
    {"fieldSelector": "metadata.name=x"},
    {"fieldSelector": "spec.nope!=x,status.phase="},
    {"dryRun": "All"},
    {"dryRun": ""},
    {"dryRun": "Some"},
    {"fieldValidation": "Strict"},
    {"fieldManager": "x" * 200},
    {"force": "true", "fieldManager": "fuzz"},
    {"propagationPolicy": "Foreground"},
    {"propagationPolicy": "Orphan"},
    {"gracePeriodSeconds": "0"},
    {"timeoutSeconds": "word"},
)
ACCEPTS: Final = (
    "application/json",
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
    "text/html",
)
OPTIONS: Final[tuple[Any, ...]] = (
    None,
    {"propagationPolicy": "Foreground"},
    {"propagationPolicy": 7},
    {"preconditions": {"uid": "no"}},
    {"preconditions": []},
    {"gracePeriodSeconds": "soon"},
    {"gracePeriodSeconds": -5},
    {"dryRun": "All"},
    {"orphanDependents": "yes", "propagationPolicy": "Orphan"},
    [],
)


def garbage(rng: random.Random) -> bytes:
    """Return a body that is not an object."""
    deep = b"[" * 5000
    return rng.choice(
        (
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe",
            deep,
            b'{"metadata":' + b'{"a":' * 3000,
            b'{"metadata":{"name":"x","name":"y"},"data":{"a":"1","a":"2"}}',
            b'{"metadata":{"name":1e999}}',
            b"a: &a [*a]",
            b"a: !!python/object:os.system {}",
            b"k8s\x00\x0a\x04\x0a\x02v1",
            b"k8s\x00" + bytes(rng.randrange(256) for _ in range(40)),
        )
    )


class Fuzz:
    """Requests drawn from a seed."""

    def __init__(self, seed: int, cluster: SimCluster) -> None:
        self.rng = random.Random(seed)
        self.cluster = cluster
        self.kinds = list(cluster.server.kinds)
        self.samples = {tree["kind"]: tree for tree in samples("one")}
        self.samples["Widget"] = make_widget(self.rng, "x")
        self.samples["CustomResourceDefinition"] = widget_definition()

    def request(self) -> Request:
        """Return the next one."""
        kind = self.rng.choice(self.kinds)
        method, subresource = self._what(kind)
        if method != "POST" and self.rng.random() < 0.8:
            present = [k for k in self.kinds if self.cluster.store.items(k.id)]
            kind = self.rng.choice(present or self.kinds)
        query = dict(self.rng.choice(QUERIES))
        if method == "GET":
            query |= {"watch": "true", "timeoutSeconds": "1"} if self.rng.random() < 0.1 else {}
        content_type, body = self._body(kind, method, subresource)
        if content_type == APPLY:
            query.setdefault("fieldManager", self.rng.choice(("ours", "theirs")))
        return Request(
            method,
            self._path(kind, method, subresource),
            tuple(query.items()),
            body,
            content_type,
            self.rng.choice(ACCEPTS),
            headers=(("user-agent", "fuzz"),),
        )

    def _what(self, kind: SimKind) -> tuple[str, str]:
        method = self.rng.choice(
            ("POST",) * 5 + ("PUT", "PATCH", "PATCH", "PATCH", "DELETE", "GET")
        )
        if method in ("PUT", "PATCH") and self.rng.random() < 0.4:
            names = ("status", "scale", "finalize", "ephemeralcontainers", "nonsense")
            return method, self.rng.choice((*names, "status", "status"))
        if method == "POST" and kind.id == "pods" and self.rng.random() < 0.3:
            return method, self.rng.choice(("eviction", "binding"))
        return method, ""

    def _path(self, kind: SimKind, method: str, subresource: str) -> str:
        base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        if kind.namespaced and self.rng.random() < 0.95:
            base += f"/namespaces/{self.rng.choice(NAMESPACES)}"
        name = self.rng.choice(NAMES) if method != "POST" or subresource else ""
        stored = self.cluster.store.items(kind.id) if name else []
        if stored and self.rng.random() < 0.7:
            return self._path_to(kind, self.rng.choice(stored), subresource)
        if method in ("GET", "DELETE") and self.rng.random() < 0.3:
            name = ""
        parts = [base, kind.resource, name, subresource if name else ""]
        return "/".join(part for part in parts if part)

    def _path_to(self, kind: SimKind, stored: Stored, subresource: str) -> str:
        base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        space = f"/namespaces/{stored.key.namespace}" if kind.namespaced else ""
        path = f"{base}{space}/{kind.resource}/{stored.key.name}"
        return f"{path}/{subresource}" if subresource else path

    def _body(self, kind: SimKind, method: str, subresource: str) -> tuple[str, bytes]:
        rng = self.rng
        content_type = "application/json"
        if method == "PATCH":
            content_type = rng.choice((APPLY, APPLY, MERGE, STRATEGIC, JSON_PATCH))
        elif rng.random() < 0.05:
            content_type = rng.choice(
                ("application/vnd.kubernetes.protobuf", "application/yaml", "x")
            )
        if rng.random() < 0.05:
            return content_type, garbage(rng)
        if method == "GET":
            return content_type, b""
        if method == "DELETE":
            options = rng.choice(OPTIONS)
            return content_type, b"" if options is None else orjson.dumps(options)
        return content_type, orjson.dumps(self._document(kind, method, content_type, subresource))

    def _document(self, kind: SimKind, method: str, content_type: str, subresource: str) -> Any:
        rng = self.rng
        tree = dict(self.samples.get(kind.kind) or {"metadata": {}})
        tree |= {"apiVersion": kind.api_version, "kind": kind.kind}
        tree["metadata"] = {**tree["metadata"], "name": rng.choice(NAMES), **self._more_metadata()}
        if method in ("PUT", "PATCH") and rng.random() < 0.8:
            tree["metadata"].pop("name")
        if subresource == "status" or rng.random() < 0.1:
            tree["status"] = rng.choice(STATUSES)
        if subresource == "scale":
            tree = {"spec": {"replicas": rng.choice((1, -1, "x", None, 2.5))}, "metadata": {}}
        tree = mutate(rng, tree)
        if content_type == JSON_PATCH:
            return [self._operation(tree) for _ in range(rng.randrange(3))]
        if content_type in (MERGE, STRATEGIC) and rng.random() < 0.5:
            tree = {key: value for key, value in tree.items() if key in WHOLE}
        if content_type == STRATEGIC and rng.random() < 0.2:
            word = rng.choice(("$patch", "$retainKeys", "$setElementOrder/containers", "$nonsense"))
            tree = {"spec": {word: rng.choice(("replace", "delete", ["a"], 7, None))}}
        return tree

    def _operation(self, tree: Json) -> Json:
        rng = self.rng
        path = rng.choice(("/spec", "/metadata/labels", "/spec/containers/0", "/a~2", "x", "", 7))
        word = rng.choice(("add", "remove", "replace", "test", "copy", "move", "nonsense"))
        operation = {"op": word, "path": path, "value": tree.get("spec"), "from": "/metadata"}
        return mutate(rng, operation)

    def _more_metadata(self) -> Json:
        rng = self.rng
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "u"}
        more: tuple[Json, ...] = (
            {},
            {},
            {},
            {"ownerReferences": [mutate(rng, owner)]},
            {"finalizers": ["example.com/hold"]},
            {"generateName": "x-", "name": None},
            {"managedFields": [{"manager": "m", "operation": "Apply", "fieldsV1": {"f:a": 7}}]},
            {"managedFields": [{"fieldsV1": "text"}, {"time": 7}]},
            {"resourceVersion": rng.choice(("1", "word", 7))},
            {"deletionTimestamp": "2026-01-01T00:00:00Z", "creationTimestamp": "word"},
            {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"spec":[]}'}},
            {"labels": {"batch.kubernetes.io/job-name": "x", "app": None}},
        )
        return rng.choice(more)


async def whole(answer: Any) -> Response | None:
    """Return an answer; of a watch, see its first lines and return None."""
    if isinstance(answer, Response):
        return answer
    with anyio.move_on_after(0.5):
        async for line in answer.lines():
            assert "type" in orjson.loads(line)
    return None


def check(request: Request, answer: Response) -> None:
    """Check that a refusal is a Status with a reason, and that nothing raised an exception."""
    asked = (
        f"{request.method} {request.path} {request.query} {request.content_type} {request.body!r}"
    )
    assert answer.status < 500 or b"panic" not in answer.body, asked + answer.body.decode()
    if answer.status >= 400 and b"404 page not found" not in answer.body:
        status = orjson.loads(answer.body)
        assert status["kind"] == "Status", asked
        assert status["code"] == answer.status, asked


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
async def test_no_request_ends_a_server_or_goes_without_a_status(first: int) -> None:
    for seed in range(first, first + BATCH):
        cluster = make_cluster()
        fuzz = Fuzz(seed, cluster)
        async with anyio.create_task_group() as group:
            group.start_soon(cluster.run)
            api = cluster.transport()
            for name in NAMESPACES:
                body = orjson.dumps({"metadata": {"name": name}})
                await api.request(Request("POST", "/api/v1/namespaces", (), body))
            crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            await api.request(Request("POST", crd, (), orjson.dumps(widget_definition())))
            fuzz.kinds = list(cluster.server.kinds)
            for number in range(REQUESTS):
                request = fuzz.request()
                answer = await whole(cluster.handle(request))
                if answer is not None:
                    check(request, answer)
                if number % 20 == 0:
                    await anyio.sleep(0.3)  # the controllers' turn
            await anyio.sleep(5)
            assert cluster.store.mishaps.told == [], seed
            group.cancel_scope.cancel()
