"""What an operator may ask of a running engine, and what it does to the clusters."""

from __future__ import annotations

import anyio

from tests.engine.asking import (
    KEY,
    accept,
    ask,
    cell_state,
    colour,
    is_absent,
    is_colour,
    paint,
    target_record,
    tell,
)
from tests.world.world import (
    CONFIGMAPS,
    SECRETS,
    SYNC_TARGETS,
    World,
    make_configmap,
    place_everywhere,
)
from tmcconsole.contract.commands import (
    Accepted,
    CordonTarget,
    DrainPlan,
    DrainTarget,
    Fate,
    Move,
    PauseTarget,
    PlanDrain,
    QueueItems,
    Refused,
    ResumeTarget,
    Resync,
    ShowDiff,
    ShowObject,
    ShowQueue,
    Text,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.markers import PAUSE

# Pause


def test_a_paused_target_takes_no_writes_and_a_resumed_one_catches_up() -> None:
    async def story(world: World) -> None:
        await accept(world, PauseTarget(target="east", why="upgrade", actor="ann"))
        await paint(world, "red")
        await world.eventually(is_colour(world, "west", "red"), "west goes on")
        await anyio.sleep(60)

        assert await colour(world, "east") == "blue"
        assert await cell_state(world, "east") is SyncState.HELD
        pause = (await target_record(world, "east")).pause
        assert pause is not None
        assert (pause.by, pause.why) == ("ann", "upgrade")

        await accept(world, ResumeTarget(target="east"))
        await world.eventually(is_colour(world, "east", "red"), "east catches up")

    tell(story)


def test_a_pause_ends_by_itself_when_its_time_has_come() -> None:
    async def story(world: World) -> None:
        until = world.engine.runtime.wall() + 120
        await accept(world, PauseTarget(target="east", until=until))
        await paint(world, "red")
        await anyio.sleep(110)
        assert await colour(world, "east") == "blue"

        await world.eventually(is_colour(world, "east", "red"), "it ended", within_s=20)

    tell(story)


def test_a_pause_set_and_lifted_by_hand_in_the_hub_is_obeyed() -> None:
    async def story(world: World) -> None:
        paused: Json = {"metadata": {"annotations": {PAUSE: "{}"}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", paused)
        await anyio.sleep(5)
        await paint(world, "red")
        await anyio.sleep(60)
        assert await colour(world, "east") == "blue"

        lifted: Json = {"metadata": {"annotations": {PAUSE: None}}}
        await world.hub.patch(SYNC_TARGETS, "", "east", lifted)
        await world.eventually(is_colour(world, "east", "red"), "resumed")

    tell(story)


def test_a_pause_is_written_in_the_hub_where_every_replica_sees_it() -> None:
    async def story(world: World) -> None:
        await accept(world, PauseTarget(target="east", why="upgrade", actor="ann"))
        tree = await world.hub.get(SYNC_TARGETS, "", "east")
        assert tree is not None
        assert "upgrade" in annotations_of(tree)[PAUSE]

        await accept(world, ResumeTarget(target="east"))
        tree = await world.hub.get(SYNC_TARGETS, "", "east")
        assert tree is not None
        assert PAUSE not in annotations_of(tree)

    tell(story)


# Cordon and drain


def test_a_cordoned_target_keeps_what_it_has_and_gets_nothing_new() -> None:
    async def story(world: World) -> None:
        await accept(world, CordonTarget(target="east"))
        await place_everywhere(world, "bakery")
        await world.hub.apply(CONFIGMAPS, make_configmap("oven", "bakery"))
        await world.on("west", CONFIGMAPS, "bakery", "oven")
        await anyio.sleep(30)

        assert await world.clusters["east"].get(CONFIGMAPS, "bakery", "oven") is None
        assert await colour(world, "east") == "blue"
        await paint(world, "red")
        await world.eventually(is_colour(world, "east", "red"), "what is there is kept up")

        await accept(world, UncordonTarget(target="east"))
        await world.on("east", CONFIGMAPS, "bakery", "oven")

    tell(story)


def test_the_plan_of_a_drain_says_where_each_object_would_be_and_changes_nothing() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, PlanDrain(target="east"))

        told = SafeText("replaced by west")
        gone = Move(KEY, (SafeText("west"),), told, Fate.REMOVED, left=1)
        assert reply == DrainPlan(target=SafeText("east"), moves=(gone,), stranded=0)
        assert await colour(world, "east") == "blue"

    tell(story)


def test_the_plan_counts_what_would_have_nowhere_to_go() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, PlanDrain(target="east"))

        assert isinstance(reply, DrainPlan)
        assert reply.stranded == 1
        assert reply.moves[0].to == ()
        assert "no other target" in reply.moves[0].reason

    tell(story, "east")


def test_a_drain_empties_a_target_and_uncordon_fills_it_again() -> None:
    async def story(world: World) -> None:
        await accept(world, DrainTarget(target="east", confirm="east", actor="ann"))
        await world.eventually(lambda: is_absent(world, "east"), "east is left", within_s=30)
        assert await colour(world, "west") == "blue"
        assert (await target_record(world, "east")).cordoned

        await accept(world, UncordonTarget(target="east"))
        await world.on("east", CONFIGMAPS, "shop", "settings")

    tell(story)


def test_a_drain_needs_the_targets_name_typed() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, DrainTarget(target="east", confirm="west"))
        await anyio.sleep(30)

        assert isinstance(reply, Refused)
        assert "type the target's name" in reply.fix
        assert await colour(world, "east") == "blue"

    tell(story)


