"""Which replica should carry out a duty, and what to do about its Lease, as pure decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.engine.replicas.election import (
    ElectionState,
    ElectionStep,
    ObservedLease,
    Replica,
    Timing,
    better,
    decide,
    rank,
)

TIMING = Timing(15.0, 10.0, 2.0)
MINE = ObservedLease("u", "7", "me", 15.0, changed_at=100.0)
THEIRS = replace(MINE, holder="other")
FREE = replace(MINE, holder="", duration_s=1.0)


def case(
    seen: ObservedLease | None,
    *,
    renewed_at: float | None = None,
    ranked: tuple[str, ...] = ("me",),
    better_since: float | None = None,
) -> ElectionState:
    return ElectionState("me", seen, 0.0, renewed_at, ranked, better_since)


@pytest.mark.parametrize(
    ("what", "now", "step"),
    [
        (case(None), 0.0, ElectionStep.TAKE),
        (case(None, ranked=("other", "me")), 3.9, ElectionStep.WAIT),
        (case(None, ranked=("other", "me")), 4.0, ElectionStep.TAKE),
        (case(THEIRS), 114.9, ElectionStep.WAIT),
        (case(THEIRS), 115.0, ElectionStep.TAKE),
        (case(THEIRS, ranked=("other", "me")), 115.0, ElectionStep.TAKE),
        (case(THEIRS, ranked=("third", "me")), 115.0, ElectionStep.WAIT),
        (case(THEIRS, ranked=("third", "me")), 119.0, ElectionStep.TAKE),
        (case(FREE), 100.0, ElectionStep.TAKE),
        (case(FREE, ranked=("other", "me")), 103.9, ElectionStep.WAIT),
        (case(FREE, ranked=("other", "me")), 104.0, ElectionStep.TAKE),
        (
            case(replace(THEIRS, uid="")),
            114.9,
            ElectionStep.WAIT,
        ),  # deleted; its holder may not know yet
        (case(replace(THEIRS, uid="")), 115.0, ElectionStep.TAKE),
        (case(MINE, renewed_at=100.0), 103.0, ElectionStep.WAIT),
        (case(MINE, renewed_at=100.0), 103.4, ElectionStep.RENEW),
        (case(MINE), 101.0, ElectionStep.RENEW),  # held by an earlier process of ours
        (case(MINE, renewed_at=120.0, better_since=91.0), 120.9, ElectionStep.WAIT),
        (case(MINE, renewed_at=120.0, better_since=91.0), 121.0, ElectionStep.HAND_OVER),
    ],
)
def test_each_step_has_its_moment(what: ElectionState, now: float, step: ElectionStep) -> None:
    assert decide(what, now, TIMING) is step


@given(st.floats(0, 14.9), st.lists(st.sampled_from(["me", "a", "b"]), unique=True))
def test_a_living_lease_of_another_is_never_taken(age: float, ranked: list[str]) -> None:
    assert decide(case(THEIRS, ranked=tuple(ranked)), 100.0 + age, TIMING) is ElectionStep.WAIT


def test_who_is_ready_comes_first_and_who_does_not_serve_comes_not() -> None:
    replicas = [Replica("a", {"k": False}), Replica("b", {"k": True}), Replica("c", {"x": True})]

    assert rank("k", replicas) == ["b", "a"]
    assert better("k", "a", replicas) == "b"
    assert better("k", "b", replicas) == ""
    assert better("nobody's", "a", replicas) == ""


def test_nobody_is_better_who_is_not_ready() -> None:
    assert better("k", "a", [Replica("a", {"k": False}), Replica("b", {"k": False})]) == ""


def test_a_replica_that_leaves_moves_only_what_was_its_own() -> None:
    duties = [f"key-{number}" for number in range(300)]
    serves = dict.fromkeys(duties, True)
    three = [Replica(name, serves) for name in ("a", "b", "c")]
    before = {duty: rank(duty, three)[0] for duty in duties}
    after = {duty: rank(duty, three[:2])[0] for duty in duties}

    assert all(after[duty] == owner for duty, owner in before.items() if owner != "c")
    assert all(60 < list(before.values()).count(name) < 140 for name in ("a", "b", "c"))


def test_the_holder_stops_before_others_begin() -> None:
    assert TIMING.deadline_s < TIMING.under_way_s < TIMING.lease_s
