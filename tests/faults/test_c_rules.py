"""B3, B4: who wins over a field, and what is left to others."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.hands import annotate, drift_events, edit, told
from tests.faults.stage import KINDS, Stage, open_shop
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    PLACEMENTS,
    make_deployment,
)
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.kube.objects import Json, Kind, ObjectKey

pytestmark = pytest.mark.anyio

AUTOSCALERS = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")


async def test_B3_cluster_wins_cedes_the_field_without_a_write_and_says_to_whom() -> None:
    async with open_shop(("east",), conflict_policy="cluster-wins") as world:
        began = world.now()
        await edit(world, colour="red")
        await anyio.sleep(600)

        assert world.writes(since=began) == []
        assert world.data_on("east") == {"colour": "red"}
        assert world.data_on("hub") == {"colour": "blue"}
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")
        assert "stranger" in world.standing("east").message
        assert await drift_events(world) == ["Ceded"]


async def test_B3_cluster_wins_still_carries_the_rest_of_a_new_desired_state() -> None:
    async with open_shop(("east",), conflict_policy="cluster-wins") as world:
        await edit(world, colour="red")
        await world.settle()
        await world.hub.patch(
            CONFIGMAPS, "shop", "settings", {"data": {"colour": "green", "size": "XL"}}
        )
        await world.until(lambda: world.data_on("east").get("size") == "XL", "the rest")

        await world.settle()
        assert world.data_on("east") == {"colour": "red", "size": "XL"}
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")
        await world.rest(600)
        began = world.now()
        await world.restart()
        await anyio.sleep(60)
        assert world.writes(since=began) == []
        assert world.data_on("east") == {"colour": "red", "size": "XL"}


async def test_B3_a_change_of_policy_takes_back_what_was_ceded() -> None:
    async with open_shop(("east",)) as world:
        await annotate(world, conflict_policy="UseTarget")
        await edit(world, colour="red")
        await world.until(lambda: told(world)[1] == "FieldsLeft", "ceded")
        await annotate(world, conflict_policy="kcp-wins")

        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "taken back")
        assert told(world) == (SyncState.IN_SYNC, "")


async def test_B3_a_placement_says_who_wins_and_an_annotation_says_it_louder() -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:
        await annotate(world, "other", conflict_policy="hub-wins")
        policy = {"spec": {"conflictPolicy": "cluster-wins"}}
        await world.hub.patch(PLACEMENTS, "", "shop", policy)
        await world.settle()
        await edit(world, colour="red")
        await edit(world, "other", colour="red")
        await world.until(lambda: world.data_on("east", "other") == {"colour": "blue"}, "back")
        await world.settle()

        assert world.data_on("east") == {"colour": "red"}
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")


async def test_a_word_nobody_knows_is_refused_and_named() -> None:
    async with open_shop(("east",)) as world:
        await annotate(world, conflict_policy="everybody-wins")
        await world.paint("green")
        await world.until(lambda: told(world) == (SyncState.REFUSED, "BadAnnotation"))

        assert "everybody-wins" in world.standing("east").message
        assert world.data_on("east") == {"colour": "blue"}


async def test_B3_merge_keeps_what_only_the_cluster_changed() -> None:
    async with open_shop(("east",), conflict_policy="merge") as world:
        await edit(world, colour="red", taste="theirs")
        await world.settle()
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"size": "XL"}})
        await world.until(lambda: world.data_on("east").get("size") == "XL", "merged")

        await world.settle()
        assert world.data_on("east") == {"colour": "red", "taste": "theirs", "size": "XL"}
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")
        await world.rest()


async def test_B3_merge_takes_back_what_was_removed_and_nobody_claims() -> None:
    async with open_shop(("east",), conflict_policy="merge") as world:
        gone: Json = {"data": {"colour": None}}
        await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", gone)

        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "back")
        await world.rest()


async def test_B3_merge_asks_where_both_sides_changed_a_field_also_after_a_restart() -> None:
    async with open_shop(("east",), conflict_policy="merge") as world:
        await edit(world, colour="red")
        await world.settle()
        await world.hub.patch(
            CONFIGMAPS, "shop", "settings", {"data": {"colour": "green", "size": "XL"}}
        )
        await world.until(lambda: told(world) == (SyncState.DRIFTED, "MergeConflict"))
        assert world.data_on("east") == {"colour": "red", "size": "XL"}
        began = world.now()
        await world.restart()
        await anyio.sleep(700)

        assert told(world) == (SyncState.DRIFTED, "MergeConflict")
        assert "data.colour" in world.standing("east").message
        assert world.writes(since=began) == []


async def test_B3_merge_goes_on_asking_where_the_copy_was_made_under_another_policy() -> None:
    async with open_shop(("east",)) as world:
        await annotate(world, conflict_policy="merge")
        await world.settle()
        await edit(world, colour="red")
        await world.settle()
        await world.paint("green")
        await world.until(lambda: told(world) == (SyncState.DRIFTED, "MergeConflict"))
        await anyio.sleep(700)

        assert told(world) == (SyncState.DRIFTED, "MergeConflict")
        assert world.data_on("east") == {"colour": "red"}


async def test_B3_manual_stops_before_any_write_and_names_the_fields() -> None:
    async with open_shop(("east",), conflict_policy="manual") as world:
        began = world.now()
        await edit(world, colour="red")
        await world.until(lambda: told(world) == (SyncState.DRIFTED, "Manual"))
        await world.paint("green")
        await anyio.sleep(1300)

        assert world.writes("east", since=began) == []
        assert told(world) == (SyncState.DRIFTED, "Manual")
        assert "data.colour" in world.standing("east").message
        assert "stranger" in world.standing("east").message


@pytest.mark.thorough
async def test_B4_two_writers_end_with_one_clear_condition_and_no_further_write() -> None:
    async with open_shop(("east",)) as world:

        async def insist(seconds: float) -> None:
            for number in range(int(seconds / 5)):
                await edit(world, colour=f"red {world.now()} {number}")
                await anyio.sleep(5)

        await insist(120)
        assert told(world) == (SyncState.REFUSED, "Fight")
        began = world.now()
        await insist(3600)
        assert world.writes(since=began) == []
        message = world.standing("east").message
        assert "data.colour" in message
        assert "stranger" in message
        assert (await drift_events(world)).count("Fight") == 1

        # The other writer is gone: after a quiet period the truce ends by itself.
        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "ours", 700)
        await world.settle()
        assert told(world) == (SyncState.IN_SYNC, "")
        await world.rest(1200)


@pytest.mark.thorough
async def test_B4_a_writer_that_answers_each_attempt_gets_ever_fewer_of_them() -> None:
    async with open_shop(("east",)) as world:
        began = world.now()
        while world.now() < began + 4 * 3600:
            if world.data_on("east") == {"colour": "blue"}:
                await edit(world, colour="red")
            await anyio.sleep(1)

        late = [one for one in world.writes("east", began + 3600) if one.path.endswith("settings")]
        assert len(late) <= 4
        assert told(world) == (SyncState.REFUSED, "Fight")


async def test_B5_an_ignored_field_is_left_to_whoever_changed_it_and_is_no_drift() -> None:
    async with open_shop(("east",), ignore_fields=("configmaps:/data/colour",)) as world:
        began = world.now()
        await edit(world, colour="red")
        await anyio.sleep(60)
        assert world.writes(since=began) == []
        await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"size": "XL"}})
        await world.until(lambda: world.data_on("east").get("size") == "XL", "the rest")

        await world.settle()
        assert world.data_on("east") == {"colour": "red", "size": "XL"}
        assert await drift_events(world) == []
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")
        await world.rest()


async def test_B3_fields_of_an_ignored_manager_are_left_and_those_of_others_taken_back() -> None:
    async with open_shop(("east",), maps=("other", "settings")) as world:
        await annotate(world, ignore_managers="stranger")
        await edit(world, colour="red")
        await edit(world, "other", colour="red")
        await world.until(lambda: world.data_on("east", "other") == {"colour": "blue"}, "back")
        await world.settle()

        assert world.data_on("east") == {"colour": "red"}
        assert told(world) == (SyncState.IN_SYNC, "FieldsLeft")


async def scale(world: Stage, replicas: int, manager: str) -> None:
    await world.clusters["east"].user.scale(
        DEPLOYMENTS, ObjectKey("shop", "web"), replicas, manager=manager
    )


def replicas(world: Stage) -> int:
    tree = world.copy("east", DEPLOYMENTS, "web")
    assert tree
    return int(tree["spec"]["replicas"])


async def deploy(world: Stage) -> None:
    await world.hub.apply(DEPLOYMENTS, make_deployment())
    await world.until(lambda: bool(world.copy("east", DEPLOYMENTS, "web")), "deployed")
    await world.settle()


async def test_B4_an_autoscaler_on_a_cluster_is_not_fought() -> None:
    async with open_shop(("east",)) as world:
        await deploy(world)
        began = world.now()
        for count in range(3, 13):
            await scale(world, count, "kube-controller-manager")
            await anyio.sleep(15)
        assert [one for one in world.writes("east", began) if "deployments/web" in one.path] == []
        image = [{"name": "main", "image": "registry.example/web:2"}]
        template = {"spec": {"template": {"spec": {"containers": image}}}}
        await world.hub.patch(DEPLOYMENTS, "shop", "web", template)
        await anyio.sleep(30)

        tree = world.copy("east", DEPLOYMENTS, "web")
        assert tree
        assert tree["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2")
        assert replicas(world) == 12
        assert told(world, "web", DEPLOYMENTS) == (SyncState.IN_SYNC, "FieldsLeft")


async def test_B4_a_workload_with_an_autoscaler_in_the_hub_is_never_scaled_by_us() -> None:
    kinds = (*KINDS, AUTOSCALERS.id)
    async with open_shop(("east",), kinds_allow=kinds, ignore_managers=()) as world:
        await deploy(world)
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        scaler: Json = {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 9},
        }
        await world.hub.apply(AUTOSCALERS, scaler)
        await world.until(lambda: bool(world.copy("east", AUTOSCALERS, "web")), "scaler")
        await scale(world, 7, "somebodys-autoscaler")
        await anyio.sleep(60)
        assert replicas(world) == 7
        await world.hub.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 3}})
        await anyio.sleep(60)

        assert replicas(world) == 7
        assert await drift_events(world) == []


async def test_B4_what_a_person_scales_by_hand_is_taken_back() -> None:
    async with open_shop(("east",)) as world:
        await deploy(world)
        await scale(world, 7, "kubectl")

        await world.until(lambda: replicas(world) == 2, "taken back")
        records = [r for r in await world.records(HistoryRecord) if r.event == "Reverted"]
        assert "kubectl/scale" in records[0].message
