"""A kind that a cluster lacks: if configured, its definition is sent before its objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.faults.stage import SPACE, Stage, open_stage
from tests.world.world import SYNC_TARGETS, place_everywhere
from tmcconsole.contract.records import HistoryRecord
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.crd_sync import DEFINITIONS

pytestmark = pytest.mark.anyio

NAME = "widgets.shop.example"
WIDGETS = Kind("shop.example", "v1", "widgets", "Widget")


def make_definition(*fields: str, **spec: Any) -> Json:
    shape = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": shape}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    whole = {"group": "shop.example", "names": names, "scope": "Namespaced", "versions": [version]}
    return {"metadata": {"name": NAME, "annotations": {"note": "of the hub"}}, "spec": whole | spec}


def make_widget(namespace: str = SPACE, **spec: str) -> Json:
    return {"metadata": {"name": "one", "namespace": namespace}, "spec": spec or {"size": "big"}}


@asynccontextmanager
async def open_hub_of_widgets(**sync: Any) -> AsyncIterator[Stage]:
    """Open a stage where only the hub serves widgets."""
    options = {"kinds_allow": (WIDGETS.id,), "crds": "follow", **sync}
    async with open_stage(("east",), **options) as world:
        await world.hub.apply(DEFINITIONS, make_definition("size"))
        await place_everywhere(world, SPACE)
        await anyio.sleep(1)  # until it is established
        yield world


def there(world: Stage) -> Json | None:
    return world.sims["east"].store.get(DEFINITIONS.id, "", NAME)


async def told(world: Stage) -> list[str]:
    records = await world.records(HistoryRecord)
    return [str(one.event) for one in records if one.subject.startswith(DEFINITIONS.id)]


async def test_the_definition_goes_before_the_objects() -> None:
    async with open_hub_of_widgets() as world:
        await world.hub.apply(WIDGETS, make_widget())
        await world.until(lambda: world.copy("east", WIDGETS, "one") is not None, "synced", 130)

        order = [(one.verb, one.kind) for one in world.committed if one.by_engine]
        assert order.index(("create", DEFINITIONS.id)) < order.index(("create", WIDGETS.id))
        found = there(world)
        assert found is not None
        assert found["metadata"]["labels"] == {
            "internal.workload.kcp.io/cluster": world.key_of("east")
        }
        assert "note" not in found["metadata"]["annotations"]
        assert await told(world) == ["DefinitionApplied"]
        await world.rest(300)


async def test_no_definition_comes_where_no_object_is_placed() -> None:
    async with open_hub_of_widgets() as world:
        await world.hub.apply(
            Kind("", "v1", "namespaces", "Namespace", namespaced=False),
            {"metadata": {"name": "elsewhere"}},
        )
        await world.hub.apply(WIDGETS, make_widget("elsewhere"))
        await anyio.sleep(300)
        assert there(world) is None
        await world.hub.apply(WIDGETS, make_widget())

        await world.until(lambda: there(world) is not None, "the first one is placed", 15)


@pytest.mark.parametrize(
    "sync",
    [
        pytest.param({"crds": "never"}, id="by default"),
        pytest.param(
            {"profile": "restricted", "kinds_named": (WIDGETS.id,)}, id="under restricted"
        ),
        pytest.param({"kinds_deny": (WIDGETS.id,)}, id="of a kind that is denied"),
    ],
)
async def test_definitions_stay(sync: dict[str, Any]) -> None:
    async with open_hub_of_widgets(**sync) as world:
        await world.hub.apply(WIDGETS, make_widget())
        await anyio.sleep(300)

        assert there(world) is None
        assert world.writes("east") == []


async def test_a_change_of_the_hubs_definition_follows() -> None:
    async with open_hub_of_widgets() as world:
        await world.hub.apply(WIDGETS, make_widget())
        await world.until(lambda: world.copy("east", WIDGETS, "one") is not None, "synced", 130)
        await world.hub.apply(DEFINITIONS, make_definition("size", "colour"))
        await anyio.sleep(130)
        await world.hub.apply(WIDGETS, make_widget(size="big", colour="red"))

        def is_red() -> bool:
            tree = world.copy("east", WIDGETS, "one")
            return bool(tree and tree["spec"].get("colour") == "red")

        await world.until(is_red, "the new field is known", 130)
        assert set(await told(world)) == {"DefinitionApplied"}


async def test_what_the_hub_loses_stays_on_the_cluster() -> None:
    async with open_hub_of_widgets() as world:
        await world.hub.apply(WIDGETS, make_widget())
        await world.until(lambda: world.copy("east", WIDGETS, "one") is not None, "synced", 130)
        theirs = {"metadata": {"name": "theirs", "namespace": SPACE}, "spec": {"size": "own"}}
        await world.clusters["east"].apply(WIDGETS, theirs)
        await world.hub.delete(WIDGETS, SPACE, "one")
        await world.until(lambda: world.copy("east", WIDGETS, "one") is None, "the copy leaves")
        await world.hub.delete(DEFINITIONS, "", NAME)
        await anyio.sleep(300)

        assert there(world) is not None
        assert world.copy("east", WIDGETS, "theirs") is not None
        assert [one for one in world.deletions() if "customresource" in one.path] == []


async def test_a_definition_of_somebody_elses_is_left_alone() -> None:
    async with open_hub_of_widgets() as world:
        foreign = make_definition("other")
        foreign["spec"]["versions"][0]["served"] = False
        foreign["spec"]["versions"].append({**foreign["spec"]["versions"][0], "name": "v2"})
        foreign["spec"]["versions"][1] |= {"served": False, "storage": False}
        await world.clusters["east"].apply(DEFINITIONS, foreign, manager="stranger")
        before = there(world)
        assert before is not None
        await world.hub.apply(WIDGETS, make_widget())
        await anyio.sleep(300)

        assert there(world) == before
        assert await told(world) == ["DefinitionForeign"]


async def test_a_definition_that_converts_by_webhook_is_refused_and_said_once() -> None:
    webhook = {"clientConfig": {"url": "https://hub.example/convert"}}
    conversion = {"strategy": "Webhook", "webhook": webhook | {"conversionReviewVersions": ["v1"]}}
    async with open_hub_of_widgets() as world:
        await world.hub.apply(DEFINITIONS, make_definition("size", conversion=conversion))
        await world.hub.apply(WIDGETS, make_widget())
        await anyio.sleep(300)

        assert there(world) is None
        assert await told(world) == ["ConversionWebhook"]


async def test_a_paused_target_gets_no_definition() -> None:
    async with open_hub_of_widgets() as world:
        pause = {"metadata": {"annotations": {"syncer.kcp.io/pause": '{"why":"upgrade"}'}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", pause)
        await anyio.sleep(5)
        await world.hub.apply(WIDGETS, make_widget())
        await anyio.sleep(300)

        assert there(world) is None
