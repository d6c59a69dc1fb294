"""Fixed traces: what the generator does not reach, and every difference ever found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.differential import admitted, changes, refusals, rows, schemas, tables, widgets
from tests.differential.parts import CONFIG_MAPS, CRDS, apply, config_map, merge, widget
from tests.differential.trace import APPLY, END, PARTIAL, TABLE, Json, Step, Trace, Watched


def pages() -> Iterator[Step]:
    for index in range(5):
        labels = {"odd": str(index % 2)}
        yield Step("POST", CONFIG_MAPS, config_map(f"c{index}", metadata={"labels": labels}))
    for query in ({"limit": "2"}, {"limit": "2", "labelSelector": "odd=0"}):
        yield Step("GET", CONFIG_MAPS, query=query)
        yield Step("DELETE", f"{CONFIG_MAPS}/c3", query={"dryRun": "All"})
        for _ in range(3):
            yield Step("GET", CONFIG_MAPS, query=query | {"continue": "<continue>"})
    yield Step("GET", CONFIG_MAPS, query={"limit": "2"}, accept=TABLE)
    yield Step("GET", CONFIG_MAPS, query={"limit": "1"})
    yield Step("DELETE", f"{CONFIG_MAPS}/c1")
    yield Step("GET", CONFIG_MAPS, query={"continue": "<continue>"})
    yield Step("GET", CONFIG_MAPS, query={"continue": "<continue>", "resourceVersion": "5"})
    yield Step("GET", f"{CONFIG_MAPS}/c0", accept=PARTIAL)


def exact() -> Iterator[Step]:
    """A list at an earlier version shows what was there then."""
    for name in ("one", "two"):
        yield Step("POST", CONFIG_MAPS, config_map(name, data={"a": "1"}))
    yield Step("GET", CONFIG_MAPS)
    query = {"resourceVersion": "<list rv>", "resourceVersionMatch": "Exact"}
    yield Step("DELETE", f"{CONFIG_MAPS}/one")
    yield merge(f"{CONFIG_MAPS}/two", {"data": {"a": "2"}})
    yield Step("POST", CONFIG_MAPS, config_map("three"))
    yield Step("GET", CONFIG_MAPS, query=query | {"limit": "1"})
    yield Step("GET", CONFIG_MAPS, query=query)


def watched() -> Iterator[Step]:
    """Objects that enter a selection and leave it."""
    yield Step("POST", CONFIG_MAPS, config_map(data={"a": "1"}))
    for value in ("front", "back", "front"):
        yield merge(f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"tier": value}}})
    yield merge(f"{CONFIG_MAPS}/one", {"metadata": {"finalizers": ["example.com/hold"]}})
    yield merge(f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"tier": "front"}}})
    yield Step("DELETE", f"{CONFIG_MAPS}/one")
    patch: Json = {"metadata": {"finalizers": None, "labels": {"tier": "back"}}}
    yield merge(f"{CONFIG_MAPS}/one", patch)
    yield Step("POST", CONFIG_MAPS, config_map(metadata={"labels": {"tier": "front"}}))
    yield Step("DELETE", CONFIG_MAPS)
    yield Step("POST", CONFIG_MAPS, config_map(END, metadata={"labels": {"tier": "front"}}))


def definition_life() -> Iterator[Step]:
    group = "{ns}.example.com"
    definition = widgets.widget_definition(group)
    path = f"{CRDS}/widgets.{group}"
    things = f"/apis/{group}/v1/namespaces/{{ns}}/widgets"
    one = widget() | {"apiVersion": f"{group}/v1"}
    yield Step("GET", things)
    yield Step("POST", CRDS, definition, query={"dryRun": "All"})
    yield Step("POST", CRDS, {"metadata": {"name": "wrong"}, "spec": definition["spec"]})
    yield Step("PATCH", path, definition, APPLY, {"fieldManager": "alice"})
    yield Step("GET", path, until="InitialNamesAccepted")
    yield Step("GET", things, until="WidgetList")
    yield Step("POST", things, one)
    yield Step("GET", f"{things}/one", accept=TABLE)
    held: Json = {"metadata": {"finalizers": ["example.com/hold"]}}
    yield merge(f"{things}/one", held)
    yield Step("DELETE", f"{things}/one")
    yield merge(f"{things}/one", {"metadata": {"finalizers": None}})
    yield Step("GET", f"{things}/one")
    yield Step("DELETE", path, query={"dryRun": "All"})
    yield Step("DELETE", path)
    yield Step("GET", path, until="NotFound")
    yield Step("GET", things, until="404 page not found")


def namespaces() -> Iterator[Step]:
    """A deleted namespace with something in it stays, and accepts nothing new."""
    spaces = "/api/v1/namespaces"
    inside = "/api/v1/namespaces/{ns}-x/configmaps"
    yield Step("POST", spaces, {"metadata": {"name": "{ns}-x", "labels": {"a": "1"}}})
    yield Step("POST", inside, config_map())
    yield merge(f"{spaces}/{{ns}}-x", {"metadata": {"labels": {"a": "2"}}})
    yield Step("DELETE", f"{spaces}/{{ns}}-x", query={"dryRun": "All"})
    yield Step("DELETE", f"{spaces}/{{ns}}-x")
    yield Step("POST", inside, config_map("two"))
    yield apply(inside, config_map("two"), "alice")
    yield merge(f"{inside}/one", {"data": {"a": "1"}})
    yield Step("DELETE", f"{spaces}/{{ns}}-x")
    yield Step("DELETE", f"{inside}/one")
    yield Step("GET", f"{spaces}/{{ns}}-x", accept=TABLE)
    yield Step("DELETE", f"{spaces}/default", query={"dryRun": "All"})
    yield Step("POST", spaces, {"metadata": {"name": "{ns}-x"}})


_START: Final = {"resourceVersion": "<start>"}
_STREAMED: Final = {
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}
TRACES: Final[tuple[Trace, ...]] = (
    Trace("malformed bodies", tuple(refusals.malformed())),
    Trace("options that make no sense", tuple(refusals.options())),
    Trace("unknown and mistyped fields", tuple(refusals.strict())),
    Trace("paths where nothing is", tuple(refusals.nowhere())),
    Trace("a deprecated kind", tuple(refusals.deprecated())),
    Trace("preconditions", tuple(refusals.preconditions())),
    Trace("finalizers", tuple(changes.finalizers())),
    Trace("quantities", tuple(changes.quantities())),
    Trace("ownership of containers", tuple(changes.ownership())),
    Trace("objects without owners", tuple(changes.untracked())),
    Trace("entries and their forms", tuple(changes.entries())),
    Trace("lists of widgets", tuple(changes.lists_of_widgets())),
    Trace("immutable fields", tuple(refusals.immutable())),
    Trace("order of strategic merges", tuple(changes.order())),
    Trace("names under two names", tuple(changes.lasting_names())),
    Trace("pages", tuple(pages())),
    Trace("exact versions", tuple(exact())),
    Trace(
        "watches",
        tuple(watched()),
        (
            Watched(CONFIG_MAPS),
            Watched(CONFIG_MAPS, _START | {"labelSelector": "tier=front"}),
            Watched(CONFIG_MAPS, _START | {"fieldSelector": "metadata.name=zz-end"}),
            Watched(CONFIG_MAPS, {}),
            Watched(CONFIG_MAPS, {"resourceVersion": "<start>", **_STREAMED}),
            Watched(CONFIG_MAPS, {"labelSelector": "tier=front", **_STREAMED}),
            Watched(CONFIG_MAPS, _START, TABLE),
            Watched(CONFIG_MAPS, _START, PARTIAL),
        ),
    ),
    Trace("life of a definition", tuple(definition_life())),
    Trace("rules of schemas", tuple(schemas.schema_rules())),
    Trace("names", tuple(refusals.names())),
    Trace("namespaces", tuple(namespaces())),
    Trace("disruption budgets", tuple(refusals.budgets())),
    Trace("evictions", tuple(admitted.evictions())),
    Trace("protected claims", tuple(admitted.claims())),
    Trace("sizes of claims", tuple(admitted.claim_sizes())),
    Trace("quotas", tuple(admitted.quotas())),
    Trace("limit ranges", tuple(admitted.limit_ranges())),
    Trace("protobuf bodies", tuple(admitted.protobuf())),
    *(
        Trace(f"tables of {told.__name__}", tuple(told()))
        for told in (
            tables.columns,
            rows.pods,
            tables.nodes,
            tables.volumes,
            rows.services,
            rows.workloads,
            rows.jobs,
            rows.scalers,
            tables.others,
            tables.webhooks,
        )
    ),
)
