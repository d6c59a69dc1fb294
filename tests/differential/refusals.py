"""Requests that are refused, and how."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential import widgets
from tests.differential.generate import WRONG_UID
from tests.differential.parts import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GADGETS,
    SECRETS,
    WIDGETS,
    apply,
    config_map,
    container,
    deployment,
    merge,
    widget,
)
from tests.differential.trace import APPLY, JSON, JSON_PATCH, MERGE, STRATEGIC, Json, Step


def malformed() -> Iterator[Step]:
    one = f"{CONFIG_MAPS}/one"
    yield Step("POST", CONFIG_MAPS, config_map(data={"a": "1"}))
    for path in (one, f"{CONFIG_MAPS}/none"):
        yield from (
            Step("PATCH", path, b"{", MERGE),
            Step("PATCH", path, [], MERGE),
            Step("PATCH", path, {}, JSON_PATCH),
            Step("PATCH", path, {}, JSON),
            Step("PATCH", path, {"data": {"a": 5}}, MERGE),
            Step("PATCH", path, {"metadata": {"labels": {"a": 5}}}, STRATEGIC),
            Step("PUT", path, {"metadata": {"name": 5}}),
        )
    for body in (b"", b"[]", b"{", {"metadata": {"name": "x"}, "data": {"a": 5}}):
        yield Step("POST", CONFIG_MAPS, body)
    yield Step("POST", CONFIG_MAPS, config_map("x", data=[]))
    yield Step("POST", CONFIG_MAPS, config_map("x"), "text/plain")
    yield Step("POST", WIDGETS, {"metadata": {"name": "x"}, "spec": {"color": "red"}})
    operations: tuple[Json, ...] = (
        {"op": "frob", "path": "/x"},
        {"op": "remove", "path": "/x/y"},
        {"op": "add", "path": "/data"},
        {"op": "add", "path": "/nothing/x", "value": "1"},
        {"op": "replace", "path": "/metadata/labels/none", "value": "1"},
    )
    yield from (Step("PATCH", one, [operation], JSON_PATCH) for operation in operations)


def options() -> Iterator[Step]:
    one = f"{CONFIG_MAPS}/one"
    yield Step("POST", CONFIG_MAPS, config_map())
    for query in ({"dryRun": "Some"}, {"fieldValidation": "Odd"}, {"fieldManager": "x" * 129}):
        yield Step("POST", CONFIG_MAPS, config_map("two"), query=query)
        yield Step("PUT", one, config_map(), query=query)
        yield Step("PATCH", one, {}, MERGE, query)
    yield Step("DELETE", one, query={"dryRun": "Some"})
    yield Step("DELETE", one, {"dryRun": ["Some"]})
    yield Step("DELETE", CONFIG_MAPS, query={"dryRun": "Some"})
    yield Step("PATCH", one, {}, MERGE, {"force": "true"})
    yield Step("PATCH", one, config_map(), APPLY)
    for query in ({"limit": "x"}, {"limit": "-1"}, {"continue": "x"}, {"labelSelector": "a=b=c"}):
        yield Step("GET", CONFIG_MAPS, query=query)
    for query in (
        {"resourceVersion": "x"},
        {"sendInitialEvents": "true"},
        {"sendInitialEvents": "true", "resourceVersionMatch": "Exact"},
        {"resourceVersionMatch": "NotOlderThan"},
        {"labelSelector": "a=b=c"},
        {"fieldSelector": "x=y"},
        {"timeoutSeconds": "x"},
    ):
        yield Step("GET", CONFIG_MAPS, query={"watch": "true"} | query)
        yield Step("GET", CONFIG_MAPS, query=query)


def strict() -> Iterator[Step]:
    for level in ("Strict", "Warn", "Ignore"):
        query = {"fieldValidation": level}
        tree = config_map(level.lower(), dat={"a": "1"}, metadata={"labls": {}})
        yield Step("POST", CONFIG_MAPS, tree, query=query)
        yield Step("PATCH", f"{CONFIG_MAPS}/warn", {"dat": 1}, MERGE, query)
        strange = widget(level.lower(), unknown=1)
        yield Step("POST", WIDGETS, strange, query=query)
        yield Step("PATCH", f"{WIDGETS}/warn", {"spec": {"unknown": 1}}, MERGE, query)
        twice = b'{"metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}'
        yield Step("POST", CONFIG_MAPS, twice, query=query | {"dryRun": "All"})
        yield Step("PATCH", f"{CONFIG_MAPS}/warn", b'{"data":{"a":"1","a":"2"}}', MERGE, query)
        yield Step("PATCH", f"{CONFIG_MAPS}/warn", b'{"data":{"a":"1","a":"2"}}', STRATEGIC, query)
    yield apply(CONFIG_MAPS, config_map("x", dat={}), "alice")
    yield apply(CONFIG_MAPS, config_map("x", data={"a": 5}), "alice")
    yield apply(WIDGETS, widget("x", color=5), "alice")
    yield apply(WIDGETS, widget("x", unknown=5), "alice")


def deprecated() -> Iterator[Step]:
    endpoints = "/api/v1/namespaces/{ns}/endpoints"
    yield Step("GET", endpoints)
    yield Step("GET", f"{endpoints}/none")
    yield Step("POST", endpoints, {"metadata": {"name": "one"}, "subsets": []})
    yield Step("DELETE", f"{endpoints}/one")


def nowhere() -> Iterator[Step]:
    yield Step("POST", CONFIG_MAPS, config_map())
    for path in (
        f"{CONFIG_MAPS}/one/status",
        f"{CONFIG_MAPS}/one/nonsense",
        "/api/v1/namespaces/{ns}/nothing",
        "/apis/apps/v9/deployments",
        "/apis/nobody.example.com/v1/things",
        f"/apis/{widgets.GROUP}/v1/nothing",
        f"{GADGETS}/one/status",
    ):
        yield Step("GET", path)
    for path, tree in ((CONFIG_MAPS, config_map("two")), (WIDGETS, widget("two"))):
        yield Step("PUT", path, tree)
        yield Step("POST", f"{path}/two", tree)
        yield Step("DELETE", f"{path}/none")
    yield Step("POST", "/api/v1/namespaces/{ns}-none/configmaps", config_map())


def preconditions() -> Iterator[Step]:
    for path, tree in ((CONFIG_MAPS, config_map()), (WIDGETS, widget())):
        one = f"{path}/one"
        yield apply(path, tree, "alice")
        yield merge(one, {"metadata": {"labels": {"a": "1"}}})
        for conditions in (
            {"uid": WRONG_UID},
            {"uid": "<uid>", "resourceVersion": "<old rv>"},
            {"resourceVersion": "<old rv>"},
        ):
            yield Step("DELETE", one, {"preconditions": conditions})
        stale: Json = {"metadata": {"resourceVersion": "<old rv>", "labels": {"a": "2"}}}
        yield merge(one, stale)
        yield merge(one, {"metadata": {"uid": WRONG_UID}})
        yield apply(path, tree | {"metadata": {"name": "one", "resourceVersion": "1"}}, "alice")
        yield Step("DELETE", one, {"preconditions": {"uid": "<uid>", "resourceVersion": "<rv>"}})
        yield Step("DELETE", one, {"preconditions": {"uid": "<uid>"}})


def immutable() -> Iterator[Step]:
    yield Step("POST", SECRETS, {"metadata": {"name": "one"}, "immutable": True})
    yield merge(f"{SECRETS}/one", {"data": {"a": "cmVk"}})
    yield merge(f"{SECRETS}/one", {"immutable": False})
    yield merge(f"{SECRETS}/one", {"type": "other"})
    yield merge(f"{SECRETS}/one", {"metadata": {"labels": {"a": "1"}}})
    yield Step("POST", CONFIG_MAPS, config_map(immutable=True, data={"a": "1"}))
    yield merge(f"{CONFIG_MAPS}/one", {"data": {"a": "2"}})
    yield merge(f"{CONFIG_MAPS}/one", {"immutable": None})
    yield Step("POST", DEPLOYMENTS, deployment("one", container("app")))
    labels = {"app": "two"}
    spec: Json = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    yield merge(f"{DEPLOYMENTS}/one", {"spec": spec})
    yield merge(f"{DEPLOYMENTS}/one", {"spec": {"template": {"metadata": {"labels": None}}}})


def names() -> Iterator[Step]:
    long = "x" * 64
    for path, tree in (
        (CONFIG_MAPS, config_map()),
        (DEPLOYMENTS, deployment("one", container("app"))),
        (WIDGETS, widget()),
        ("/api/v1/namespaces", {"metadata": {}}),
    ):
        for name in ("a.b", "A", "a_b", "-a", "a-", long, "y" * 254, "a/b", "."):
            named: Json = {"metadata": {"name": name}}
            yield Step("POST", path, tree | named, query={"dryRun": "All"})
        metas: tuple[Json, ...] = (
            {"labels": {long: "1"}},
            {"labels": {"a/b/c": "1"}},
            {"labels": {"a": long}},
            {"annotations": {"A_": "1"}},
            {"finalizers": ["a b"]},
        )
        if path != "/api/v1/namespaces":  # the label with its name would have no manager
            metas += ({"generateName": "Gen-"}, {"generateName": "gen-"})
        for meta in metas:
            named = {"metadata": meta if "generateName" in meta else {"name": "one", **meta}}
            yield Step("POST", path, tree | named, query={"dryRun": "All"})


def budgets() -> Iterator[Step]:
    """Budgets, whose names and finalizers may be anything."""
    spec: Json = {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    for meta in ({"name": "-X_"}, {"name": "one", "finalizers": ["nodomain"]}):
        yield Step("POST", BUDGETS, {"metadata": meta, "spec": spec})
    yield merge(f"{BUDGETS}/one", {"spec": {"maxUnavailable": 1}})
