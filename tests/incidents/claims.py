"""What the program tells a user, claim by claim, each beside the fact."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SLACK_S = 6.0  # for the program to notice, and for rounding
COMMAND_STEP_S, CONSOLE_STEP_S = 1.0, 10.0  # of ages under a minute
BUCKET_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AGE = re.compile(r"^(\d+)(s|m|h|d)(\d+)?$")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the program. ``is_true`` None: the referee could not check it."""

    face: str  # status, why, history, or a screen with its size
    about: str
    told: str
    fact: str
    is_true: bool | None

    def __str__(self) -> str:
        return f"{self.face}: {self.about}: told {self.told!r}, but {self.fact}"


@dataclass(slots=True)
class Claims:
    """The claims of one face."""

    face: str
    made: list[Claim] = field(default_factory=list)

    def check(self, about: str, told: object, fact: object, is_true: bool | None = None) -> None:
        """Add a claim; without ``is_true`` it must equal the fact."""
        judged = told == fact if is_true is None else is_true
        self.made.append(Claim(self.face, about, str(told), str(fact), judged))

    def must(self, about: str, told: str, fact: str, is_true: bool) -> None:
        """Add a claim that must meet a condition, which ``fact`` puts in words."""
        self.made.append(Claim(self.face, about, told, fact, is_true))

    def unchecked(self, about: str, told: str, why: str) -> None:
        """Add a claim that cannot be compared."""
        self.made.append(Claim(self.face, about, told, why, None))

    @property
    def untrue(self) -> list[Claim]:
        """Return the claims that are false."""
        return [one for one in self.made if one.is_true is False]


def age_bounds(text: str, step_s: float) -> tuple[float, float] | None:
    """Return the ages in seconds that ``now``, ``20s``, ``6m`` or ``3h10`` stands for."""
    text = text.removesuffix(" ago")
    if text in ("now", "just now"):
        return 0.0, 10.0
    found = _AGE.match(text)
    if found is None:
        return None
    unit = BUCKET_S[found[2]]
    least = int(found[1]) * unit + (int(found[3]) * 60 if found[3] else 0)
    return least, least + (step_s if unit == 1.0 else unit)


def is_age(text: str, true_age_s: float, step_s: float) -> bool:
    """Return whether a shown age can be right; under a minute it is shown in the given steps."""
    bounds = age_bounds(text, step_s)
    if bounds is None:
        return False
    return bounds[0] - SLACK_S <= true_age_s <= bounds[1] + SLACK_S
