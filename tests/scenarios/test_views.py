"""kcp's end-to-end scenarios of its virtual workspaces, under the names they have there.

kcp has servers of their own between a syncer and the hub. Here their transforms are functions, and
what they promise is shown on the hub and the clusters. Not here, because there is no such server:
isolated API domains per syncer, authorisation by the verb sync, reading and writing in a workspace,
and the same through an APIBinding.
"""

from __future__ import annotations

from typing import Any

import orjson

from tests.scenarios.workspaces import (
    VOLUMES,
    below,
    connected,
    key_of,
    on_both_hubs,
    play,
    until,
    until_below,
    until_gone_below,
)
from tests.world.world import (
    DEPLOYMENTS,
    NAMESPACES,
    World,
    make_deployment,
    place_everywhere,
)
from tmcconsole.kube.objects import Json, annotations_of, labels_of
from tmcconsole.sync.names.markers import (
    CLUSTER,
    LOCATOR,
    SPEC_DIFF,
    STATE,
    UPSYNC_DIFF,
    UPSYNC_RV,
)


async def replicas_said(world: World) -> Any:
    found = await world.hub.get(DEPLOYMENTS, "shop", "web")
    return found and (found.get("status") or {}).get("availableReplicas")


@on_both_hubs
def test_two_targets_the_status_of_one_is_never_the_objects(hub: str) -> None:
    async def story(world: World) -> None:
        await place_everywhere(world)
        await connected(world)
        await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=2))

        async def summed() -> bool:
            return bool(await replicas_said(world) == 4)

        await until(world, summed, "the sum of both")
        await world.clusters["west"].delete(DEPLOYMENTS, await place_of_web(world, "west"), "web")
        await until_below(world, "west", DEPLOYMENTS, "web")
        await until(world, summed, "the sum of both again")

    play(story, hub, "east", "west")


async def place_of_web(world: World, cluster: str) -> str:
    copy = await until_below(world, cluster, DEPLOYMENTS, "web")
    return str(copy["metadata"]["namespace"])


@on_both_hubs
def test_moving_between_targets_the_status_follows_the_object(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
        east, west = (STATE + key_of(world, name) for name in ("east", "west"))
        tree = make_deployment("web", replicas=2)
        tree["metadata"]["labels"] = {east: "Sync"}
        await world.hub.apply(DEPLOYMENTS, tree)

        async def two() -> bool:
            return bool(await replicas_said(world) == 2)

        await until(world, two, "east reports two")
        both = {"metadata": {"labels": {west: "Sync"}}}
        await world.hub.patch(DEPLOYMENTS, "shop", "web", both)

        async def four() -> bool:
            return bool(await replicas_said(world) == 4)

        await until(world, four, "both report")
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"metadata": {"labels": {east: None}}})
        await until_gone_below(world, "east", DEPLOYMENTS, "web")
        await until(world, two, "west's alone is the object's")

    play(story, hub, "east", "west")


@on_both_hubs
def test_spec_diff_applied_to_one_target_and_gone_when_it_leaves(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
        note = SPEC_DIFF + key_of(world, "east")
        diff = [{"op": "replace", "path": "/replicas", "value": 1}]
        tree = make_deployment("web", replicas=3)
        tree["metadata"]["labels"] = {
            STATE + key_of(world, name): "Sync" for name in world.clusters
        }
        tree["metadata"]["annotations"] = {note: orjson.dumps(diff).decode()}
        await world.hub.apply(DEPLOYMENTS, tree)
        east = await until_below(world, "east", DEPLOYMENTS, "web")
        west = await until_below(world, "west", DEPLOYMENTS, "web")
        assert (east["spec"]["replicas"], west["spec"]["replicas"]) == (1, 3)

        off = {"metadata": {"labels": {STATE + key_of(world, "east"): None}}}
        await world.hub.patch(DEPLOYMENTS, "shop", "web", off)
        await until_gone_below(world, "east", DEPLOYMENTS, "web")

        async def forgotten() -> bool:
            found = await world.hub.get(DEPLOYMENTS, "shop", "web")
            return found is not None and note not in annotations_of(found)

        await until(world, forgotten, "the diff is gone with the target")

    play(story, hub, "east", "west")


def volume(world: World, name: str, *, goes_up: bool = True, **notes: Any) -> Json:
    session = world.engine.session
    assert session is not None
    key = key_of(world, "east")
    locator = session.shared.targets[key].names.locator("").to_json()
    labels = {CLUSTER: key} | ({STATE + key: "Upsync"} if goes_up else {})
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {LOCATOR: locator, **notes}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "nfs": {"server": "nfs.example", "path": f"/{name}"},
            "storageClassName": "plain",
        },
    }


async def until_whole(world: World, name: str) -> Json:
    async def whole() -> Json | None:
        found = await world.hub.get(VOLUMES, "", name)
        return found if found and UPSYNC_RV in annotations_of(found) else None

    found: Json = await until(world, whole, f"{name} is whole in the hub")
    return found


@on_both_hubs
def test_upsyncer_list_create_patch_update_and_delete(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        east, key = world.clusters["east"], key_of(world, "east")
        diff = orjson.dumps([{"op": "replace", "path": "/spec/nfs/path", "value": "/moved"}])
        await east.apply(VOLUMES, volume(world, "plain"))
        notes: dict[str, Any] = {UPSYNC_DIFF + key: diff.decode()}
        await east.apply(VOLUMES, volume(world, "diffed", **notes))
        await east.apply(VOLUMES, volume(world, "unlabelled", goes_up=False))

        # Listed and created, with the patch where there is one, and not without the label.
        plain, diffed = [await until_whole(world, name) for name in ("plain", "diffed")]
        assert plain["spec"]["nfs"]["path"] == "/plain"
        assert diffed["spec"]["nfs"]["path"] == "/moved"
        await world.engine.runtime.sleep(30)
        assert await world.hub.get(VOLUMES, "", "unlabelled") is None

        # Updated.
        mode = {"spec": {"mountOptions": ["hard"]}}
        await east.patch(VOLUMES, "", "plain", mode)

        async def updated() -> bool:
            found = await world.hub.get(VOLUMES, "", "plain")
            return found is not None and found["spec"].get("mountOptions") == ["hard"]

        await until(world, updated, "updated in the hub")

        # Deleted.
        await east.delete(VOLUMES, "", "plain")

        async def gone() -> bool:
            return await world.hub.get(VOLUMES, "", "plain") is None

        await until(world, gone, "gone in the hub")
        assert await below(world, "east", VOLUMES, "diffed", "") is not None

    play(story, hub)


@on_both_hubs
def test_upsyncer_a_label_removed_in_the_hub_comes_back_while_ours_is_there(hub: str) -> None:
    async def story(world: World) -> None:
        await connected(world)
        await world.clusters["east"].apply(VOLUMES, volume(world, "disk"))
        await until_whole(world, "disk")
        state = STATE + key_of(world, "east")
        await world.hub.patch(VOLUMES, "", "disk", {"metadata": {"labels": {state: None}}})

        async def back() -> bool:
            found = await world.hub.get(VOLUMES, "", "disk")
            return found is not None and labels_of(found).get(state) == "Upsync"

        await until(world, back, "the label is back")

    play(story, hub, "east", kinds_named=("persistentvolumes",))