# Questions


def test_why_tells_the_chain_from_the_placement_to_each_target() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, Why(key=KEY))

        assert isinstance(reply, Text)
        for part in ("Placement shop (OneToMany)", "east: syncing", "west: syncing", "in sync"):
            assert part in reply.body

    tell(story)


def test_why_of_something_that_is_nowhere_says_so() -> None:
    async def story(world: World) -> None:
        unserved = await ask(world, Why(key="widgets.example.com/shop/nothing"))
        absent = await ask(world, Why(key="configmaps/shop/nothing"))

        assert isinstance(unserved, Refused)
        assert "no API server here serves a kind 'widgets.example.com'" in unserved.reason
        assert isinstance(absent, Text)
        assert "has no such object (asked just now)" in absent.body

    tell(story)


def test_secrets_are_shown_without_their_values_on_either_side() -> None:
    async def story(world: World) -> None:
        secret = {"metadata": {"name": "db", "namespace": "shop"}, "stringData": {"p": "hunter22"}}
        await world.hub.apply(SECRETS, secret | {"data": {"q": "aHVudGVyMjI="}})
        await world.on("east", SECRETS, "shop", "db")
        await world.settle()

        key = "secrets/shop/db"
        for command in (
            ShowObject(key=key),
            ShowObject(key=key, target="east"),
            ShowDiff(key=key, target="east"),
            Why(key=key),
        ):
            reply = await ask(world, command)
            assert isinstance(reply, Text)
            assert "hunter22" not in reply.body
            assert "aHVudGVyMjI" not in reply.body

    tell(story)


def test_the_difference_names_the_field_that_drifted_while_nothing_may_be_written() -> None:
    async def story(world: World) -> None:
        await accept(world, PauseTarget(target="east"))
        drift = {"data": {"colour": "green"}}
        await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", drift)
        await anyio.sleep(5)

        reply = await ask(world, ShowDiff(key=KEY, target="east"))

        assert isinstance(reply, Text)
        assert "-  colour: blue" in reply.body
        assert "+  colour: green" in reply.body

    tell(story)


def test_without_drift_there_is_no_difference_in_what_is_wanted() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, ShowDiff(key=KEY, target="east"))

        assert isinstance(reply, Text)
        assert reply.body == "no difference"

    tell(story)


def test_a_queue_is_listed_and_asking_for_an_unknown_kind_leaves_no_trace() -> None:
    async def story(world: World) -> None:
        for target in ("hub", "east"):
            reply = await ask(world, ShowQueue(target=target, kind="nonsense.example.com"))
            assert reply == QueueItems(items=())
        session = world.engine.session
        assert session is not None
        queues = [session.shared.hub.queue, *(t.queue for t in session.shared.targets.values())]
        assert all("nonsense.example.com" not in list(queue.lanes()) for queue in queues)

    tell(story)


def test_a_resync_looks_at_what_was_settled_again() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, Resync(key=KEY))
        assert isinstance(reply, Accepted)
        assert "2 copies on all targets" in reply.message

        reply = await ask(world, Resync(target="east", relist=True))
        assert isinstance(reply, Accepted)
        assert "1 copies on east" in reply.message
        await world.settle()
        assert await cell_state(world, "east") is SyncState.IN_SYNC

    tell(story)


def test_looking_again_writes_nothing_where_nothing_differs() -> None:
    async def story(world: World) -> None:
        before = world.engine.write_attempts
        await accept(world, Resync(relist=True))
        await world.settle()

        assert world.engine.write_attempts == before

    tell(story)
