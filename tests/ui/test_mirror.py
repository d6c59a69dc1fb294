"""The mirror follows the board."""

from __future__ import annotations

from tests.ui.driving import console
from tests.ui.fixture_link import NOW, FixtureLink, fleet
from tmcconsole.contract.changes import NOTHING_SEEN, Changes, RecordRef, Revision
from tmcconsole.contract.records import ObjectRecord, TargetRecord, TargetState
from tmcconsole.contract.text import SafeText as S
from tmcconsole.ui.mirror import Mirror


def make_target(name: str, **fields: object) -> TargetRecord:
    values: dict[str, object] = {"state": TargetState.SYNCING, "target_key": name}
    return TargetRecord(name=S(name), **(values | fields))  # type: ignore[arg-type]


async def test_first_answer_is_a_snapshot_and_the_next_only_the_difference() -> None:
    link, mirror = FixtureLink(), Mirror()
    mirror.apply(await link.changes(mirror.revision), NOW)
    link.put(make_target("eu-west-1"))

    changes = await link.changes(mirror.revision)
    touched = mirror.apply(changes, NOW + 1)

    assert not changes.snapshot
    assert touched == {"TargetRecord": {"eu-west-1"}}


def test_a_snapshot_replaces_everything_and_tells_what_vanished() -> None:
    mirror = Mirror()
    first = Changes(Revision("a", 2), (make_target("eu"), make_target("us")), snapshot=True)
    mirror.apply(first, NOW)

    touched = mirror.apply(Changes(Revision("b", 1), (make_target("eu"),), snapshot=True), NOW)

    assert sorted(mirror.of(TargetRecord)) == ["eu"]
    assert touched == {"TargetRecord": {"us"}}


def test_removal_of_what_was_never_there_is_no_change() -> None:
    mirror = Mirror()

    touched = mirror.apply(
        Changes(Revision("a", 1), removed=(RecordRef("TargetRecord", "x"),)), NOW
    )

    assert touched == {}


def test_an_equal_record_is_no_change() -> None:
    mirror = Mirror()
    mirror.apply(Changes(Revision("a", 1), (make_target("eu"),), snapshot=True), NOW)

    assert mirror.apply(Changes(Revision("a", 2), (make_target("eu"),)), NOW) == {}


def test_ages_follow_the_engine_clock_and_not_ours() -> None:
    mirror = Mirror()
    mirror.apply(Changes(Revision("a", 1), snapshot=True, wall=NOW + 500), NOW)

    assert mirror.now(NOW + 10) == NOW + 510


def test_troubled_objects_are_known_without_looking_through_all() -> None:
    mirror = Mirror()
    mirror.apply(Changes(Revision("a", 1), tuple(fleet()), snapshot=True), NOW)
    assert "deployments.apps/shop/web" in mirror.troubled

    healed = mirror.of(ObjectRecord)["deployments.apps/shop/web"]
    fields = {f: getattr(healed, f) for f in ObjectRecord.__struct_fields__} | {"cells": ()}
    mirror.apply(Changes(Revision("a", 2), (ObjectRecord(**fields),)), NOW)

    assert "deployments.apps/shop/web" not in mirror.troubled


def test_nothing_is_loaded_before_the_first_snapshot() -> None:
    assert not Mirror().loaded
    assert Mirror().revision == NOTHING_SEEN


async def test_lag_and_errors_of_a_target_are_told_over_time_and_silence_is_a_gap() -> None:
    link = FixtureLink()
    async with console(link, size=(160, 45)) as desk:
        name = "ap-southeast-1"
        for lag, state in ((100, TargetState.SYNCING), (0, TargetState.UNREACHABLE),
                           (800, TargetState.SYNCING)):  # fmt: skip
            desk.clock[0] += 5
            link.change(name, lag_p95_ms=float(lag), state=state)
            await desk.frame()
        await desk.press("2")

        assert "▂ █  at most 800ms" in desk.text
