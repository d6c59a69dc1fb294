"""Whatever moves copies, there are never fewer ready pods than before the move."""

from __future__ import annotations

import pytest

from tests.simulation.drains import move
from tmcconsole.sync.leaving import departures, live_check
from tmcconsole.sync.leaving.may_leave import Departure, Verdict

SEEDS, BLOCK, USUAL = 200, 10, 10
BLOCKS = [
    pytest.param(first, marks=[] if first < USUAL else pytest.mark.thorough)
    for first in range(0, SEEDS, BLOCK)
]


@pytest.mark.parametrize("first", BLOCKS)
def test_no_moment_of_a_move_has_fewer_ready_pods_than_before(first: int) -> None:
    found = [move(seed) for seed in range(first, first + BLOCK)]

    assert {one.seed: one.fewer[:3] for one in found if one.fewer} == {}
    assert sum(one.removed for one in found) > 0, "nothing has moved in any of the worlds"


def test_without_the_rule_pods_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def whenever(_departure: Departure) -> Verdict:
        return Verdict(True, message="it is to leave")

    for place in (departures, live_check):
        monkeypatch.setattr(place, "judge", whenever)

    assert any(move(seed).fewer for seed in range(BLOCK))
