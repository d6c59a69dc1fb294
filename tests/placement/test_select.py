"""Which targets a Placement chooses: deterministic, sticky, and with a reason."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.placement.make import (
    WALL,
    make_location,
    make_placement,
    make_target,
)
from tmcconsole.placement.api import (
    ONE_TO_ANY,
    ONE_TO_MANY,
    SPREAD,
    Placement,
    SyncTarget,
)
from tmcconsole.placement.select import Decision, decide

BROKEN = {"matchExpressions": [{"key": "region", "operator": "Inn", "values": ["x"]}]}


def choose(placement: Placement, *targets: SyncTarget) -> Decision:
    return decide(placement, [make_location()], targets, WALL)


def names(decision: Decision) -> list[str]:
    return [choice.target.name for choice in decision.choices]


@pytest.mark.parametrize("strategy", [ONE_TO_MANY, SPREAD])
def test_every_open_target_is_chosen_by_name(strategy: str) -> None:
    decision = choose(make_placement(strategy), make_target("west"), make_target("east"))

    assert names(decision) == ["east", "west"]
    assert [choice.reason for choice in decision.choices] == ["in location default"] * 2
    assert (decision.location, decision.reason) == ("default", "")


def test_one_to_any_chooses_exactly_one_with_its_reason() -> None:
    decision = choose(make_placement(), make_target("east"), make_target("west"))

    assert len(decision.choices) == 1
    assert decision.choices[0].reason == "highest rank of 2 in location default"


@pytest.mark.parametrize("strategy", [ONE_TO_ANY, ONE_TO_MANY, SPREAD])
@pytest.mark.parametrize(
    "closed",
    [
        make_target("east", ready=False),
        make_target("east", cordoned=True),
        make_target("east", evict_after=WALL),
        make_target("east", evict_after=1.0),
    ],
    ids=["not ready", "cordoned", "evicting now", "evicting long since"],
)
def test_a_closed_target_is_never_chosen_anew(strategy: str, closed: SyncTarget) -> None:
    assert names(choose(make_placement(strategy), closed, make_target("west"))) == ["west"]


@pytest.mark.parametrize("strategy", [ONE_TO_ANY, ONE_TO_MANY, SPREAD])
@pytest.mark.parametrize(
    ("held", "stays"),
    [
        pytest.param(make_target("east", ready=False), True, id="silence is no reason to move"),
        pytest.param(make_target("east", cordoned=True), True, id="a cordon keeps what is there"),
        pytest.param(make_target("east", evict_after=WALL + 60), True, id="eviction to come"),
        pytest.param(make_target("east", evict_after=WALL), False, id="evicting"),
    ],
)
def test_what_a_target_holds_stays_unless_it_is_evicting(
    strategy: str, held: SyncTarget, stays: bool
) -> None:
    placement = make_placement(strategy, current=(held,))

    assert ("east" in names(choose(placement, held, make_target("west")))) is stays


def test_one_to_any_does_not_move_to_a_better_target() -> None:
    east, west = make_target("east"), make_target("west")
    for current in (east, west):
        decision = choose(make_placement(current=(current,)), east, west)

        assert names(decision) == [current.name]
        assert decision.choices[0].reason == "kept: still valid"


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ((), "there is none"),
        ((make_target("east", ready=False),), "east is not ready"),
        ((make_target("east", cordoned=True),), "east is cordoned"),
        ((make_target("east", evict_after=1.0),), "east is being drained"),
    ],
    ids=["none", "not ready", "cordoned", "draining"],
)
@pytest.mark.parametrize("strategy", [ONE_TO_ANY, ONE_TO_MANY, SPREAD])
def test_nowhere_to_go_says_why_of_each_target(
    strategy: str, targets: tuple[SyncTarget, ...], message: str
) -> None:
    decision = choose(make_placement(strategy), *targets)

    assert decision.choices == ()
    assert decision.reason == "NoValidTarget"
    assert message in decision.message
    assert decision.location == "default"  # the Location exists, but has no target


def test_without_a_matching_location_nothing_is_chosen() -> None:
    placement = make_placement(ONE_TO_MANY, location_selectors=({"matchLabels": {"x": "y"}},))

    decision = choose(placement, make_target("east"))

    assert (decision.location, decision.choices) == ("", ())
    assert decision.reason == "LocationNoMatch"


def test_an_empty_list_of_location_selectors_selects_nothing() -> None:
    decision = choose(make_placement(ONE_TO_MANY, location_selectors=()), make_target("east"))

    assert decision.reason == "LocationNoMatch"


def test_location_selectors_are_alternatives_and_a_target_in_two_locations_counts_once() -> None:
    east, west = make_target("east", region="e"), make_target("west", region="w")
    places = [
        make_location("all", {}, tier="any"),
        make_location("eastern", {"matchLabels": {"region": "e"}}, tier="east"),
        make_location("nothing", None, tier="east"),
    ]
    one = make_placement(ONE_TO_MANY, location_selectors=({"matchLabels": {"tier": "east"}},))
    both = make_placement(
        ONE_TO_MANY,
        location_selectors=({"matchLabels": {"tier": "east"}}, {"matchLabels": {"tier": "any"}}),
    )

    assert names(decide(one, places, [east, west], WALL)) == ["east"]
    assert names(decide(both, places, [east, west], WALL)) == ["east", "west"]


@pytest.mark.parametrize(
    "broken",
    [
        make_placement(ONE_TO_MANY, location_selectors=(BROKEN,), current=(make_target("east"),)),
        make_placement(ONE_TO_MANY, namespace_selector=BROKEN, current=(make_target("east"),)),
    ],
    ids=["of locations", "of namespaces"],
)
def test_a_mistyped_selector_takes_nothing_away_and_says_so(broken: Placement) -> None:
    """H8: a typo must not empty the fleet."""
    decision = choose(broken, make_target("east"), make_target("west"))

    assert names(decision) == ["east"]
    assert decision.reason == "InvalidSelector"
    assert "Inn" in decision.message


def test_a_mistyped_selector_does_not_stop_a_drain() -> None:
    east = make_target("east", evict_after=1.0)
    placement = make_placement(ONE_TO_MANY, location_selectors=(BROKEN,), current=(east,))

    assert names(choose(placement, east)) == []


_targets = st.lists(
    st.builds(
        make_target,
        st.sampled_from([f"t{number}" for number in range(8)]),
        ready=st.booleans(),
        cordoned=st.booleans(),
        evict_after=st.sampled_from([0.0, WALL - 1, WALL + 1]),
    ),
    unique_by=lambda target: target.name,
    max_size=8,
)
_strategies = st.sampled_from([ONE_TO_ANY, ONE_TO_MANY, SPREAD])


@given(targets=_targets, strategy=_strategies, seed=st.integers(0, 99))
def test_order_decides_nothing(targets: list[SyncTarget], strategy: str, seed: int) -> None:
    shuffled = list(targets)
    random.Random(seed).shuffle(shuffled)

    assert choose(make_placement(strategy), *targets) == choose(make_placement(strategy), *shuffled)


@given(targets=_targets, strategy=_strategies, uid=st.text("abc", max_size=3))
def test_deciding_again_from_the_outcome_changes_nothing(
    targets: list[SyncTarget], strategy: str, uid: str
) -> None:
    first = choose(make_placement(strategy, uid=uid), *targets)
    chosen = tuple(choice.target for choice in first.choices)

    again = choose(make_placement(strategy, uid=uid, current=chosen), *targets)

    assert names(again) == names(first)


@given(targets=_targets, uid=st.text("abc", max_size=3))
def test_a_target_that_goes_moves_only_what_was_on_it(targets: list[SyncTarget], uid: str) -> None:
    """Rendezvous hashing: the others keep their choice even without memory of it."""
    first = names(choose(make_placement(uid=uid), *targets))
    for gone in targets:
        rest = [target for target in targets if target is not gone]
        if gone.name not in first:
            assert names(choose(make_placement(uid=uid), *rest)) == first


def test_placements_are_spread_over_the_targets() -> None:
    targets = [make_target(f"t{number}") for number in range(4)]

    chosen = [names(choose(make_placement(uid=f"uid-{n}"), *targets))[0] for n in range(200)]

    assert all(25 <= chosen.count(target.name) <= 75 for target in targets)
