"""The tour in docs/tour.md: its incidents, its keys, and what it says they show."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio

from tests.incidents.keystrokes import go_home
from tests.incidents.playing import each_in_a_folder
from tests.incidents.servers import simulated
from tests.incidents.stories import INCIDENTS
from tests.incidents.terminal import SMALL
from tests.incidents.world import World, open_world

PAGE = Path(__file__).parents[2] / "docs" / "tour.md"
BOUND = 2
PATIENCE_S = 15.0  # for the program to notice, and for a cluster to answer
ANSWERED_S = 0.35  # a question ignores keys that come sooner
_NAMED = re.compile(r"Played as \*([^*]+)\*, at \*([^*]+)\*")
_QUOTED = re.compile(r"`([^`]+)`")
_KEYS = {"Enter": "\r", "Tab": "\t", "Esc": "\x1b", "Space": " "}


@dataclass(frozen=True, slots=True)
class Step:
    """A row: its purpose, the keys after those of the row above, and the words they show."""

    what: str  # cause, remedy, or what it does
    keys: tuple[str, ...]
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """A section: an incident, played up to a moment, and the steps from there."""

    title: str
    incident: str
    moment: str
    steps: tuple[Step, ...]

    def keys_to(self, what: str) -> int:
        """Return how many keys lead to the cause, or from the cause to the remedy."""
        count = 0
        for step in self.steps:
            count = count + len(step.keys)
            if step.what == what:
                return count
            if step.what == "cause":
                count = 0
        raise AssertionError(f"{self.title}: no row leads to the {what}")


def stops() -> tuple[Stop, ...]:
    """Return the page's sections that are played."""
    parts = re.split(r"(?m)^## (.+)$", PAGE.read_text())
    found = zip(parts[1::2], parts[2::2], strict=True)
    return tuple(_stop(title, text) for title, text in found if _NAMED.search(text))


def _stop(title: str, text: str) -> Stop:
    named = _NAMED.search(" ".join(text.split()))
    assert named, title
    return Stop(title, named[1], named[2], tuple(_steps(text)))


def _steps(text: str) -> Iterator[Step]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] and not cells[0].startswith("--"):
            yield Step(cells[0], tuple(_QUOTED.findall(cells[1])), tuple(_QUOTED.findall(cells[2])))


def take(wanted: Iterable[Stop]) -> dict[str, str]:
    """Play each in its own world, several at a time; return, by title, what was not seen."""
    stops = list(wanted)
    found = each_in_a_folder(stops, _taken)
    return dict(zip((stop.title for stop in stops), found, strict=True))


async def _taken(stop: Stop, folder: Path) -> str:
    try:
        async with simulated(folder) as servers, open_world(servers, folder) as world:
            await world.start()
            async with aclosing(INCIDENTS[stop.incident].story(world)) as story:  # type: ignore[type-var]
                async for look in story:
                    if look.name == stop.moment:
                        return await _walk(stop, world)
    except Exception:  # noqa: BLE001 - it belongs to this stop, and the others go on
        return traceback.format_exc()
    return f"{stop.incident} has no moment {stop.moment}"


async def _walk(stop: Stop, world: World) -> str:
    """Press the keys row by row; return "" if all was seen, else the row and the screen."""
    await world.screen.resize(SMALL)
    await go_home(world)
    for step in stop.steps:
        for key in step.keys:
            for one in _KEYS.get(key, key) if key in _KEYS else key:
                await world.screen.press(one)
            await anyio.sleep(ANSWERED_S)
        missing = await _missing(step, world)
        if missing:
            return f"{step.what}: {missing} is not on the screen:\n{world.screen.text}"
    return ""


async def _missing(step: Step, world: World) -> tuple[str, ...]:
    missing = step.seen
    with anyio.move_on_after(PATIENCE_S):
        while missing:
            await world.screen.settle()
            text = " ".join(world.screen.text.split())
            missing = tuple(words for words in step.seen if words not in text)
    return missing
