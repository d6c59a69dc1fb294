"""Splits a list without parsing its items: for lists nested too deeply to be decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')


def split_items(body: bytes) -> tuple[bytes, list[bytes]]:
    """Return a list's JSON without its items, and the JSON of each item.

    Nothing is validated here: invalid items show when they are decoded.
    """
    began, ended = _array(body)
    array = body[began:ended]
    return body[:began] + body[ended:], list(_objects(array))


def _array(body: bytes) -> tuple[int, int]:
    """Return where the content of ``items`` begins and ends."""
    name, began = b"", 0
    for depth, token in _tokens(body):
        if depth != 1:
            continue
        if token[0] == b"]" and began:
            return began, token.start()
        if token[0] == b"[" and name == b'"items"':
            began = token.end()
        name = token[0]
    return 0, 0


def _objects(array: bytes) -> Iterator[bytes]:
    start = 0
    for depth, token in _tokens(array):
        if depth == 0 and token[0] == b"{":
            start = token.start()
        elif depth == 0 and token[0] == b"}":
            yield array[start : token.end()]


def _tokens(body: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Yield strings and brackets with their depth; both brackets of a pair have the same."""
    depth = 0
    for token in _TOKEN.finditer(body):
        depth -= token[0] in (b"}", b"]")
        yield depth, token
        depth += token[0] in (b"{", b"[")
