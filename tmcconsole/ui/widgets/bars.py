"""One-line bars: the header, the breadcrumb with its filter chip, the keys."""

from __future__ import annotations

from tmcconsole.ui.style.ink import BLANK, Run, Runs, fit, width_of
from tmcconsole.ui.widgets.paper import Paper


class Bar(Paper):
    """One line with a left and a right part; the left part shrinks if space is short."""

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
        gap = 2 if self._right else 0
        left = fit(self._left, max(0, width - 2 - gap - width_of(self._right)))
        return (Run(" "), *left, Run(" " * gap), *self._right, Run(" ")), ""


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
