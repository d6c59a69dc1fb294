"""Transforms in use: declared in the config or a Placement, changed, failing, and settled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio

from tests.engine.virtual import in_virtual_time
from tests.faults.stage import KINDS, Stage, open_stage
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    PLACEMENTS,
    SECRETS,
    SYNC_TARGETS,
    let_go,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.config.transform_reader import read_transform
from tmcconsole.contract.commands import ShowDiff, Text, Why
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json

MIRROR = {"name": "mirror", "images": {"registry.example": "{target.labels.region}.example"}}
GREEN = {"name": "green", "kinds": ["ConfigMap"], "set": {"data.colour": "green"}}


def tell(story: Callable[[Stage], Awaitable[None]], **sync: Any) -> None:
    """Run a scenario in a world where one ConfigMap and one Deployment belong on two targets."""

    async def main() -> None:
        async with open_placed(**sync) as world:
            await story(world)

    in_virtual_time(main)


@asynccontextmanager
async def open_placed(**sync: Any) -> AsyncIterator[Stage]:
    async with open_stage(**{"kinds_allow": (*KINDS, "secrets"), **sync}) as world:
        await place_everywhere(world)
        yield world


async def write_objects(world: Stage) -> None:
    await world.hub.apply(CONFIGMAPS, make_configmap())
    await world.hub.apply(DEPLOYMENTS, make_deployment())
    await world.until(lambda: ready(world) == 4, "Deployments are up")
    await world.until(lambda: all(world.data_on(name) for name in world.clusters), "ConfigMaps")
    await world.settle()


def ready(world: Stage) -> int:
    tree = world.copy("hub", DEPLOYMENTS, "web") or {}
    return int((tree.get("status") or {}).get("readyReplicas", 0))


def image(world: Stage, cluster: str) -> str:
    tree = world.copy(cluster, DEPLOYMENTS, "web")
    containers: list[Json] = tree["spec"]["template"]["spec"]["containers"] if tree else [{}]
    return str(containers[0].get("image", ""))


async def declare(world: Stage, *tables: Json) -> None:
    """Replace the transforms declared in the Placement."""
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"transforms": list(tables)}})


async def configure(world: Stage, *tables: Json) -> None:
    """Start another engine, whose config has these transforms."""
    transforms = tuple(read_transform(table, "config") for table in tables)
    world.settings = replace(world.settings, transforms=transforms)
    await world.restart()


async def text_of(world: Stage, command: Why | ShowDiff) -> str:
    reply = await world.engine.request(command)
    assert isinstance(reply, Text), reply
    return str(reply.body)


def test_each_target_gets_what_the_config_makes_of_an_object_for_it() -> None:
    async def story(world: Stage) -> None:
        await configure(world, MIRROR, {**GREEN, "targets": ["west"]})
        await write_objects(world)

        assert image(world, "east") == "east.example/web:1"
        assert image(world, "west") == "west.example/web:1"
        assert (world.data_on("east"), world.data_on("west")) == (
            {"colour": "blue"},
            {"colour": "green"},
        )
        assert image(world, "hub") == "registry.example/web:1"
        await world.rest()
        why = await text_of(world, Why(key="deployments.apps/shop/web"))
        assert why.count("transform mirror (config): images") == 2
        diff = await text_of(world, ShowDiff(key="configmaps/shop/settings", target="west"))
        assert diff == "# transform green (config): set data.colour\nno difference"

    tell(story)


def test_a_restart_with_the_same_transforms_writes_nothing() -> None:
    async def story(world: Stage) -> None:
        await declare(world, {**GREEN, "targets": ["west"]})
        await configure(world, MIRROR)
        await write_objects(world)
        began = world.now()

        await world.restart()
        await anyio.sleep(120)

        assert world.writes(since=began) == []

    tell(story)


def test_another_config_changes_the_copies_it_is_about_and_no_other() -> None:
    async def story(world: Stage) -> None:
        await write_objects(world)
        began = world.now()

        await configure(world, {**GREEN, "targets": ["east"]}, {"name": "no", "replicas": 2})
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "transformed")
        await anyio.sleep(60)

        wrote = [(one.cluster, one.path.rpartition("/")[2]) for one in world.writes(since=began)]
        assert wrote == [("east", "settings")]

    tell(story)


def test_a_placement_declares_changes_and_takes_them_back_while_running() -> None:
    async def story(world: Stage) -> None:
        await write_objects(world)

        await declare(world, GREEN)
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, "transformed")
        await declare(world, GREEN, {**GREEN, "name": "red", "set": {"data.colour": "red"}})
        await world.until(lambda: world.data_on("east") == {"colour": "red"}, "in order")
        await declare(world)
        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "back")
        await world.until(lambda: world.data_on("west") == {"colour": "blue"}, "back")
        await world.settle()
        await world.rest()

    tell(story)


def test_the_config_has_the_last_word_over_a_placement() -> None:
    async def story(world: Stage) -> None:
        await configure(world, {**GREEN, "set": {"data.colour": "of the config"}})
        await declare(world, GREEN)
        await write_objects(world)

        assert world.data_on("east") == {"colour": "of the config"}

    tell(story)


def test_what_someone_changes_on_a_cluster_is_judged_by_the_transformed_desired_state() -> None:
    async def story(world: Stage) -> None:
        await declare(world, GREEN)
        await write_objects(world)

        await world.clusters["east"].apply(CONFIGMAPS, make_configmap(colour="blue"), "stranger")
        await world.until(lambda: world.data_on("east") == {"colour": "green"}, "taken back")

    tell(story)


def test_labels_given_to_a_target_choose_transforms_at_once() -> None:
    async def story(world: Stage) -> None:
        await declare(world, {**GREEN, "targetLabels": {"environment": ["production"]}})
        await write_objects(world)
        assert world.data_on("west") == {"colour": "blue"}

        labels = {"environment": "production"}
        await world.hub.patch(SYNC_TARGETS, "", "west", {"metadata": {"labels": labels}})
        await world.until(lambda: world.data_on("west") == {"colour": "green"}, "transformed", 5)

        assert world.data_on("east") == {"colour": "blue"}

    tell(story)


def test_a_transform_that_fails_writes_nothing_and_keeps_what_is_there() -> None:
    async def story(world: Stage) -> None:
        await write_objects(world)
        began = world.now()
        broken = {"name": "broken", "kinds": ["ConfigMap"], "set": {"data.colour.deep": "x"}}

        await declare(world, broken)
        await world.until(lambda: world.standing("east").reason == "TransformFailed", "refused")
        await world.paint("red")
        await world.hub.apply(CONFIGMAPS, make_configmap("fresh"))
        await anyio.sleep(60)

        standing = world.standing("east", name="fresh")
        assert (standing.state, standing.reason) == (SyncState.REFUSED, "TransformFailed")
        assert standing.message == (
            "transform broken (Placement shop) fails on configmaps shop/fresh on east: data.colour "
            "is no object; correct the transform, or narrow its match"
        )
        assert world.data_on("east") == {"colour": "blue"}
        assert world.names_on("east") == ["settings"]
        assert [one for one in world.writes(since=began) if one.cluster != "hub"] == []
        await declare(world, GREEN)
        await world.until(lambda: world.names_on("east") == ["fresh", "settings"], "mended", 5)
        assert world.data_on("east") == {"colour": "green"}

    tell(story)


def test_a_transform_that_cannot_be_read_holds_its_placements_objects_only() -> None:
    async def story(world: Stage) -> None:
        await declare(world, {"name": "typo", "set": {"metadata.name": "other"}})
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await place_everywhere(world, "stall")
        await world.hub.apply(CONFIGMAPS, make_configmap("free", namespace="stall"))

        await world.until(lambda: world.names_on("east", space="stall") == ["free"], "others flow")
        await world.until(lambda: world.standing("east").reason == "TransformFailed", "refused")

        assert "set metadata.name cannot be trans" in world.standing("east").message
        assert world.names_on("east") == []

    tell(story)


def test_an_object_that_leaves_a_target_leaves_it_as_it_was_made() -> None:
    async def story(world: Stage) -> None:
        await declare(world, GREEN)
        await write_objects(world)
        seen = [world.data_on("east")]

        def note(_commit: object) -> None:
            seen.append(world.data_on("east"))

        world.sims["east"].store.on_commit(note)
        await let_go(world.hub)
        await world.hub.delete(PLACEMENTS, "", "shop")
        await world.until(lambda: world.names_on("east") == [], "gone", 60)

        assert [data for data in seen if data] == [{"colour": "green"}] * len(
            list(filter(None, seen))
        )

    tell(story)


def test_policy_judges_what_a_transform_makes() -> None:
    async def story(world: Stage) -> None:
        smuggle = {"type": "kubernetes.io/service-account-token"}
        await declare(world, {"name": "smuggle", "kinds": ["Secret"], "set": smuggle})
        await world.hub.apply(
            SECRETS, {"metadata": {"name": "plain", "namespace": "shop"}, "type": "Opaque"}
        )
        await world.until(
            lambda: world.standing("east", SECRETS, "plain").reason == "TokenSecret", "refused"
        )

        standing = world.standing("east", SECRETS, "plain")
        assert standing.message.startswith("as transformed by smuggle (Placement shop): ")
        assert world.copy("east", SECRETS, "plain") is None

    tell(story)
