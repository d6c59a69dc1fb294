"""What fails for good is kept, shown with its cause, and retried when somebody asks for it."""

from __future__ import annotations

import anyio

from tests.engine.asking import KEY, accept, ask, paint, tell
from tests.world.world import CONFIGMAPS, World
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import DeadLetters, ListDeadLetters, Refused, RetryDeadLetters
from tmcconsole.contract.records import QueueRecord


async def letters(world: World, target: str = "") -> DeadLetters:
    reply = await ask(world, ListDeadLetters(target=target))
    assert isinstance(reply, DeadLetters), reply
    return reply


async def break_writes(world: World, *, on: bool = True) -> None:
    """Have a webhook on east refuse every write immediately."""
    sim = world.clusters["east"].sim
    assert sim is not None
    sim.faults.switch("webhook_timeout", on=on, webhook_delay_s=0.0)


async def one_dead(world: World) -> bool:
    return len((await letters(world)).items) == 1


async def is_red(world: World) -> bool:
    copy = await world.clusters["east"].get(CONFIGMAPS, "shop", "settings")
    return copy is not None and copy["data"]["colour"] == "red"


def test_what_failed_too_often_is_a_dead_letter_with_its_cause() -> None:
    async def story(world: World) -> None:
        await break_writes(world)
        await paint(world, "red")
        await anyio.sleep(5)
        assert (await letters(world)).items == ()

        await world.eventually(lambda: one_dead(world), "a dead letter", within_s=600)
        (letter,) = (await letters(world)).items
        assert (letter.target, letter.key) == ("east", KEY)
        assert letter.attempts >= 10
        assert "webhook" in letter.cause
        assert letter.due_at > letter.since

        changes = await world.engine.changes(NOTHING_SEEN)
        (queue,) = [
            record
            for record in changes.upserted
            if isinstance(record, QueueRecord) and record.key == "east/configmaps"
        ]
        assert queue.dead == 1
        assert (await letters(world, "west")).items == ()

    tell(story)


def test_a_dead_letter_is_tried_again_when_somebody_says_so_and_is_gone_once_it_worked() -> None:
    async def story(world: World) -> None:
        await break_writes(world)
        await paint(world, "red")
        await world.eventually(lambda: one_dead(world), "a dead letter", within_s=600)
        await break_writes(world, on=False)

        await accept(world, RetryDeadLetters(target="east", key=KEY))

        await world.eventually(lambda: is_red(world), "tried at once", within_s=2)
        assert (await letters(world)).items == ()

    tell(story)


def test_what_is_no_dead_letter_is_not_tried_again_as_one() -> None:
    async def story(world: World) -> None:
        reply = await ask(world, RetryDeadLetters(key=KEY))

        assert isinstance(reply, Refused)
        assert "is no dead letter on any target" in reply.reason
        unknown = await ask(world, ListDeadLetters(target="mars"))
        assert isinstance(unknown, Refused)
        assert "there is no target 'mars'" in unknown.reason

    tell(story)
