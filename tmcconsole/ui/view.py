"""One table's rows in order: filtered, sorted, marked, with a cursor that stays on its row.

The view knows records and columns, not widgets. It is told which keys changed and computes what to
show when asked; rows that have not changed are not recomputed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tmcconsole.ui.filter import Filter, RowFacts, scope_names
from tmcconsole.ui.rows.table import Column, DrawContext, Listing, SortKey
from tmcconsole.ui.style.ink import plain

ORDER_WIDTH = 10_000  # columns are asked for at this width: order knows no screen


class View:
    """Owner of one table's order, cursor and marks."""

    def __init__(self, listing: Listing, source: Callable[[], Mapping[str, Any]]) -> None:
        self.listing = listing
        self.source = source
        self.order: list[str] = []
        self.cursor: str | None = None
        self.marked: set[str] = set()
        self.filter = Filter()
        self.problems_only = False
        self.sort_column = ""  # "" = the listing's own order
        self.descending = False
        self._pairs: list[tuple[tuple[SortKey, ...], str]] = []
        self._placed: dict[str, tuple[SortKey, ...]] = {}
        self._dirty: set[str] = set()
        self._stale = True  # every row must be placed again
        self._scope: frozenset[str] = frozenset()
        self._known: tuple[tuple[str, ...], tuple[Column, ...]] = ((), ())  # for these targets
        self._index = 0  # where the cursor was, in case its row disappears

    def __repr__(self) -> str:
        return f"View({self.listing.noun}, rows={len(self.order)}, cursor={self.cursor!r})"

    @property
    def total(self) -> int:
        """Return how many records there are before filtering."""
        return len(self.source())

    @property
    def hidden_marks(self) -> int:
        """Return how many marked rows the filter hides."""
        return sum(key not in self._placed for key in self.marked)

    def record(self, key: str | None) -> Any | None:
        """Return the record of a row, None if it is gone."""
        return self.source().get(key) if key is not None else None

    def current(self) -> Any | None:
        """Return the record under the cursor."""
        return self.record(self.cursor)

    def chosen(self) -> list[Any]:
        """Return the marked records, or the one under the cursor."""
        keys = [key for key in sorted(self.marked) if key in self.source()]
        picked = keys or ([self.cursor] if self.cursor is not None else [])
        return [record for key in picked if (record := self.record(key)) is not None]

    def touch(self, keys: Iterable[str]) -> None:
        """Note that these records changed."""
        self._dirty.update(keys)

    def set_filter(self, wanted: Filter) -> None:
        """Show only rows that match."""
        self.filter = wanted
        self._stale = True

    def toggle_problems(self) -> None:
        """Show only problem rows, or all again."""
        self.problems_only = not self.problems_only
        self._stale = True

    def sortable(self, letter: str) -> Column | None:
        """Return the column that is sorted by with this key, if there is one."""
        columns = self._columns(DrawContext(0.0))
        return next((c for c in columns if c.key == letter and c.order), None)

    def sort_by(self, letter: str) -> str:
        """Sort by the column with this key, again to reverse; return its title, or nothing."""
        column = self.sortable(letter)
        if column is None:
            return ""
        again = self.sort_column == column.id
        self.descending = not self.descending if again else False
        self.sort_column = column.id
        self._stale = True
        return column.title

    def settle(self, draw: DrawContext, labels: Mapping[str, Mapping[str, str]]) -> bool:
        """Bring the order up to date; return whether it changed. ``labels``: of the targets."""
        scope = frozenset(scope_names(self.filter.scope, labels))
        records = self.source()
        if scope != self._scope:
            self._scope = scope
            self._stale = True
        before = self.order
        if self._stale:
            self._placed, self._pairs, self.order = {}, [], []
            self._dirty = set(records)
            self._stale = False
        if not self._dirty:
            return before != self.order
        self._place(self._dirty, records, draw)
        self._dirty = set()
        self.marked &= records.keys()
        self._hold_cursor()
        return before != self.order

    def move(self, index: int) -> None:
        """Put the cursor on the row at ``index``, or the nearest one."""
        if self.order:
            self._index = max(0, min(index, len(self.order) - 1))
            self.cursor = self.order[self._index]

    def index(self) -> int:
        """Return the cursor's row number, 0 where there is none."""
        if self.cursor is None or self.cursor not in self._placed:
            return 0
        if self._index < len(self.order) and self.order[self._index] == self.cursor:
            return self._index
        self._index = self.order.index(self.cursor)
        return self._index

    def next_problem(self, step: int) -> bool:
        """Move to the next (1) or previous (-1) problem row, wrapping around."""
        start, size = self.index(), len(self.order)
        for distance in range(1, size + 1):
            index = (start + step * distance) % size
            if self.listing.problem(self.source()[self.order[index]]):
                self.move(index)
                return True
        return False

    def _place(self, keys: set[str], records: Mapping[str, Any], draw: DrawContext) -> None:
        changed: list[tuple[tuple[SortKey, ...], str]] = []
        moved: set[str] = set()
        for key in keys:
            rank = self._rank(records.get(key), draw)
            if rank == self._placed.get(key):
                continue
            if key in self._placed:
                moved.add(key)
                del self._placed[key]
            if rank is not None:
                self._placed[key] = rank
                changed.append((rank, key))
        if not moved and not changed:
            return
        if moved:
            self._pairs = [pair for pair in self._pairs if pair[1] not in moved]
        self._pairs.extend(changed)
        self._pairs.sort()
        self.order = [key for _, key in self._pairs]
        if self.sort_column and self.descending:
            self.order.reverse()

    def _rank(self, record: Any | None, draw: DrawContext) -> tuple[SortKey, ...] | None:
        """Return a record's sort key, None if it is not shown."""
        if record is None or (self.problems_only and not self.listing.problem(record)):
            return None
        if self.filter.terms and not self.filter.matches(self.facts(record, draw), self._scope):
            return None
        first = self.listing.first(record)
        if not self.sort_column:
            return first
        order = self._order_of(draw)
        return (order(record), *first) if order else first

    def facts(self, record: Any, draw: DrawContext) -> RowFacts:
        """Return what a filter may match in a record."""
        columns = self._columns(draw)
        labels = self.listing.labels_of(record) if self.listing.labels_of else {}
        return RowFacts(
            texts={column.id: plain(column.draw(record, draw)) for column in columns},
            numbers={c.id: c.number(record, draw.now) for c in columns if c.number},
            labels=labels,
            targets=self.listing.targets_of(record),
        )

    def inactive_terms(self, draw: DrawContext) -> tuple[str, ...]:
        """Return the filter's terms that this table cannot evaluate."""
        columns = self._columns(draw)
        numbers = frozenset(c.id for c in columns if c.number)
        return self.filter.inactive(frozenset(c.id for c in columns), numbers)

    def _columns(self, draw: DrawContext) -> tuple[Column, ...]:
        if self._known[0] != draw.targets or not self._known[1]:
            self._known = (draw.targets, self.listing.columns(draw, ORDER_WIDTH))
        return self._known[1]

    def _order_of(self, draw: DrawContext) -> Callable[[Any], SortKey] | None:
        return next((c.order for c in self._columns(draw) if c.id == self.sort_column), None)

    def _hold_cursor(self) -> None:
        """Keep the cursor on its row; if the row is gone, on the one that took its place."""
        if not self.order:
            self.cursor = None
        elif self.cursor is None or self.cursor not in self._placed:
            self.move(self._index)
        else:
            self._index = self._position(self.cursor)

    def _position(self, key: str) -> int:
        if self.sort_column and self.descending:
            return self.order.index(key)
        return bisect_left(self._pairs, (self._placed[key], key))
