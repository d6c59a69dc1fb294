"""Problems of a configuration: all of them at once, each on one line with its remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class Unusable(ValueError):
    """A value that cannot be used. ``fix`` says what to write instead."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One problem. ``line`` counts from 1; 0 if it could not be located."""

    source: str  # a file, an environment variable or a flag
    line: int
    key: str  # as in targets[1].labels; "" for the whole source
    what: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return ": ".join(part for part in (place, self.key, f"{self.what}; {self.fix}") if part)


class ConfigError(Exception):
    """The configuration cannot be used. ``problems`` is never empty; ``str`` puts each on its own
    line.
    """

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return advice for an unknown word: the most similar one, or all known ones."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else f"use one of: {', '.join(names)}"
