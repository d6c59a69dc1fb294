"""Two hundred worlds: no step does anything forbidden, and in the end all is as desired."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.museum import MUSEUM
from tests.simulation.run import run_seed

SEEDS = 200
BLOCK = 10
USUAL = 20  # seeds of the usual tier
BLOCKS = [
    pytest.param(first, marks=[] if first < USUAL else pytest.mark.thorough)
    for first in range(0, SEEDS, BLOCK)
]


@pytest.mark.parametrize("first", BLOCKS)
def test_seeds_keep_every_invariant_and_converge(first: int) -> None:
    outcomes = [run_seed(seed) for seed in range(first, first + BLOCK)]

    assert all(outcome.commits > 100 for outcome in outcomes), "a world in which nothing happens"


@pytest.mark.parametrize("seed", [seed for seed in MUSEUM if seed >= SEEDS])
def test_seeds_that_once_failed_still_pass(seed: int) -> None:
    run_seed(seed)


@pytest.mark.parametrize("seed", [3, 31, 155])
def test_same_seed_replays_identically(seed: int) -> None:
    assert run_seed(seed) == run_seed(seed)


def test_a_seed_does_not_depend_on_the_hash_seed() -> None:
    def digest(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "tests.simulation", "31"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.partition("Outcome")[2]

    first, second = digest("1"), digest("2")

    assert first
    assert first == second


def test_different_seeds_make_different_runs() -> None:
    assert len({run_seed(seed).digest for seed in range(3)}) == 3
