"""The drift ledger of one object: what it keeps, and when changing back counts as a fight."""

from __future__ import annotations

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.trees.differences import Difference
from tmcconsole.sync.conflicts.drift_ledger import (
    FIELDS_KEPT,
    FIGHT_FLIPS,
    FIGHT_WINDOW_S,
    TRUCE_CAP_S,
    DriftLedger,
)
from tmcconsole.sync.conflicts.judge import Contested

DESIRED = b"desired state"


def make_contested(name: str = "colour", actual: str = "red", kind: str = "data") -> Contested:
    difference = Difference(f"{kind}.{name}", "blue", actual, (kind, name))
    owner = SafeText("stranger")
    return Contested(difference, f"/{kind}/{name}", owner, owner, difference.steps)


def flips(drifts: DriftLedger, name: str, at: float) -> bool:
    one = make_contested(name, f"red {at}")
    drifts.note("configmaps", one, "Reverted", at)
    return bool(drifts.flip([one.pointer], DESIRED, at))


def test_B4_more_than_six_flips_of_one_field_in_ten_minutes_are_a_fight() -> None:
    drifts = DriftLedger()

    assert [flips(drifts, "colour", float(at)) for at in range(7)] == [False] * 6 + [True]


def test_B4_flips_of_different_fields_are_no_fight() -> None:
    drifts = DriftLedger()

    for at in range(FIGHT_FLIPS):
        assert not flips(drifts, "colour", float(at))
        assert not flips(drifts, "size", float(at))


def test_flips_far_apart_are_never_a_fight_and_old_ones_are_forgotten() -> None:
    drifts = DriftLedger()

    assert not any(flips(drifts, "colour", at * FIGHT_WINDOW_S / FIGHT_FLIPS) for at in range(100))
    assert len(drifts.fields["/data/colour"].flips) <= FIGHT_FLIPS


def test_B4_after_a_truce_one_attempt_is_made_and_a_relapse_doubles_the_next_truce() -> None:
    drifts, now = DriftLedger(), 0.0
    for at in range(FIGHT_FLIPS + 1):
        flips(drifts, "colour", float(at))
    lengths = [drifts.make_truce(DESIRED, float(FIGHT_FLIPS))]
    for _ in range(8):
        now = drifts.truce.until + 1
        assert not flips(drifts, "colour", now)
        assert flips(drifts, "colour", now + 1)
        lengths.append(drifts.make_truce(DESIRED, now + 1))

    assert lengths[:3] == [600.0, 1200.0, 2400.0]
    assert lengths[-1] == TRUCE_CAP_S


def test_a_truce_begins_anew_while_the_other_side_goes_on_and_ends_once_it_does_not() -> None:
    drifts = DriftLedger()
    drifts.make_truce(DESIRED, 0.0)

    drifts.watch(frozenset({"red"}), 100.0)
    drifts.watch(frozenset({"green"}), 500.0)
    assert drifts.truce.until == 1100.0
    drifts.watch(frozenset({"green"}), 900.0)
    assert drifts.truce.until == 1100.0


def test_a_field_keeps_when_it_was_first_seen_and_how_often_it_was_changed() -> None:
    drifts = DriftLedger()

    assert drifts.note("configmaps", make_contested(actual="red"), "Reverted", 10.0)
    assert drifts.note("configmaps", make_contested(actual="green"), "Reverted", 20.0)

    drift = drifts.fields["/data/colour"]
    assert (drift.first_seen, drift.last_seen, drift.count) == (10.0, 20.0, 2)
    assert (drift.wanted, drift.actual, drift.manager) == ("'blue'", "'green'", "stranger")


def test_what_is_asked_about_again_and_again_is_news_once() -> None:
    drifts = DriftLedger()

    assert drifts.note("configmaps", make_contested(), "Asked", 10.0)
    assert not drifts.note("configmaps", make_contested(), "Asked", 20.0)
    assert drifts.fields["/data/colour"].count == 1


def test_the_ledger_keeps_no_more_than_its_bound_and_drops_what_was_seen_longest_ago() -> None:
    drifts = DriftLedger()

    for number in range(FIELDS_KEPT + 5):
        drifts.note("configmaps", make_contested(f"f{number}"), "Reverted", float(number))

    assert len(drifts.fields) == FIELDS_KEPT
    assert "/data/f4" not in drifts.fields
    assert "/data/f5" in drifts.fields


def test_values_of_secrets_are_sizes_in_the_ledger() -> None:
    drifts = DriftLedger()

    drifts.note("secrets", make_contested("key", "aHVudGVyMg=="), "Reverted", 1.0)

    drift = drifts.fields["/data/key"]
    assert "aHVudGVyMg" not in drift.actual
    assert "bytes" in drift.actual
