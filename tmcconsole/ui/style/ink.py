"""Text with a tone: what rows and panes consist of before a widget draws them.

A tone names a meaning (``synced``, ``failed``, ``dim``); console.tcss gives it a colour. Remote
text is drawn as plain runs and never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

TONES: Final = (
    "text",
    "dim",
    "strong",
    "title",
    "key",
    "rule",
    "info",
    "warn",
    "synced",
    "pending",
    "drift",
    "failed",
    "stale",
    "paused",
    "cordoned",
    "diff-added",
    "diff-removed",
    "prompt",
    "caret",
    "ghost",
    "badge",
)


GROUNDS: Final = ("cursor", "cursor-blurred", "mark", "heading")  # backgrounds of a line


class Run(NamedTuple):
    """A stretch of text in one tone."""

    text: str
    tone: str = "text"


Runs = tuple[Run, ...]
Lines = Sequence[Runs]
BLANK: Final[Runs] = ()


def ink(text: str, tone: str = "text") -> Runs:
    """Return one run."""
    return (Run(text, tone),)


def cells(text: str) -> int:
    """Return how many terminal columns a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(runs: Iterable[Run]) -> int:
    """Return how many terminal columns the runs take."""
    return sum(cells(run.text) for run in runs)


def plain(runs: Iterable[Run]) -> str:
    """Return the text without its tones."""
    return "".join(run.text for run in runs)


def elide(text: str, width: int, *, middle: bool = False) -> str:
    """Return ``text`` in at most ``width`` columns, with an ellipsis where something was cut."""
    if len(text) <= width and cells(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2 if middle else 0
    if not text.isascii() and cells(_near(text, width)) <= width and len(text) <= 5 * width + 5:
        return text
    head = _first_cells(text, width - 1 - tail)
    return (head if middle else head.rstrip()) + "…" + _last_cells(text, tail)


def _near(text: str, width: int) -> str:
    """Return enough of a text to fill ``width``: the rest need not be measured.

    SafeText allows at most four zero-width marks after a character.
    """
    return text[: 5 * width + 5]


def _first_cells(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    return set_cell_size(_near(text, width), width)


def _last_cells(text: str, width: int) -> str:
    if text.isascii():
        return text[len(text) - width :]
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= width:
        start -= 1
    return text[start:]


def fit(runs: Runs, width: int, *, right: bool = False, middle: bool = False) -> Runs:
    """Return the runs in exactly ``width`` columns, padded or elided."""
    taken = width_of(runs)
    if taken < width:
        pad = Run(" " * (width - taken), "text")
        return (pad, *runs) if right else (*runs, pad)
    if taken == width:
        return runs
    return _elided(runs, width, middle=middle)


def _elided(runs: Runs, width: int, *, middle: bool) -> Runs:
    if len(runs) == 1:
        text = elide(runs[0].text, width, middle=middle)
        short = width - cells(text)  # a wide character may leave one column empty
        return (Run(text + " " * short, runs[0].tone),)
    kept: list[Run] = []
    left = width
    for run in runs:
        size = cells(run.text)
        if size < left or (size == left and run is runs[-1]):
            kept.append(run)
            left -= size
            continue
        text = elide(run.text, left) if size > left else elide(run.text + "  ", left)
        kept.append(Run(text + " " * (left - cells(text)), run.tone))
        break
    return tuple(kept)


def wrap(text: str, width: int, tone: str = "text") -> list[Runs]:
    """Return ``text`` broken at spaces into lines of at most ``width`` columns."""
    lines: list[Runs] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in _pieces(paragraph, width):
            joined = f"{line} {word}" if line else word
            if cells(joined) > width and line:
                lines.append(ink(line, tone))
                line = word
            else:
                line = joined
        lines.append(ink(line, tone))
    return lines


def _pieces(paragraph: str, width: int) -> Iterable[str]:
    """Return the words, those wider than a line split into lines."""
    for word in paragraph.split(" "):
        rest = word
        while len(rest) * 2 > width > 1 and cells(_near(rest, width)) > width:
            piece = _first_cells(rest, width).rstrip()
            yield piece
            rest = rest[len(piece) :]
        yield rest
