"""kcp's marks in use: holds, spec diffs and deletion stamps, on a hub and a cluster."""

from __future__ import annotations

import orjson

from tests.engine.asking import cell_state, colour, is_colour, paint, tell
from tests.test_one_object import key_of_target
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, World, make_configmap, make_deployment
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, Kind, annotations_of
from tmcconsole.sync.names.markers import DELETION, SOFT_FINALIZER, SPEC_DIFF, STATE

SETTINGS = (CONFIGMAPS, "shop", "settings")


async def mark(world: World, meta: Json, kind_key: tuple[Kind, str, str] = SETTINGS) -> None:
    await world.hub.patch(*kind_key, {"metadata": meta})


def test_an_object_on_hold_keeps_its_copy_and_takes_no_change() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        await mark(world, {"labels": {STATE + key: ""}})
        await world.settle()

        await paint(world, "green")
        await world.eventually(is_colour(world, "west", "green"), "west goes on")
        await world.settle()

        assert await colour(world, "east") == "blue"
        assert await cell_state(world, "east") is SyncState.HELD

        await mark(world, {"labels": {STATE + key: "Sync"}})
        await world.eventually(is_colour(world, "east", "green"), "east goes on")

    tell(story)


def test_an_object_that_begins_on_hold_is_copied_when_a_coordinator_says_so() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        tree = make_configmap("later")
        tree["metadata"]["labels"] = {STATE + key: ""}
        await world.hub.apply(CONFIGMAPS, tree)
        await world.settle()
        assert await world.clusters["east"].get(CONFIGMAPS, "shop", "later") is None
        found = await world.hub.get(CONFIGMAPS, "shop", "later")
        assert found is not None
        assert "finalizers" not in found["metadata"]

        await world.hub.patch(
            CONFIGMAPS, "shop", "later", {"metadata": {"labels": {STATE + key: "Sync"}}}
        )
        await world.on("east", CONFIGMAPS, "shop", "later")

    tell(story, "east")


def test_each_target_gets_the_spec_with_its_own_diff() -> None:
    async def story(world: World) -> None:
        notes = {
            SPEC_DIFF + key_of_target(world, name): orjson.dumps(
                [{"op": "replace", "path": "/replicas", "value": count}]
            ).decode()
            for name, count in (("east", 3), ("west", 1))
        }
        tree = make_deployment("web", replicas=4)
        tree["metadata"]["annotations"] = notes
        await world.hub.apply(DEPLOYMENTS, tree)
        east = await world.on("east", DEPLOYMENTS, "shop", "web")
        west = await world.on("west", DEPLOYMENTS, "shop", "web")

        assert (east["spec"]["replicas"], west["spec"]["replicas"]) == (3, 1)
        assert not any(name.startswith(SPEC_DIFF) for name in annotations_of(east))

    tell(story)


def test_a_spec_diff_that_does_not_fit_is_refused_whole_and_the_copy_stays() -> None:
    async def story(world: World) -> None:
        await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=2))
        await world.on("east", DEPLOYMENTS, "shop", "web")
        await world.settle()
        broken = [
            {"op": "replace", "path": "/replicas", "value": 7},
            {"op": "remove", "path": "/nothing/here"},
        ]
        note = {SPEC_DIFF + key_of_target(world, "east"): orjson.dumps(broken).decode()}
        await mark(world, {"annotations": note}, (DEPLOYMENTS, "shop", "web"))
        await world.settle()

        copy = await world.on("east", DEPLOYMENTS, "shop", "web")
        assert copy["spec"]["replicas"] == 2
        assert await cell_state(world, "east", "web") is SyncState.REFUSED

        await mark(world, {"annotations": dict.fromkeys(note)}, (DEPLOYMENTS, "shop", "web"))
        await world.settle()
        assert await cell_state(world, "east", "web") is SyncState.IN_SYNC

    tell(story, "east")


def test_a_deletion_is_stamped_and_waits_for_the_soft_finalizer() -> None:
    async def story(world: World) -> None:
        key = key_of_target(world, "east")
        await mark(world, {"annotations": {SOFT_FINALIZER + key: "backup"}})
        await world.hub.delete(*SETTINGS)
        await world.settle()
        found = await world.hub.get(*SETTINGS)
        assert found is not None
        assert annotations_of(found)[DELETION + key] == found["metadata"]["deletionTimestamp"]
        assert await colour(world, "east") == "blue"

        await paint(world, "green")
        await world.eventually(is_colour(world, "east", "green"), "updates go on meanwhile")
        await mark(world, {"annotations": {SOFT_FINALIZER + key: ""}})

        async def gone() -> bool:
            return await colour(world, "east") is None and await world.hub.get(*SETTINGS) is None

        await world.eventually(gone, "gone on both sides")

    tell(story, "east")
