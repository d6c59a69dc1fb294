"""Statuses of several targets in the hub: which count, and what is left when targets go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.faults.definitions import WIDGETS, define_reporting, make_widget
from tests.faults.stage import KINDS, Stage, open_stage
from tests.world.world import (
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    World,
    let_go,
    make_deployment,
    place_everywhere,
)
from tmcconsole.config.settings import StatusRule
from tmcconsole.contract.commands import Why
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.names.markers import STATUS_DIFF

WEB = ("shop", "web")
ONE = ObjectKey("shop", "one")
BOTH = (*KINDS, WIDGETS.id)


async def status_of(world: World) -> Json:
    tree = await world.hub.get(DEPLOYMENTS, *WEB)
    return dict((tree or {}).get("status") or {})


async def deployed(world: World, ready: int) -> None:
    await world.hub.apply(DEPLOYMENTS, make_deployment())
    await is_ready(world, ready)


async def is_ready(world: World, wanted: int) -> None:
    async def so() -> bool:
        return int((await status_of(world)).get("readyReplicas", 0)) == wanted

    await world.eventually(so, f"{wanted} ready", 60)


async def assign(world: Stage, *targets: str, kind: Kind = DEPLOYMENTS, name: str = "web") -> None:
    """Assign targets on the object itself."""
    labels = {
        f"state.workload.kcp.io/{world.key_of(one)}": "Sync" if one in targets else None
        for one in world.clusters
    }
    await world.hub.patch(kind, "shop", name, {"metadata": {"labels": labels}})


def test_a_target_that_the_object_leaves_is_not_counted_any_more() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await assign(world, "east", "west")
            await is_ready(world, 4)
            world.sims["east"].faults.switch("outage")
            await assign(world, "west")

            await is_ready(world, 2)
            assert sorted(world.finalizers(DEPLOYMENTS, "web")) == ["east", "west"]

    in_virtual_time(story)


def test_after_a_drain_nothing_stale_is_left() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await deployed(world, 4)
            await place_nowhere(world)

            await is_ready(world, 0)
            await world.until(lambda: not world.finalizers(DEPLOYMENTS, "web"), "released", 60)
            await world.settle()
            assert blank(await status_of(world))
            await world.restart()
            await anyio.sleep(150)  # meanwhile the empty namespaces are deleted
            await world.rest()

    in_virtual_time(story)


def test_a_status_that_somebody_else_wrote_stays_when_the_copies_are_gone() -> None:
    async def story() -> None:
        async with open_stage(("east",)) as world:
            await place_everywhere(world)
            await deployed(world, 2)
            await world.hub.user.merge_patch(
                DEPLOYMENTS,
                ObjectKey(*WEB),
                {"status": {"collisionCount": 7}},
                manager="someone",
                subresource="status",
            )
            await anyio.sleep(30)
            assert (await status_of(world))["collisionCount"] == 7
            await world.rest()
            await place_nowhere(world)
            await world.until(lambda: not world.finalizers(DEPLOYMENTS, "web"), "released", 60)
            await is_ready(world, 0)
            await world.settle()

            status = await status_of(world)
            assert "readyReplicas" not in status
            assert status["collisionCount"] == 7

    in_virtual_time(story)


def test_the_hub_s_api_server_stamps_when_it_was_observed() -> None:
    async def story() -> None:
        async with open_stage(("east",)) as world:
            await place_everywhere(world)
            await deployed(world, 2)

            tree = world.copy("hub", DEPLOYMENTS, "web") or {}
            ours = [
                one
                for one in tree["metadata"]["managedFields"]
                if one["manager"] == "tmc-console" and one.get("subresource") == "status"
            ]
            assert len(ours) == 1
            assert ours[0]["time"]

    in_virtual_time(story)


def test_a_rule_that_fails_is_told_and_the_field_keeps_its_value() -> None:
    rule = StatusRule("deployments.apps", "updatedReplicas", cel="values[9]")

    async def story() -> None:
        async with open_virtual_world(("east", "west"), status_rules=(rule,)) as world:
            await place_everywhere(world)
            await deployed(world, 4)

            assert "updatedReplicas" not in await status_of(world)
            reply = await world.engine.request(Why(key="deployments.apps/shop/web"))
            assert "status not merged" in str(reply)
            assert "updatedReplicas = values[9]" in str(reply)
            told = [r for r in world.engine.history.records() if r.event == "AggregationFailure"]
            assert [record.recovered_at for record in told] == [0.0]

    in_virtual_time(story)


def test_a_placement_says_how_its_statuses_are_merged_and_may_change_its_mind() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.apply(DEPLOYMENTS, make_deployment())
            await is_ready(world, 4)
            for function, ready in (("max", 2), ("sum", 4)):
                rules = [
                    {"kind": "deployments.apps", "field": "readyReplicas", "function": function}
                ]
                await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"statusRules": rules}})
                await is_ready(world, ready)
            await world.restart()
            await anyio.sleep(30)
            await world.rest()

    in_virtual_time(story)


def test_what_no_target_reports_any_more_goes_with_others_words_beside_it() -> None:
    async def story() -> None:
        async with open_stage(("east",), kinds_allow=BOTH) as world:
            await widgets_on(world)
            await says(world, "east", size=3, phase="Fine")
            await shows(world, size=3, phase="Fine")
            await world.hub.user.merge_patch(
                WIDGETS, ONE, {"status": {"note": "mine"}}, manager="someone", subresource="status"
            )
            await says(world, "east", phase=None)

            await shows(world, size=3, note="mine")
            await world.restart()
            await anyio.sleep(30)
            await world.rest()
            await says(world, "east", size=None, phase="Fine")
            await shows(world, phase="Fine", note="mine")

    in_virtual_time(story)


def test_H6_a_report_that_goes_back_to_an_older_generation_is_dropped() -> None:
    async def story() -> None:
        async with open_stage(("east", "west"), kinds_allow=BOTH) as world:
            await widgets_on(world)
            await says(world, "west", readyReplicas=1, observedGeneration=1)
            await says(world, "east", readyReplicas=1, observedGeneration=1)
            await shows(world, readyReplicas=2, observedGeneration=1)
            began = world.now()
            await says(world, "east", readyReplicas=0, observedGeneration=0)
            await anyio.sleep(120)
            assert world.writes(since=began) == []
            await says(world, "east", readyReplicas=2, observedGeneration=1)

            await shows(world, readyReplicas=3, observedGeneration=1)

    in_virtual_time(story)


def test_a_status_beyond_the_cap_is_not_taken_and_is_told() -> None:
    async def story() -> None:
        async with open_stage(("east", "west"), kinds_allow=BOTH) as world:
            await widgets_on(world)
            await says(world, "west", readyReplicas=1)
            await says(world, "east", readyReplicas=1)
            await shows(world, readyReplicas=2)
            await says(world, "east", readyReplicas=5, log="x" * 64 * 1024)
            await shows(world, readyReplicas=1)
            told = str(await world.engine.request(Why(key="widgets.example.com/shop/one")))
            assert "east: its status of 6" in told
            assert "at most 65536 are" in told
            await says(world, "east", log="x" * 60 * 1024)

            await shows(world, readyReplicas=6, log="x" * 60 * 1024)
            told = str(await world.engine.request(Why(key="widgets.example.com/shop/one")))
            assert "at most" not in told

    in_virtual_time(story)


def test_going_back_from_promotion_leaves_no_marker() -> None:
    async def story() -> None:
        async with open_stage(("east", "west"), status="promote") as world:
            await place_everywhere(world)
            await world.hub.apply(DEPLOYMENTS, make_deployment())

            def notes() -> list[str]:
                tree = world.copy("hub", DEPLOYMENTS, "web") or {"metadata": {}}
                named = tree["metadata"].get("annotations") or {}
                return [name for name in named if name.startswith(STATUS_DIFF)]

            foreign = {f"{STATUS_DIFF}another": "{}"}
            await world.hub.patch(DEPLOYMENTS, *WEB, {"metadata": {"annotations": foreign}})
            await world.until(lambda: len(notes()) == 3, "promoted", 60)
            await world.settle()
            assert blank(await status_of(world))
            sync = replace(world.settings.sync, status="aggregate")
            world.settings = replace(world.settings, sync=sync)
            await world.restart()

            await is_ready(world, 4)
            assert notes() == list(foreign)
            await anyio.sleep(30)
            await world.rest()

    in_virtual_time(story)


def test_a_target_that_never_reports_shows_no_old_numbers_as_new() -> None:
    async def story() -> None:
        async with open_stage(("east", "west"), kinds_allow=BOTH) as world:
            await widgets_on(world, placed=False)
            await assign(world, "east", kind=WIDGETS, name="one")
            await world.until(lambda: bool(world.copy("east", WIDGETS, "one")), "east", 60)
            await says(world, "east", readyReplicas=3, phase="Fine", observedGeneration=1)
            await shows(world, readyReplicas=3, phase="Fine", observedGeneration=1)
            await assign(world, "west", kind=WIDGETS, name="one")
            await world.until(lambda: not world.copy("east", WIDGETS, "one"), "moved", 60)
            await anyio.sleep(60)

            assert world.finalizers(WIDGETS, "one") == ["west"]
            tree = world.copy("hub", WIDGETS, "one") or {}
            assert not tree.get("status")

    in_virtual_time(story)


async def widgets_on(world: Stage, *, placed: bool = True) -> None:
    """Get a widget with a status onto every target."""
    for side in (world.hub, *world.clusters.values()):
        await side.apply(CRDS, define_reporting())
    if placed:
        await place_everywhere(world)
    else:
        await world.hub.apply(NAMESPACES, {"metadata": {"name": "shop"}})
    await world.hub.apply(WIDGETS, make_widget())
    if placed:
        await world.until(
            lambda: all(world.copy(name, WIDGETS, "one") for name in world.clusters), "on", 120
        )


async def says(world: Stage, target: str, **status: Any) -> None:
    """Report a status as a cluster's controllers do; None removes a field."""
    await world.clusters[target].user.merge_patch(
        WIDGETS, ONE, {"status": status}, manager="operator", subresource="status"
    )


