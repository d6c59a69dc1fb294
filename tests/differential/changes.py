"""Changes by several field managers, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential import widgets
from tests.differential.parts import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    GADGETS,
    TIME,
    WIDGETS,
    apply,
    config_map,
    container,
    deployment,
    merge,
    widget,
)
from tests.differential.trace import STRATEGIC, Json, Step


def finalizers() -> Iterator[Step]:
    held = {"finalizers": ["example.com/hold", "example.com/other"]}
    for path, tree in (
        (CONFIG_MAPS, config_map(metadata=held)),
        (DEPLOYMENTS, deployment("one", container("app"))),
        (WIDGETS, widget()),
    ):
        one = f"{path}/one"
        yield Step("POST", path, tree | {"metadata": {"name": "one", **held}})
        yield Step("DELETE", one)
        yield Step("DELETE", one)
        yield Step("POST", path, tree)
        yield merge(one, {"metadata": {"labels": {"late": "yes"}}})
        yield merge(one, {"metadata": {"finalizers": ["example.com/new", *held["finalizers"]]}})
        yield merge(one, {"metadata": {"finalizers": ["example.com/other"]}})
        yield merge(one, {"metadata": {"finalizers": None}}, dryRun="All")
        yield merge(one, {"metadata": {"finalizers": None}})
        yield Step("GET", one)
        yield Step("POST", path, tree)
        for policy in ("Background", "Foreground", "Orphan"):
            yield Step("DELETE", one, {"propagationPolicy": policy}, query={"dryRun": "All"})
        yield Step("DELETE", one, {"propagationPolicy": "Foreground"})
        yield Step("DELETE", one, {"propagationPolicy": "Orphan", "orphanDependents": True})


def quantities() -> Iterator[Step]:
    """Quantities are written in any form and stored in one."""
    forms: tuple[Json, ...] = (
        {"cpu": 1, "memory": "1024Mi"},
        {"cpu": "0.5", "memory": "0.5Gi"},
        {"cpu": "1500m", "memory": "1536Ki"},
        {"cpu": "2000m", "memory": "1000000"},
        {"cpu": ".1", "memory": "1000k"},
        {"cpu": "0", "memory": "100"},
        {"cpu": "1", "memory": "512"},
    )
    for number, requests in enumerate(forms):
        app = container("app", resources={"requests": requests})
        yield Step("POST", DEPLOYMENTS, deployment(f"d{number}", app))
    for memory in ("1024Mi", "1Gi", "2Gi"):
        app = container("app", resources={"requests": {"memory": memory}})
        yield apply(DEPLOYMENTS, deployment("one", app), "alice")
    app = container("app", resources={"requests": {"memory": "2048Mi"}})
    yield apply(DEPLOYMENTS, deployment("one", app), "bob")


def ownership() -> Iterator[Step]:
    ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]
    app = container("app", ports=ports, env=[{"name": "A", "value": "1"}])
    side = container("side")
    yield apply(DEPLOYMENTS, deployment("one", app, side, replicas=2), "alice")
    yield apply(DEPLOYMENTS, deployment("one", container("app"), replicas=2), "bob")
    yield apply(DEPLOYMENTS, deployment("one", app, replicas=3), "bob")
    yield apply(DEPLOYMENTS, deployment("one", app, replicas=3), "bob", force=True)
    image = [{"name": "side", "image": "registry.test/side:2"}]
    patch: Json = {"spec": {"template": {"spec": {"containers": image}}}}
    yield Step("PATCH", f"{DEPLOYMENTS}/one", patch, STRATEGIC, {"fieldManager": "carol"})
    yield apply(DEPLOYMENTS, deployment("one", container("app")), "alice")
    yield apply(DEPLOYMENTS, deployment("one", container("app")), "alice", force=True)
    yield apply(DEPLOYMENTS, deployment("one", container("extra"), app), "bob")
    ready: Json = {"type": "Available", "status": "True", "reason": "x", "message": "y"}
    ready |= {"lastUpdateTime": TIME, "lastTransitionTime": TIME}
    conditions: Json = {"status": {"conditions": [ready]}}
    status = f"{DEPLOYMENTS}/one/status"
    yield Step("PATCH", status, conditions, STRATEGIC, {"fieldManager": "statist"})
    other: Json = {"status": {"conditions": [{**ready, "type": "Progressing"}]}}
    yield Step("PATCH", status, other, STRATEGIC, {"fieldManager": "other"})
    yield merge(f"{DEPLOYMENTS}/one", {"metadata": {"managedFields": [{}]}})
    yield apply(DEPLOYMENTS, deployment("one", app), "alice")
    yield Step("GET", f"{DEPLOYMENTS}/one")


def untracked() -> Iterator[Step]:
    """Fields of an object without managers are not tracked before the first apply."""
    for path, tree in ((CONFIG_MAPS, config_map()), (GADGETS, None)):
        kind = {"apiVersion": f"{widgets.GROUP}/v1", "kind": "Gadget", "metadata": {"name": "one"}}
        bare = tree or kind
        yield apply(path, bare, "alice")
        yield merge(f"{path}/one", {"metadata": {"labels": {"a": "1"}}})
        yield apply(path, bare | {"metadata": {"name": "one", "labels": {"a": "2"}}}, "bob")
        yield apply(
            path, bare | {"metadata": {"name": "one", "labels": {"a": "2"}}}, "bob", force=True
        )


def entries() -> Iterator[Step]:
    """Map entries go when their manager stops applying them; scalars become maps and back."""
    gadget: Json = {
        "apiVersion": f"{widgets.GROUP}/v1",
        "kind": "Gadget",
        "metadata": {"name": "one"},
    }
    yield apply(GADGETS, gadget | {"spec": {"a": {"x": 1, "y": 1}, "b": 1}}, "alice")
    for a in ({"y": 2}, 5, {"z": {"deep": 1}}, {"z": None}, [1], {}):
        yield merge(f"{GADGETS}/one", {"spec": {"a": a}})
    yield apply(GADGETS, gadget | {"spec": {"b": 1}}, "alice")
    yield apply(GADGETS, gadget | {"spec": {"a": {"q": 1}}}, "alice", force=True)
    yield merge(f"{GADGETS}/one", {"spec": {"a": {"q": 2}}})
    yield apply(GADGETS, gadget | {"spec": {"b": 1}}, "alice")


def lists_of_widgets() -> Iterator[Step]:
    def parts(*names: str) -> list[Json]:
        return [{"name": name, "size": len(name)} for name in names]

    yield apply(WIDGETS, widget(parts=parts("b", "aa"), tags=["x", "y"], steps=["1"]), "alice")
    yield apply(WIDGETS, widget(parts=parts("c", "aa"), tags=["z", "x"], steps=["1"]), "bob")
    yield apply(WIDGETS, widget(parts=parts("c")), "alice")
    yield apply(WIDGETS, widget(parts=parts("d", "c", "b"), tags=["y"]), "alice")
    yield merge(f"{WIDGETS}/one", {"spec": {"parts": parts("c"), "tags": []}})
    yield Step("GET", f"{WIDGETS}/one")
    yield Step("POST", WIDGETS, widget("two", parts=parts("a", "a")))
    yield Step("POST", WIDGETS, widget("two", tags=["a", "a"]))
    yield Step("POST", WIDGETS, widget("two", size=1000, title="x" * 21, steps=5))
    yield Step("POST", WIDGETS, widget("two", color="pink", parts=[{}]))
    yield Step("POST", WIDGETS, widget("two", size=None))


def order() -> Iterator[Step]:
    """Items that a strategic merge names come before those that it does not."""

    def containers(*items: Json, order: tuple[str, ...] = ()) -> Step:
        spec: Json = {"containers": list(items)}
        if order:
            spec["$setElementOrder/containers"] = [{"name": name} for name in order]
        patch = {"spec": {"template": {"spec": spec}}}
        return Step("PATCH", f"{DEPLOYMENTS}/one", patch, STRATEGIC, {"fieldManager": "bob"})

    yield Step("POST", DEPLOYMENTS, deployment("one", *map(container, "abc")))
    yield containers(container("d"))
    yield containers(container("c"), container("a", "registry.test/app:2"))
    yield containers(container("e"), order=("b", "e", "a", "c", "d"))
    yield containers({"name": "b", "$patch": "delete"}, order=("a", "c", "d", "e"))
    yield containers({"$patch": "replace"}, container("f"))
    yield Step("GET", f"{DEPLOYMENTS}/one")


def lasting_names() -> Iterator[Step]:
    account = deployment("one", container("app"))
    account["spec"]["template"]["spec"]["serviceAccountName"] = "runner"
    yield apply(DEPLOYMENTS, account, "alice")
    yield apply(DEPLOYMENTS, deployment("one", container("app")), "alice")
