"""Checks everything a user can see at one moment, until it is true or time runs out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import anyio

from tests.incidents.claims import Claim, Claims
from tests.incidents.commands import judge_status, judge_why
from tests.incidents.keystrokes import judge_keystrokes
from tests.incidents.known import known
from tests.incidents.screens import face_of, judge_history, judge_screens
from tests.incidents.script import Incident, Look
from tests.incidents.terminal import LARGE, SMALL
from tests.incidents.world import World

# The program may take a moment to show a change; what is still false after it is false.
PATIENCE_S = 7.0
PATIENCE_OVER_S = 25.0  # the next attempt notices that a trouble is over
PAUSE_S = 0.3
LEAST_LOOKS = 4  # a momentary change, as during a retry, is no false claim

Judge = Callable[[World, Look], Awaitable[Claims]]

FACES: dict[str, Judge] = {
    "status": judge_status,
    "why": judge_why,
    "history": partial(judge_history, size=LARGE),
    face_of(LARGE): partial(judge_screens, size=LARGE),
    face_of(SMALL): partial(judge_screens, size=SMALL),
    "keystrokes": judge_keystrokes,
}


@dataclass(slots=True)
class Report:
    """All claims made in one incident, by face."""

    claims: dict[str, list[tuple[str, Claim]]] = field(
        default_factory=lambda: {face: [] for face in FACES}
    )
    failure: str = ""  # what ended the story early
    broken: list[str] = field(default_factory=list)  # things done, not said, that must never happen
    took_s: float = 0.0

    def untrue(self, face: str) -> list[str]:
        """Return the false claims, each with its moment."""
        found = self.claims[face]
        return [f"{moment}: {claim}" for moment, claim in found if claim.is_true is False]

    def checked(self, face: str) -> int:
        """Return how many claims could be compared."""
        return sum(claim.is_true is not None for _, claim in self.claims[face])

    def lines(self, name: str) -> list[str]:
        """Return a line for each false claim of the incident of that name."""
        return [f"{name}: {line}" for face in FACES for line in self.untrue(face)]

    def not_checked(self) -> list[str]:
        """Return the claims that could not be compared, with the reason."""
        every = [claim for found in self.claims.values() for _, claim in found]
        return [f"{one.about}: {one.fact}" for one in every if one.is_true is None]

    def keys(self) -> list[str]:
        """Return the keys that lead to the cause and to the remedy."""
        found = self.claims["keystrokes"]
        return [f"{moment}: {claim.about}: {claim.told}" for moment, claim in found]


async def play(incident: Incident, world: World) -> Report:
    """Play an incident and judge each of its moments."""
    report, began = Report(), time.monotonic()
    async for look in incident.story(world):
        await judge(report, world, look, f"{incident.name}: {look.name}")
    report.broken = world.broken
    report.took_s = time.monotonic() - began
    return report


async def judge(report: Report, world: World, look: Look, where: str) -> None:
    """Judge every face; all share the time to become true, and each has some of its own."""
    deadline = time.monotonic() + (PATIENCE_OVER_S if look.is_over else PATIENCE_S)
    for face, judged in FACES.items():
        claims, looks = await judged(world, look), 1
        while _is_worth_a_look(claims, where, world, time.monotonic() < deadline, looks):
            await anyio.sleep(PAUSE_S)
            claims, looks = await judged(world, look), looks + 1
        report.claims[face] += [(look.name, claim) for claim in claims.made]


def _is_worth_a_look(
    claims: Claims, where: str, world: World, is_time_left: bool, looks: int
) -> bool:
    """Return whether a false claim may become true in a moment.

    Whether known false claims stay false is checked on simulated servers only.
    """
    news = any(not known(f"{where}: {claim}") for claim in claims.untrue)
    if is_time_left:
        return news or (world.is_simulated and bool(claims.untrue))
    return news and looks < LEAST_LOOKS
