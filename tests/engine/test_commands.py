"""What an operator may ask of a running engine, and what comes of it in the world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import (
    CONFIGMAPS,
    SECRETS,
    SYNC_TARGETS,
    World,
    make_configmap,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import (
    Accepted,
    AllowDeletes,
    AnyCommand,
    AnyReply,
    CordonTarget,
    DrainPlan,
    DrainTarget,
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
    SimFault,
    Text,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.records import ObjectRecord, SyncState, TargetRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.markers import PAUSE

KEY = "configmaps/shop/settings"
Story = Callable[[World], Awaitable[None]]


def tell(story: Story, *names: str, **sync: object) -> None:
    """Run a story in a world where one ConfigMap is in sync on every target."""

    async def main() -> None:
        async with open_virtual_world(names or ("east", "west"), **sync) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            for cluster in world.clusters:
                await world.on(cluster, CONFIGMAPS, "shop", "settings")
            await world.settle()
            await story(world)

    in_virtual_time(main)


async def ask(world: World, command: AnyCommand) -> AnyReply:
    return await world.engine.request(command)


async def accept(world: World, command: AnyCommand) -> None:
    reply = await ask(world, command)
    assert isinstance(reply, Accepted), reply


async def target_record(world: World, name: str) -> TargetRecord:
    changes = await world.engine.changes(NOTHING_SEEN)
    found = [r for r in changes.upserted if isinstance(r, TargetRecord) and r.name == name]
    return found[0]


async def cell_state(world: World, target: str, name: str = "settings") -> SyncState | None:
    changes = await world.engine.changes(NOTHING_SEEN)
    for record in changes.upserted:
        if isinstance(record, ObjectRecord) and record.name == name:
            return next((cell.state for cell in record.cells if cell.target == target), None)
    return None


async def colour(world: World, cluster: str) -> str | None:
    found = await world.clusters[cluster].get(CONFIGMAPS, "shop", "settings")
    return found["data"]["colour"] if found else None


def is_colour(world: World, cluster: str, wanted: str) -> Callable[[], Awaitable[bool]]:
    async def claim() -> bool:
        return await colour(world, cluster) == wanted

    return claim


async def paint(world: World, value: str) -> None:
    await world.hub.patch(CONFIGMAPS, "shop", "settings", {"data": {"colour": value}})


async def is_absent(world: World, cluster: str) -> bool:
    return await colour(world, cluster) is None


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

        west = (SafeText("west"),)
        assert reply == DrainPlan(target=SafeText("east"), moves=(Move(KEY, west),), stranded=0)
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
        for part in ("Placement shop (OneToMany)", "east: Syncing", "west: Syncing", "InSync"):
            assert part in reply.body

    tell(story)


def test_why_of_something_unknown_is_an_answer_and_no_error() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, Why(key="widgets.example.com/shop/nothing"))

        assert isinstance(reply, Text)
        assert "it is not there" in reply.body

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
        queues = [session.world.hub.queue, *(t.queue for t in session.world.targets.values())]
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


# Refusals


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(PauseTarget(target="north"), id="pause"),
        pytest.param(DrainTarget(target="north", confirm="north"), id="drain"),
        pytest.param(PlanDrain(target="north"), id="plan"),
        pytest.param(AllowDeletes(target="north"), id="allow deletes"),
        pytest.param(Resync(target="north"), id="resync"),
        pytest.param(ShowQueue(target="north", kind="configmaps"), id="queue"),
        pytest.param(ShowObject(key=KEY, target="north"), id="object"),
        pytest.param(ShowDiff(key=KEY, target="north"), id="diff"),
    ],
)
def test_an_unknown_target_is_refused_and_the_known_ones_are_named(command: AnyCommand) -> None:
    async def story(world: World) -> None:
        reply = await ask(world, command)

        assert isinstance(reply, Refused)
        assert "north" in reply.reason
        assert "east, west" in reply.fix

    tell(story)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(Why(key="settings"), id="why without a kind"),
        pytest.param(Resync(key="configmaps/settings"), id="resync without a namespace"),
        pytest.param(ShowObject(key=""), id="no key"),
        pytest.param(ShowObject(key="configmaps/shop/none"), id="no such object"),
        pytest.param(ShowObject(key="nonsense/shop/none"), id="no such kind"),
        pytest.param(ShowDiff(key="nonsense/shop/none", target="east"), id="diff of no kind"),
        pytest.param(ShowDiff(key="configmaps/shop/none", target="east"), id="diff of nothing"),
        pytest.param(SimFault(target="east", fault="outage"), id="a fault on a real engine"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(command: AnyCommand) -> None:
    async def story(world: World) -> None:
        reply = await ask(world, command)

        assert isinstance(reply, Refused)
        assert reply.reason

    tell(story, "east")


def test_a_diff_of_a_kind_the_target_does_not_serve_is_refused() -> None:
    async def story(world: World) -> None:
        session = world.engine.session
        assert session is not None
        target = next(iter(session.world.targets.values()))
        held = target.kinds.pop("configmaps")
        try:
            reply = await ask(world, ShowDiff(key=KEY, target="east"))
        finally:
            target.kinds["configmaps"] = held

        assert isinstance(reply, Refused)

    tell(story, "east")


def test_before_the_hub_is_connected_everything_is_refused_with_the_reason() -> None:
    async def story(world: World) -> None:
        world.engine.session = None

        reply = await ask(world, Why(key=KEY))

        assert isinstance(reply, Refused)
        assert "hub is not connected" in reply.reason

    tell(story, "east")


def test_every_action_is_audited_before_it_is_done_and_told_in_the_history() -> None:
    async def story(world: World) -> None:
        for command in (
            PauseTarget(target="east", actor="ann", why="upgrade"),
            ResumeTarget(target="east", actor="ann"),
            CordonTarget(target="east", actor="ann"),
            UncordonTarget(target="east", actor="ann"),
        ):
            await accept(world, command)

        names = ["PauseTarget", "ResumeTarget", "CordonTarget", "UncordonTarget"]
        lines = [line for line in world.audit.lines if b'"before"' in line and b'"ann"' in line]
        assert [name.encode() in line for name, line in zip(names, lines, strict=True)] == [
            True
        ] * 4
        records = [r for r in world.engine.history.records() if r.actor == "ann"]
        assert [str(record.event) for record in records] == names
        assert str(records[0].message) == "upgrade"

    tell(story)
