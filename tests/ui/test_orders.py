"""Dead letters, drift and forgetting as a user meets them: shown first, then ordered."""

from __future__ import annotations

import pytest

from tests.ui.driving import Desk, console
from tests.ui.fixture_link import FixtureLink
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.commands import (
    AdoptDrift,
    AnyCommand,
    AnyReply,
    CedeField,
    Command,
    ForgetTarget,
    ListDeadLetters,
    PlanForget,
    Refused,
    RetryDeadLetters,
    RevertDrift,
    ShowDrift,
    ShowQueue,
)
from tmcconsole.contract.records import KindState, SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.sync.names.markers import IGNORE_FIELDS
from tmcconsole.ui.details import drift
from tmcconsole.ui.style.signs import KIND, SYNC, outcome_sign

WEB = "deployments.apps/shop/web"
IMAGE = "/spec/template/spec/containers/0/image"
QUESTIONS = (ShowDrift, ShowQueue, ListDeadLetters, PlanForget)


def orders(desk: Desk) -> list[Command]:
    """Return the commands that change something."""
    return [command for command in desk.link.sent if not isinstance(command, QUESTIONS)]


async def drift_of_web(desk: Desk) -> None:
    """Open the view of what others changed on an object."""
    await desk.command(f"drift {WEB}")
    assert f"Drift: {WEB}" in desk.lines[1]


def test_every_state_has_a_sign_and_an_unknown_one_is_shown_by_its_word() -> None:
    assert set(KindState) == set(KIND)
    assert set(SyncState) == set(SYNC)
    unknown = "Elsewhere"

    assert KIND[unknown].word == "elsewhere"  # type: ignore[index]
    assert outcome_sign("Novel").word == "novel"


def test_the_annotation_that_is_named_is_the_one_that_is_written() -> None:
    assert drift.IGNORE_FIELDS == IGNORE_FIELDS


async def test_a_target_tells_each_kind_that_is_not_synced_and_why() -> None:
    async with console(size=(80, 60)) as desk:
        await desk.press("2", "G", "k", "enter")

        assert "Kinds (4 accepted, 4 not, 1 excluded)" in desk.text
        for words in ("✗ incompatible", "⊘ no rights", "▲ gone", "◐ pending"):
            assert words in desk.text
        assert "cluster scoped: clusterroles" in desk.text
        assert "does not know spec.issuerRef.group: install a newer" in desk.text
        assert "1 dead letter: :dead us-east-1 lists them" in desk.text


async def test_kinds_that_lack_are_problems_and_refused_ones_are_not() -> None:
    async with console(size=(160, 45)) as desk:
        assert "certificates.cert-manager.io: field away" in desk.text
        assert "widgets.example.com: kind away" in desk.text
        assert "clusterroles" not in desk.text


async def test_a_queue_with_dead_letters_comes_first_and_lists_them_with_their_cause() -> None:
    async with console(size=(160, 45)) as desk:
        await desk.press("3")
        assert "✗ dead" in desk.lines[3]

        await desk.press("enter")

        assert "✗ dead" in desk.lines[3]
        for words in ("payments/billing", "12", "3m", "admission webhook"):
            assert words in desk.lines[3]
        assert "over quota" in desk.text


async def test_a_dead_letter_is_tried_again_with_one_key_and_leaves_the_list() -> None:
    async with console() as desk:
        await desk.press("3", "enter", "t")
        await desk.pilot.pause(0.1)

        assert orders(desk) == [
            RetryDeadLetters(target="us-east-1", key="deployments.apps/payments/billing")
        ]
        assert "✗ dead" not in desk.text


async def test_all_dead_letters_of_a_queue_are_tried_again_from_its_row() -> None:
    async with console() as desk:
        await desk.press("3", "t")

        assert orders(desk) == [
            RetryDeadLetters(target="us-east-1", key="deployments.apps/payments/billing")
        ]


async def test_a_queue_without_dead_letters_has_nothing_to_try_again() -> None:
    async with console() as desk:
        await desk.press("3", "G", "t")

        assert "select a dead letter" in desk.text
        assert orders(desk) == []


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (f"retry {WEB} @us-east-1", RetryDeadLetters(target="us-east-1", key=WEB)),
        (f"retry {WEB}", RetryDeadLetters(key=WEB)),
        ("retry @us-east-1", RetryDeadLetters(target="us-east-1")),
        ("retry us-east-1", RetryDeadLetters(target="us-east-1")),
        ("retry hub", RetryDeadLetters(target="hub")),
        ("retry", RetryDeadLetters()),
    ],
)
async def test_dead_letters_are_tried_again_by_name(line: str, sent: AnyCommand) -> None:
    async with console() as desk:
        await desk.command(line)
        if not isinstance(sent, RetryDeadLetters) or not sent.key:
            assert "retry " in desk.text
            assert orders(desk) == []
            await desk.press("y")

        assert orders(desk) == [sent]


async def test_the_dead_letters_of_the_fleet_are_one_list() -> None:
    async with console() as desk:
        await desk.command("dead")
        assert desk.lines[1].strip().startswith("Dead letters")
        assert "2 dead letters" in desk.lines[1]
        assert "deployments.apps/payments/billing" in desk.text

        await desk.command("dead @eu-west-1")

        assert "Dead letters of eu-west-1" in desk.lines[1]
        assert "No dead letters" in desk.text


async def test_the_drift_view_shows_both_values_who_and_how_often_fights_first() -> None:
    async with console(size=(160, 45)) as desk:
        await drift_of_web(desk)

        assert "✗ fight" in desk.lines[3]
        for words in ("spec.replicas", "4", "3", "kubectl-edit", "7"):
            assert words in desk.lines[3]
        assert "hub-wins (sync.conflict_policy)" in desk.lines[1]


