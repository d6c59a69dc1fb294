"""One-line bars: the header, the breadcrumb with its filter chip, the keys."""

from __future__ import annotations

from tmcconsole.ui.ink import BLANK, Run, Runs, fit, width_of
from tmcconsole.ui.widgets.paper import Paper


class Bar(Paper):
    """One line with a left and a right part; the right part yields where space lacks."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: Runs = BLANK
        self._right: Runs = BLANK

    def show(self, left: Runs, right: Runs = BLANK) -> None:
        """Show these runs."""
        self._left, self._right = left, right
        self.patch()

    def line(self, y: int, width: int) -> tuple[Runs, str]:
        """Return both parts in ``width`` columns."""
        room = width - 2
        taken = width_of(self._left)
        right = self._right if taken + 2 + width_of(self._right) <= room else BLANK
        left = fit(self._left, room - width_of(right))
        return (Run(" "), *left, *right, Run(" ")), ""


class KeyBar(Paper):
    """The keys that work here: as many as fit, ``? help`` always."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str, bool], ...] = ()

    def show(self, keys: tuple[tuple[str, str, bool], ...]) -> None:
        """Show (key, word, enabled) triples, the most useful first."""
        self._keys = keys
        self.patch()

    def line(self, y: int, width: int) -> tuple[Runs, str]:
        """Return what fits."""
        room = width - 2
        runs: list[Run] = [Run(" ")]
        for key, word, enabled in self._keys:
            part = (Run(key, "key" if enabled else "rule"), Run(f" {word}  ", "dim"))
            if width_of((*runs, *part)) - 2 > room:
                break
            runs += part
        return tuple(runs), ""
