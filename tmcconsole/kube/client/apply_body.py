r"""The body of a server-side apply: JSON that a reader of YAML takes for the same document.

The API server reads apply bodies as YAML 1.1, also where they are JSON. There U+0085, U+2028 and
U+2029 are line breaks, which a quoted text turns into spaces; U+007F to U+009F, U+FFFE and U+FFFF
may not stand in a document; and a key must end within 1,024 characters, unless a ``?`` before it
says that it is one (YAML 1.1, sections 5.1, 5.4 and 7.3.3). Written as ``\uXXXX`` all arrive.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json

# U+FEFF is a byte order mark to some readers. Beyond U+FFFF YAML takes all that UTF-8 can write.
_UNLIKE_JSON: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TEXT: Final = re.compile(rb'("(?:[^"\\]++|\\.)*+")(:?)')  # every string, and whether it is a key
_LONGEST_KEY: Final = 1000  # bytes as written; the limit counts the quotes, too
_GROWTH: Final = 6  # bytes that a character takes at most, as \uXXXX


def encode(tree: Json | list[Json]) -> bytes:
    """Return the tree as JSON that reads as the same tree in YAML, whatever its texts hold."""
    body = orjson.dumps(tree)
    if not body.isascii() or b"\x7f" in body:
        body = _UNLIKE_JSON.sub(_escaped, body.decode()).encode()
    return _TEXT.sub(_as_key, body) if _has_long_key(tree) else body


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _as_key(found: re.Match[bytes]) -> bytes:
    is_long_key = found[2] and len(found[1]) > _LONGEST_KEY
    return b"? " + found[0] if is_long_key else found[0]


def _has_long_key(tree: Json | list[Json]) -> bool:
    left: list[Any] = [tree]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if any(len(key) * _GROWTH >= _LONGEST_KEY for key in value):
                return True
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return False
