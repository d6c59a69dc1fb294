"""Reads tables in text as a user does: a cell belongs to the heading above it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PIECE = re.compile(r"\S+(?: \S+)*")
PANE = "▏"  # text to its right belongs to another pane

Row = dict[str, str]


def rows_under(text: str, *headings: str) -> list[Row]:
    """Return the rows below the line that has all these headings, up to an empty line."""
    lines = [line.partition(PANE)[0].rstrip() for line in text.splitlines()]
    for number, line in enumerate(lines):
        pieces = _pieces(line)
        if set(headings) <= {title for title, _, _ in pieces}:
            return [_row(pieces, below) for below in _until_empty(lines[number + 1 :])]
    return []


def has_table(text: str, *headings: str) -> bool:
    """Say whether there is a line that has all these headings."""
    return any(
        set(headings) <= {title for title, _, _ in _pieces(line.partition(PANE)[0])}
        for line in text.splitlines()
    )


def _until_empty(lines: Sequence[str]) -> list[str]:
    found = []
    for line in lines:
        if not line.strip() or line.startswith(" ? "):  # the keys' bar
            break
        found.append(line)
    return found


def _pieces(line: str) -> list[tuple[str, int, int]]:
    return [(found.group(), found.start(), found.end()) for found in _PIECE.finditer(line)]


def _row(headings: list[tuple[str, int, int]], line: str) -> Row:
    row = {title: "" for title, _, _ in headings} | {"line": line.strip()}
    for text, start, end in _pieces(line):
        title = min(headings, key=lambda one: min(abs(one[1] - start), abs(one[2] - end)))[0]
        row[title] = f"{row[title]} {text}".strip()
    return row
