"""Finds the line of each key in a TOML document, which tomllib does not report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_HEADER: Final = re.compile(r"\s*\[(\[)?\s*([A-Za-z0-9_.\"' -]+?)\s*\]")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_-]+)(?:\s*\.\s*[A-Za-z0-9_\"'/.-]+)*\s*=")
_FENCES: Final = ('"""', "'''")


def lines_of(document: str) -> Mapping[str, int]:
    """Return the line, from 1, of each table and key by its path, as in ``targets[0].name``.

    Keys inside inline tables are not found; use their table's key.
    """
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = fence = ""
    for number, line in enumerate(document.splitlines(), 1):
        if not fence and (header := _HEADER.match(line)):
            table = _table(header, counts)
            found.setdefault(table, number)
        elif not fence and (key := _KEY.match(line)):
            found.setdefault(f"{table}.{key[1]}" if table else key[1], number)
        fence = _open_fence(line, fence)
    return found


def _table(header: re.Match[str], counts: dict[str, int]) -> str:
    name = re.sub(r"\s*\.\s*", ".", header[2])
    if header[1]:
        counts[name] = counts.get(name, -1) + 1
        return f"{name}[{counts[name]}]"
    first, dot, rest = name.partition(".")
    return f"{first}[{counts[first]}].{rest}" if dot and first in counts else name


def _open_fence(line: str, fence: str) -> str:
    """Return the quotes of a multi-line string that is still open after the line, or ""."""
    if fence:
        return "" if fence in line else fence
    return next((quotes for quotes in _FENCES if line.count(quotes) % 2), "")
