"""E3: rounds of pauses, partitions and deaths drawn from a seed; replicas never overlap."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

from tests.faults.crew import Crew, open_crew
from tests.faults.fixtures import LIMIT_S
from tests.faults.freezing import FreezingLoop
from tests.world.world import CONFIGMAPS, make_configmap

NAMES = ("one", "two", "three")
ROUNDS = 6
SEEDS = 9  # of 6 rounds each


@pytest.mark.parametrize("seed", range(SEEDS))
def test_E3_fifty_four_rounds_of_pause_and_partition_with_no_overlapping_write(seed: int) -> None:
    async def main() -> None:
        rng = random.Random(seed)
        async with open_crew(*NAMES, clusters=("east", "west"), seed=seed + 1) as crew:
            for number in range(ROUNDS):
                await play(crew, rng, number)
            await heal(crew, rng)
            assert crew.intruders() == []
            for name in ("settings", *(f"map-{number}" for number in range(ROUNDS))):
                assert crew.creations("east", name) == 1
                assert crew.creations("west", name) == 1

    options: dict[str, Any] = {"loop_factory": lambda: FreezingLoop(seed, LIMIT_S)}
    anyio.run(main, backend_options=options)


async def play(crew: Crew, rng: random.Random, number: int) -> None:
    """Break something for a while, and keep changing desired states and copies."""
    name = rng.choice(sorted(crew.members))
    what = rng.choice(("freeze", "hub", "east", "all", "kill", "stop"))
    await crew.hub.apply(CONFIGMAPS, make_configmap(f"map-{number}"))
    await anyio.sleep(rng.choice((0.001, 0.01, 1.0)))
    await begin(crew, name, what)
    for _ in range(rng.randrange(2, 9)):
        await crew.paint(f"shade-{rng.randrange(1000)}")
        await meddle(crew, rng)
        await anyio.sleep(rng.uniform(0.5, 6))
    end(crew, name, what)
    await anyio.sleep(rng.choice((0.1, 3, 40)))


async def begin(crew: Crew, name: str, what: str) -> None:
    if what == "freeze":
        crew.freeze(name)
    elif what == "kill":
        crew.kill(name)
    elif what == "stop":
        await crew.stop(name)
    else:
        cut = {"hub", "east", "west"} if what == "all" else {what}
        crew.members[name].cut_from |= cut


def end(crew: Crew, name: str, what: str) -> None:
    if what == "freeze":
        crew.thaw(name)
    elif name in crew.members:
        crew.members[name].cut_from.clear()
    else:
        crew.start(name)  # with the state directory it had


async def meddle(crew: Crew, rng: random.Random) -> None:
    """Change a copy, so that there is something to write even without the hub."""
    side = rng.choice(("east", "west"))
    if crew.data_on(side):
        colour = {"data": {"colour": f"foreign-{rng.randrange(1000)}"}}
        await crew.clusters[side].patch(CONFIGMAPS, "shop", "settings", colour)


async def heal(crew: Crew, rng: random.Random) -> None:
    """Once all faults have ended, everything is in sync and stays so without a write."""
    await anyio.sleep(30)
    await crew.painted(f"last-{rng.randrange(1000)}", within_s=90)
    await crew.until(
        lambda: all(crew.data_on(s, f"map-{ROUNDS - 1}") for s in ("east", "west")), "all there"
    )
    await anyio.sleep(60)
    at_rest = len(crew.written)
    await anyio.sleep(60)
    assert len(crew.written) == at_rest
    assert set(crew.holders().values()) <= set(NAMES)
