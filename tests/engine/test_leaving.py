"""A copy leaves only once its replacement is there and as healthy, or when a person says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    World,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import (
    Accepted,
    DrainPlan,
    DrainTarget,
    Fate,
    Move,
    PlanDrain,
    Refused,
    UncordonTarget,
)
from tmcconsole.contract.records import ObjectRecord, SyncState
from tmcconsole.kube.objects import annotations_of
from tmcconsole.placement.api import LOCATIONS
from tmcconsole.sync.names.markers import ASSIGNED, EXCLUDE_TARGETS, LEAVE_ANYWAY, STATE

HEARTBEATS = 20  # of two targets in a minute, Lease renewals included


async def ready_on(world: World, cluster: str, name: str = "web") -> int:
    tree = await world.clusters[cluster].get(DEPLOYMENTS, "shop", name)
    return ((tree or {}).get("status") or {}).get("readyReplicas") or 0


async def place_on_any(world: World) -> str:
    """Get three ready pods onto one of two clusters; return that cluster's name."""
    await place_everywhere(world)
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "OneToAny"}})
    await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=3))

    async def home() -> str:
        counts = {name: await ready_on(world, name) for name in world.clusters}
        return next(
            (name for name in counts if counts == {**dict.fromkeys(counts, 0), name: 3}), ""
        )

    return str(await world.eventually(home, "three ready pods on one cluster", within_s=60))


async def drain(world: World, name: str) -> None:
    reply = await world.engine.request(DrainTarget(target=name, confirm=name, actor="ann"))
    assert isinstance(reply, Accepted), reply


def other(world: World, name: str) -> str:
    return next(one for one in world.clusters if one != name)


def test_a_drain_leaves_the_last_ready_pods_where_the_other_cluster_refuses_them() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            home = await place_on_any(world)
            away = world.clusters[other(world, home)].sim
            assert away is not None
            away.faults.switch("quota")

            await drain(world, home)
            for _ in range(120):
                await anyio.sleep(1)
                assert await ready_on(world, home) == 3

            away.faults.switch("quota", on=False)

    in_virtual_time(story)


def test_the_move_ends_once_the_other_cluster_takes_them_and_never_has_fewer_ready() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            home = await place_on_any(world)
            away = other(world, home)
            sim = world.clusters[away].sim
            assert sim is not None
            sim.faults.switch("quota")
            await drain(world, home)
            await anyio.sleep(60)
            assert await standing(world, home) == (SyncState.HELD, "NoReplacement")
            sim.faults.switch("quota", on=False)

            async def moved() -> bool:
                assert await ready_on(world, home) + await ready_on(world, away) >= 3
                return await world.clusters[home].get(DEPLOYMENTS, "shop", "web") is None

            await world.eventually(moved, "gone from home", within_s=900)
            assert await ready_on(world, away) == 3

    in_virtual_time(story)


async def standing(world: World, target: str, name: str = "web") -> tuple[SyncState, str]:
    changes = await world.engine.changes(NOTHING_SEEN)
    records = (one for one in changes.upserted if isinstance(one, ObjectRecord))
    cells = next(one.cells for one in records if one.name == name)
    return next((cell.state, str(cell.reason)) for cell in cells if cell.target == target)


async def edit_placement(world: World, _home: str) -> None:
    nothing = {"namespaceSelector": {"matchLabels": {"app": "nothing"}}}
    await world.hub.patch(PLACEMENTS, "", "shop", {"spec": nothing})


async def delete_placement(world: World, _home: str) -> None:
    await world.hub.delete(PLACEMENTS, "", "shop")


async def edit_location(world: World, _home: str) -> None:
    spec = {"instanceSelector": {"matchLabels": {"region": "nowhere"}}}
    await world.hub.patch(LOCATIONS, "", "default", {"spec": spec})


async def relabel_namespace(world: World, _home: str) -> None:
    await world.hub.patch(NAMESPACES, "", "shop", {"metadata": {"labels": {"app": None}}})


async def unlabel_object(world: World, home: str) -> None:
    """Take the state label off an object that no Placement selects."""
    session = world.engine.session
    assert session is not None
    key = next(one.key for one in session.shared.targets.values() if one.name == home)
    await delete_placement(world, home)
    await anyio.sleep(20)
    patch = {"metadata": {"labels": {STATE + key: None}, "annotations": {ASSIGNED: None}}}
    await world.hub.patch(DEPLOYMENTS, "shop", "web", patch)


async def exclude_target(world: World, home: str) -> None:
    patch = {"metadata": {"annotations": {EXCLUDE_TARGETS: home}}}
    await world.hub.patch(DEPLOYMENTS, "shop", "web", patch)


Reason = Callable[[World, str], Awaitable[None]]


@pytest.mark.parametrize(
    "give_reason",
    [
        edit_placement,
        delete_placement,
        edit_location,
        relabel_namespace,
        unlabel_object,
        exclude_target,
    ],
)
def test_whatever_the_reason_to_leave_the_last_copy_stays_until_a_person_lets_it_go(
    give_reason: Reason,
) -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            home = await place_on_any(world)

            await give_reason(world, home)
            for _ in range(60):
                await anyio.sleep(1)
                assert await ready_on(world, home) == 3
            assert await standing(world, home) == (SyncState.HELD, "NoReplacement")
            before = world.engine.write_attempts
            await anyio.sleep(60)
            assert world.engine.write_attempts - before <= HEARTBEATS

            note = {"metadata": {"annotations": {LEAVE_ANYWAY: home}}}
            await world.hub.patch(DEPLOYMENTS, "shop", "web", note)

            async def gone() -> bool:
                return await world.clusters[home].get(DEPLOYMENTS, "shop", "web") is None

            await world.eventually(gone, "let go", within_s=30)

    in_virtual_time(story)