async def shows(world: Stage, **wanted: Any) -> None:
    """Wait until the hub shows exactly that."""
    await world.until(
        lambda: (world.copy("hub", WIDGETS, "one") or {}).get("status") == wanted, "shown", 60
    )


def blank(status: Json) -> bool:
    return not any(status.values())


async def place_nowhere(world: Stage) -> None:
    await let_go(world.hub)
    nothing = {"spec": {"namespaceSelector": {"matchLabels": {"app": "nothing"}}}}
    await world.hub.patch(PLACEMENTS, "", "shop", nothing)


def test_a_rollout_is_not_over_while_a_cluster_has_nothing() -> None:
    async def story() -> None:
        async with open_stage(("east", "west")) as world:
            await world.clusters["west"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
            await world.clusters["west"].apply(DEPLOYMENTS, make_deployment())  # somebody else's
            await place_everywhere(world)
            await deployed(world, 2)
            await anyio.sleep(30)
            status = await status_of(world)
            available = next(one for one in status["conditions"] if one["type"] == "Available")
            assert "observedGeneration" not in status
            assert (available["status"], available["reason"]) == ("Unknown", "TargetMissing")
            assert "west" in available["message"]

            await world.clusters["west"].delete(DEPLOYMENTS, *WEB)
            await anyio.sleep(700)  # a name clash is checked again after ten minutes
            await is_ready(world, 4)
            await anyio.sleep(5)
            tree = await world.hub.get(DEPLOYMENTS, *WEB)
            assert tree is not None
            status = tree["status"]
            assert status["observedGeneration"] == tree["metadata"]["generation"]
            assert {one["status"] for one in status["conditions"]} == {"True"}

    in_virtual_time(story)
