"""The definition of a live table: its columns, and what each shows of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tmcconsole.ui.style.ink import Runs
from tmcconsole.ui.style.signs import Sign, shown

GAP = 2  # blank columns between two cells
EXTRA = 4  # columns with this ``drop`` or more are hidden before any other shrinks
MISSABLE = 3  # columns with this ``drop`` or more are hidden before others shrink to their minimum

SortKey = float | str


@dataclass(frozen=True, slots=True)
class DrawContext:
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
    draw: Callable[[Any, DrawContext], Runs]
    order: Callable[[Any], SortKey] | None = None  # None: not sortable
    number: Callable[[Any, float], float] | None = None  # for lag>30s; takes the current time
    key: str = ""  # shift+letter that sorts by it
    right: bool = False
    middle: bool = False  # elide in the middle, for names that differ at their ends
    least: int = 4  # minimum useful width
    most: int = 32
    drop: int = 0  # the highest is hidden first if space is short; 0 stays
    grow: bool = False  # takes the remaining space


def fit_widths(columns: Sequence[Column], wanted: Sequence[int], space: int) -> list[int]:
    """Return each column's width; 0 for one that is hidden.

    Columns get their full width if it fits. If not, redundant columns are hidden; then the widest
    shrink by a quarter at most, or dispensable columns are hidden; then the widest shrink to their
    minimum, and more columns are hidden. If even that is too wide, the widest shrink below it.
    """
    full = [min(max(want, 1), column.most) for want, column in zip(wanted, columns, strict=True)]
    free = [
        min(c.least, width) if c.grow else width for c, width in zip(columns, full, strict=True)
    ]
    soft = [
        min(column.least, width) if column.grow else max(column.least, width - width // 4)
        for width, column in zip(full, columns, strict=True)
    ]
    hard = [
        min(c.least, width) if c.grow else c.least for c, width in zip(columns, full, strict=True)
    ]
    kept = set(range(len(columns)))
    widths = full
    for floors, missable in ((free, EXTRA), (soft, MISSABLE), (hard, 1)):
        while True:
            widths = [width if i in kept else 0 for i, width in enumerate(full)]
            if _shrink(floors, widths, _total(widths) - space):
                _spread(columns, widths, space)
                return widths
            victims = [i for i in kept if columns[i].drop >= missable]
            if not victims:
                break
            kept.remove(max(victims, key=lambda i: (columns[i].drop, i)))
    widths = [min(width, floor) for width, floor in zip(widths, hard, strict=True)]
    _shrink([min(1, width) for width in widths], widths, _total(widths) - space)
    return widths


def _total(widths: Sequence[int]) -> int:
    shown_widths = [width for width in widths if width]
    return sum(shown_widths) + GAP * max(0, len(shown_widths) - 1)


def _shrink(floors: Sequence[int], widths: list[int], excess: int) -> bool:
    """Take ``excess`` from the columns with the most slack, or change nothing."""
    room = [max(0, width - floor) for width, floor in zip(widths, floors, strict=True)]
    if sum(room) < excess:
        return False
    while excess > 0:
        index = max(range(len(room)), key=lambda i: (room[i], i))
        widths[index] -= 1
        room[index] -= 1
        excess -= 1
    return True


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
    columns: Callable[[DrawContext, int], tuple[Column, ...]]  # for a width in terminal columns
    problem: Callable[[Any], bool]
    first: Callable[[Any], tuple[SortKey, ...]]  # the default order
    targets_of: Callable[[Any], tuple[str, ...]]  # for @scope
    labels_of: Callable[[Any], dict[str, str]] | None = None  # for -l selector
    faded: Callable[[Any], bool] = lambda _record: False  # last known, not current

    @property
    def many(self) -> str:
        """Return the noun in the plural."""
        return "entries" if self.noun == "entry" else f"{self.noun}s"