def test_what_is_deleted_in_the_hub_goes_although_it_was_staying() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            home = await place_on_any(world)
            await delete_placement(world, home)
            await anyio.sleep(30)
            await world.hub.delete(DEPLOYMENTS, "shop", "web")

            async def gone() -> bool:
                below = await world.clusters[home].get(DEPLOYMENTS, "shop", "web")
                return below is None and await world.hub.get(DEPLOYMENTS, "shop", "web") is None

            await world.eventually(gone, "deleted", within_s=30)

    in_virtual_time(story)


def test_what_a_workload_that_stays_needs_stays_with_it_and_the_rest_moves() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            home = await place_on_any(world)
            web = make_deployment(replicas=3)
            refers = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
            web["spec"]["template"]["spec"]["containers"][0] |= refers
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.hub.apply(CONFIGMAPS, make_configmap("lonely"))
            await world.hub.apply(DEPLOYMENTS, web)
            await world.on(home, CONFIGMAPS, "shop", "lonely")
            await anyio.sleep(30)
            away = world.clusters[other(world, home)].sim
            assert away is not None
            away.faults.failing_kinds = {"deployments.apps"}

            await drain(world, home)
            await anyio.sleep(90)

            assert await ready_on(world, home) == 3
            assert await world.clusters[home].get(CONFIGMAPS, "shop", "settings") is not None
            assert await standing(world, home, "settings") == (SyncState.PENDING, "NeededHere")
            assert await world.clusters[home].get(CONFIGMAPS, "shop", "lonely") is None

            away.faults.failing_kinds = set()

            async def gone() -> bool:
                return await world.clusters[home].get(CONFIGMAPS, "shop", "settings") is None

            await world.eventually(gone, "it follows its workload", within_s=900)

    in_virtual_time(story)


def test_divided_replicas_move_with_their_sum_kept() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "Spread"}})
            await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=6))

            async def total() -> int:
                return await ready_on(world, "east") + await ready_on(world, "west")

            async def whole() -> bool:
                return await total() == 6

            await world.eventually(whole, "six ready", within_s=60)
            await drain(world, "east")

            async def moved() -> bool:
                assert await total() >= 6
                return await ready_on(world, "west") == 6 and await ready_on(world, "east") == 0

            await world.eventually(moved, "all six on west", within_s=60)

            reply = await world.engine.request(UncordonTarget(target="east"))
            assert isinstance(reply, Accepted)

            async def divided() -> bool:
                assert await total() >= 6
                return await ready_on(world, "east") == 3 and await total() == 6

            await world.eventually(divided, "three on each again", within_s=60)

    in_virtual_time(story)


async def plan_of(world: World, target: str) -> dict[str, Move]:
    reply = await world.engine.request(PlanDrain(target=target))
    assert isinstance(reply, DrainPlan)
    return {move.key.rpartition("/")[2]: move for move in reply.moves}


def test_the_plan_of_a_drain_tells_what_becomes_of_each_object() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await place_everywhere(world)
            foreign = {"metadata": {"name": "shop"}}
            for cluster in world.clusters.values():
                await cluster.apply(NAMESPACES, foreign)
            await world.clusters["east"].apply(CONFIGMAPS, make_configmap("taken", owner="other"))
            for name in ("taken", "both", "late"):
                if name == "late":
                    west = world.clusters["west"].sim
                    assert west is not None
                    west.faults.switch("quota")
                await world.hub.apply(CONFIGMAPS, make_configmap(name))
                await anyio.sleep(30)

            plan = await plan_of(world, "east")

            told = {name: (move.fate, move.left) for name, move in plan.items()}
            assert told == {
                "taken": (Fate.ABSENT, 0),
                "both": (Fate.REMOVED, 1),
                "late": (Fate.STAYS, 0),
            }

    in_virtual_time(story)


def test_a_cluster_that_does_not_answer_is_no_new_home() -> None:
    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.on("east", CONFIGMAPS, "shop", "settings")
            west = world.clusters["west"].sim
            assert west is not None
            west.faults.switch("outage")
            await anyio.sleep(120)

            move = (await plan_of(world, "east"))["settings"]

            assert (move.fate, move.to, move.left) == (Fate.STAYS, (), 0)

    in_virtual_time(story)


def test_a_drain_by_force_names_what_is_lost_and_takes_it_away() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.on("east", CONFIGMAPS, "shop", "settings")
            await world.settle()
            order = DrainTarget(target="east", confirm="east", force=True, actor="ann")
            refused = await world.engine.request(order)
            assert isinstance(refused, Refused)
            assert "east loses 1" in refused.fix
            await anyio.sleep(30)
            assert await world.clusters["east"].get(CONFIGMAPS, "shop", "settings") is not None

            order = DrainTarget(target="east", confirm="east loses 1", force=True, actor="ann")
            assert isinstance(await world.engine.request(order), Accepted)

            async def gone() -> bool:
                return await world.clusters["east"].get(CONFIGMAPS, "shop", "settings") is None

            await world.eventually(gone, "emptied", within_s=30)
            assert any(b"east loses 1" in line and b"ann" in line for line in world.audit.lines)
            assert isinstance(await world.engine.request(UncordonTarget(target="east")), Accepted)
            target = await world.hub.get(SYNC_TARGETS, "", "east")
            assert target is not None
            assert LEAVE_ANYWAY not in annotations_of(target)

    in_virtual_time(story)
