"""The checks can fail: each known mistake breaks the invariant that guards against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.run import Broken, run_swarm
from tests.simulation.swarm import draw
from tests.simulation.trace import Violation

MOST_SEEDS = 40


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_known_mistake_breaks_its_invariant(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation.put(monkeypatch)

    assert any(broken in mutation.breaks for broken in _broken_by(mutation))


def _broken_by(mutation: Mutation) -> Iterator[str]:
    """Yield the broken invariant, seed by seed; others may break before the one in question."""
    for seed in range(mutation.near, mutation.near + MOST_SEEDS):
        swarm = draw(seed)
        if mutation.habitat:
            swarm = replace(swarm, faults=mutation.habitat, streams=3, pause_s=1.0, actions=60)
            swarm = replace(swarm, crashes=5)
        try:
            run_swarm(swarm)
        except Broken as broken:
            if not isinstance(broken.violation, Violation):
                raise
            yield broken.violation.invariant