async def test_drift_opens_with_a_key_on_an_object() -> None:
    async with console() as desk:
        await desk.press("6", "d")

        assert "Drift: " in desk.lines[1]


async def test_adopting_says_what_the_hub_gets_and_does_nothing_before_yes() -> None:
    async with console(size=(80, 24)) as desk:
        await drift_of_web(desk)
        await desk.press("a")
        for words in (
            "Written in the hub",
            WEB,
            "- 4",
            "+ 3",
            "synced to every target",
            "us-west-2",
        ):
            assert words in desk.text
        await desk.press("enter")
        assert orders(desk) == []

        await desk.press("a", "y")

        assert orders(desk) == [AdoptDrift(key=WEB, target="eu-west-1", field="/spec/replicas")]


async def test_adopting_from_two_targets_at_once_is_refused() -> None:
    async with console() as desk:
        await drift_of_web(desk)
        await desk.press("space", "space", "space", "a")

        assert "select fields of one target" in desk.text


async def test_reverting_says_which_copy_gets_what() -> None:
    async with console(size=(80, 24)) as desk:
        await drift_of_web(desk)
        await desk.press("v")
        for words in ("Written on eu-west-1", "- 3", "+ 4", "The hub is not changed"):
            assert words in desk.text

        await desk.press("y")

        assert orders(desk) == [RevertDrift(key=WEB, target="eu-west-1", field="/spec/replicas")]


async def test_ceding_names_the_annotation_and_the_targets() -> None:
    async with console(size=(80, 24)) as desk:
        await drift_of_web(desk)
        await desk.press("c")
        assert "syncer.kcp.io/ignore-fields + /spec/replicas" in desk.text
        assert "eu-west-1" in desk.text

        await desk.press("y")

        assert orders(desk) == [CedeField(key=WEB, field="/spec/replicas")]


async def test_marked_fields_go_one_by_one_and_a_refusal_says_how_far_it_came() -> None:
    class Refusing(FixtureLink):
        async def request(self, command: AnyCommand) -> AnyReply:
            reply = await super().request(command)
            if isinstance(command, AdoptDrift) and command.field == IMAGE:
                return Refused(reason=SafeText("the field is not the hub's"))
            return reply

    async with console(Refusing()) as desk:
        await drift_of_web(desk)
        await desk.press("space", "space", "a", "y")

        assert len(orders(desk)) == 2
        assert "1 of 2 done, then: the field is not the hub's" in desk.text


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (
            f"adopt {WEB} /spec/replicas @eu-west-1",
            AdoptDrift(key=WEB, target="eu-west-1", field="/spec/replicas"),
        ),
        (
            f"revert {WEB} spec.replicas @us-east-1",
            RevertDrift(key=WEB, target="us-east-1", field="/spec/replicas"),
        ),
        (f"cede {WEB} /spec/replicas", CedeField(key=WEB, field="/spec/replicas")),
    ],
)
async def test_orders_about_fields_work_by_name_and_still_show_their_plan(
    line: str, sent: AnyCommand
) -> None:
    async with console() as desk:
        await desk.command(line)
        assert "Written" in desk.text
        assert orders(desk) == []
        await desk.press("y")

        assert orders(desk) == [sent]


async def test_an_order_about_a_field_that_nobody_changed_says_so() -> None:
    async with console() as desk:
        await desk.command(f"adopt {WEB} /spec/paused")

        assert "no field '/spec/paused' in the drift ledger" in desk.text


async def test_forgetting_shows_what_is_released_and_wants_the_name_typed() -> None:
    async with console(size=(80, 24)) as desk:
        await desk.press("2", "j", "j", "j", "O")
        for words in ("1,217 objects", "Nothing is sent to the cluster", "deployments.apps"):
            assert words in desk.text
        await desk.write("yes")
        await desk.press("enter")
        assert orders(desk) == []

        await desk.write("lab-basement")
        await desk.press("enter")

        assert orders(desk) == [ForgetTarget(target="lab-basement", confirm="lab-basement")]
        assert "forgot lab-basement: 1,217 objects released" in desk.text


async def test_a_target_that_answers_is_not_offered_to_be_forgotten() -> None:
    async with console() as desk:
        await desk.press("2", "O")
        assert "for targets that do not respond" in desk.text

        await desk.command("forget eu-west-1")

        assert "not possible: eu-west-1 answers" in desk.text
        assert orders(desk) == []


async def test_the_key_of_a_target_that_is_gone_can_be_forgotten() -> None:
    async with console() as desk:
        await desk.command("forget k39Lsq3x")
        await desk.write("k39Lsq3x")
        await desk.press("enter")

        assert orders(desk) == [ForgetTarget(target="k39Lsq3x", confirm="k39Lsq3x")]


async def test_read_only_shows_all_of_it_and_orders_nothing() -> None:
    async with console(settings=ConsoleSettings(refresh_hz=0.2, read_only=True)) as desk:
        await desk.press("3", "enter")
        assert "✗ dead" in desk.text
        await desk.press("t")
        assert "read-only" in desk.lines[-2]
        await drift_of_web(desk)
        for key in ("a", "v", "c"):
            await desk.press(key)
            assert "read-only" in desk.lines[-2]
        await desk.press("2", "j", "j", "j", "O")
        assert "read-only" in desk.lines[-2]
        for line in (f"adopt {WEB}", f"cede {WEB} /spec/replicas", "retry", "forget lab-basement"):
            await desk.command(line)
            assert "read-only" in desk.lines[-2]

        assert orders(desk) == []
