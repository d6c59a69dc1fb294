"""How an incident is written: a generator that does things to a world and says when to look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tests.incidents.world import World


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which everything that is said must be so.

    ``since`` names the mark (``World.mark``) at which what is wrong began; ``ended`` the one at
    which it ended. ``cause`` and ``remedy`` are regular expressions for the words of the thing
    itself, searched where a person gets with two keys.
    """

    name: str
    since: str = ""
    ended: str = ""
    about: str = ""  # the target, or ``resource/name`` of the object, that it is about
    cause: str = ""
    remedy: str = ""
    next_try: bool = False  # something will be tried again by itself, and that is told
    in_history: bool = True  # it is something that the program itself met, did or decided
    on_purpose: bool = False  # a person wanted it so: whether it is a problem is a matter of words

    @property
    def is_over(self) -> bool:
        """True where nothing is to complain of."""
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
    """Enter a story into the list; its name is the function's, in words."""

    def enter(story: Callable[[World], Story]) -> Callable[[World], Story]:
        name = story.__name__.replace("_", " ")
        INCIDENTS[name] = Incident(name, story, on_real, skew_s)
        return story

    return enter
