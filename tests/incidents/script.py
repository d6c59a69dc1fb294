"""How an incident is written: a generator that acts on a world and says when to look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tests.incidents.world import World


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which everything that the program says must be true.

    ``since`` names the mark (``World.mark``) at which what is wrong began; ``ended`` the one at
    which it ended. ``cause`` and ``remedy`` are regular expressions for the words of the thing
    itself, searched where a user can get with two keys.
    """

    name: str
    since: str = ""
    ended: str = ""
    about: str = ""  # the target, or ``resource/name`` of the object, that it is about
    cause: str = ""
    remedy: str = ""
    next_try: bool = False  # something will be retried without help, and the program says so
    in_history: bool = True  # the program itself met, did or decided it
    on_purpose: bool = False  # a user wanted it: whether it is a problem is a matter of wording

    @property
    def is_over(self) -> bool:
        """True if there is nothing to complain about."""
        return not self.since


Story = AsyncIterator[Look]


@dataclass(frozen=True, slots=True)
class Incident:
    """One script, and where it is played."""

    name: str
    story: Callable[[World], Story]
    on_real: bool = False  # also on real API servers
    skew_s: float = 0.0  # of the program's clock


INCIDENTS: dict[str, Incident] = {}


def incident(
    *, on_real: bool = False, skew_s: float = 0.0
) -> Callable[[Callable[[World], Story]], Callable[[World], Story]]:
    """Add a story to the list, under its function's name in words."""

    def enter(story: Callable[[World], Story]) -> Callable[[World], Story]:
        name = story.__name__.replace("_", " ")
        INCIDENTS[name] = Incident(name, story, on_real, skew_s)
        return story

    return enter
