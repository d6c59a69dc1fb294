"""What an engine refuses, with reason and fix, and what it records before it acts."""

from __future__ import annotations

import pytest

from tests.engine.asking import (
    KEY,
    accept,
    ask,
    tell,
)
from tests.world.world import (
    World,
)
from tmcconsole.contract.commands import (
    AllowDeletes,
    AnyCommand,
    CordonTarget,
    DrainTarget,
    PauseTarget,
    PlanDrain,
    Refused,
    ResumeTarget,
    Resync,
    ShowCopy,
    ShowDiff,
    ShowObject,
    ShowQueue,
    SimFault,
    UncordonTarget,
    Why,
)


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
        pytest.param(ShowCopy(key=KEY, target="north"), id="copy"),
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
        pytest.param(ShowCopy(key="configmaps/shop/none", target="east"), id="no such copy"),
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
        target = next(iter(session.shared.targets.values()))
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
