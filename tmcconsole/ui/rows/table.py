"""What a live table is told: its columns, and what each makes of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tmcconsole.ui.ink import Runs
from tmcconsole.ui.signs import Sign, shown

GAP = 2  # blank columns between two cells

Order = float | str


@dataclass(frozen=True, slots=True)
class Look:
    """What drawing depends on besides the record."""

    now: float  # the engine's wall clock, Unix seconds
    ascii_only: bool = False
    targets: tuple[str, ...] = ()  # names of all targets, sorted

    def state(self, sign: Sign, word: str = "") -> Runs:
        """Return a sign in this look's glyph set."""
        return shown(sign, ascii_only=self.ascii_only, word=word)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Records are of the listing's kind; the listing guarantees it."""

    id: str  # what a filter calls it
    title: str
    draw: Callable[[Any, Look], Runs]
    order: Callable[[Any], Order] | None = None  # None: not sortable
    number: Callable[[Any, float], float] | None = None  # for lag>30s; takes the present
    key: str = ""  # shift+letter that sorts by it
    right: bool = False
    middle: bool = False  # elide in the middle: names differ at their ends
    least: int = 4  # narrowest useful width
    most: int = 32
    drop: int = 0  # the highest goes first where space lacks; 0 stays
    grow: bool = False  # takes the space that is left


def fit_widths(columns: Sequence[Column], wanted: Sequence[int], space: int) -> list[int]:
    """Return each column's width; 0 for one that is left out.

    Wanted widths are given where they fit. Where not, the widest shrink towards their least, then
    columns with the highest ``drop`` go, until the rest fits.
    """
    widths = [min(max(want, 1), column.most) for want, column in zip(wanted, columns, strict=True)]
    while _total(widths) > space:
        if _shrink(columns, widths, _total(widths) - space):
            continue
        victim = _droppable(columns, widths)
        if victim is None:
            break
        widths = [
            0 if index == victim or not width else min(max(want, 1), column.most)
            for index, (column, want, width) in enumerate(zip(columns, wanted, widths, strict=True))
        ]
    _spread(columns, widths, space)
    return widths


def _total(widths: Sequence[int]) -> int:
    shown_widths = [width for width in widths if width]
    return sum(shown_widths) + GAP * max(0, len(shown_widths) - 1)


def _shrink(columns: Sequence[Column], widths: list[int], excess: int) -> bool:
    """Take ``excess`` from the columns that have room, or change nothing."""
    room = [max(0, width - column.least) for width, column in zip(widths, columns, strict=True)]
    if sum(room) < excess:
        return False
    while excess:
        index = max(range(len(room)), key=lambda i: (room[i], i))
        widths[index] -= 1
        room[index] -= 1
        excess -= 1
    return True


def _droppable(columns: Sequence[Column], widths: Sequence[int]) -> int | None:
    choices = [i for i, column in enumerate(columns) if widths[i] and column.drop]
    return max(choices, key=lambda i: (columns[i].drop, i), default=None)


def _spread(columns: Sequence[Column], widths: list[int], space: int) -> None:
    growing = [i for i, column in enumerate(columns) if column.grow and widths[i]]
    left = space - _total(widths)
    if growing and left > 0:
        widths[growing[-1]] += left


@dataclass(frozen=True, slots=True)
class Listing:
    """One table: which records, which columns, which order, what counts as a problem."""

    kind: type[Any]
    noun: str  # e.g. "target", for counts and empty states
    columns: Callable[[Look, int], tuple[Column, ...]]  # for a width in terminal columns
    problem: Callable[[Any], bool]
    first: Callable[[Any], tuple[Order, ...]]  # the default order
    targets_of: Callable[[Any], tuple[str, ...]]  # for @scope
    labels_of: Callable[[Any], dict[str, str]] | None = None  # for -l selector
    faded: Callable[[Any], bool] = lambda _record: False  # last known, not current
