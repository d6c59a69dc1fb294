"""The checks can fail: each known mistake breaks the invariant that guards against it."""

from __future__ import annotations

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.run import Broken, run_seed
from tests.simulation.trace import Violation

MOST_SEEDS = 60


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_known_mistake_breaks_its_invariant(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation.put(monkeypatch)

    assert _first_broken() in mutation.breaks


def _first_broken() -> str:
    for seed in range(MOST_SEEDS):
        try:
            run_seed(seed)
        except Broken as broken:
            if not isinstance(broken.violation, Violation):
                raise
            return broken.violation.invariant
    return "nothing"
