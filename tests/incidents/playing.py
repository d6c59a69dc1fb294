"""Plays many incidents: simulated ones in parallel, those on real API servers one by one."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

import anyio

from tests.envtest.leftovers import take_away
from tests.envtest.planes import Plane
from tests.incidents.referee import Report, play
from tests.incidents.script import Incident
from tests.incidents.servers import Server, real, simulated
from tests.incidents.world import open_world

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 7  # an incident spends most of its time waiting


def each_in_a_folder(items: Iterable[T], play_one: Callable[[T, Path], Awaitable[R]]) -> list[R]:
    """Play each in a folder of its own, several at a time; return the results in that order."""
    wanted = list(items)
    found: dict[int, R] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one(number: int, item: T) -> None:
        async with limit:
            with tempfile.TemporaryDirectory(prefix="incident-") as folder:
                found[number] = await play_one(item, Path(folder))

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for number, item in enumerate(wanted):
                group.start_soon(one, number, item)

    anyio.run(all_of_them)
    return [found[number] for number in range(len(wanted))]


def play_simulated(incidents: Iterable[Incident]) -> dict[str, Report]:
    """Play each in its own world, several at a time; return reports by name."""
    played = list(incidents)

    async def one(incident: Incident, folder: Path) -> Report:
        return await _played(incident, simulated(folder), folder)

    return dict(zip((one.name for one in played), each_in_a_folder(played, one), strict=True))


def play_real(planes: Sequence[Plane], incidents: Iterable[Incident]) -> dict[str, Report]:
    """Play each on the same API servers, cleared of what the one before left."""
    reports = {}
    for incident in incidents:
        take_away(planes)
        with tempfile.TemporaryDirectory(prefix="incident-") as folder:
            reports[incident.name] = anyio.run(_played, incident, real(planes), Path(folder))
    take_away(planes)
    return reports


async def _played(
    incident: Incident, opening: AbstractAsyncContextManager[list[Server]], folder: Path
) -> Report:
    screen = ""
    try:
        async with opening as servers, open_world(servers, folder) as world:
            world.skew_s = incident.skew_s
            await world.start()
            try:
                return await play(incident, world)
            finally:
                screen = world.terminal.text if world.terminal else ""
    except Exception:  # noqa: BLE001 - it belongs to this incident, and the others go on
        return Report(failure=f"{traceback.format_exc()}\n{screen}")
