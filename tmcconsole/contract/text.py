"""Text that came from a cluster, made inert once, at ingest.

``SafeText`` is the only kind of remote string that a record may carry and a screen may draw.
Constructing one sanitises the text, so an unsafe one cannot exist; doing it twice changes nothing.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_LENGTH: Final = 4096  # characters; longer text is truncated and marked
MAX_BODY: Final = 4_000_000  # characters of a text to read; an API server takes less
MAX_COMBINING: Final = 4  # combining marks on one character before the rest are escaped

# Control, format (bidi, zero width), surrogate, private use, unassigned, line and paragraph breaks.
_HOSTILE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class SafeText(str):
    """A string that no terminal or markup parser will act on."""

    __slots__ = ()

    def __new__(cls, value: object = "", *, multiline: bool = False) -> SafeText:
        """Return ``value`` as text with every hostile character shown as a visible escape.

        With ``multiline`` newlines and tabs are kept; otherwise they are escaped too.
        """
        if isinstance(value, SafeText):
            return value
        text = str(value)
        if text.isascii() and text.isprintable() and len(text) <= MAX_LENGTH:
            return super().__new__(cls, text)
        return super().__new__(cls, _inert(text, "\n\t" if multiline else "", MAX_LENGTH))


class SafeBody(SafeText):
    """A text of many lines to read, whole: an explanation, an object, a diff."""

    __slots__ = ()

    def __new__(cls, value: object = "") -> SafeBody:
        """Return ``value`` with every hostile character but newlines and tabs as an escape."""
        if isinstance(value, SafeBody):
            return value
        return str.__new__(cls, _inert(str(value), "\n\t", MAX_BODY))


def _inert(text: str, allowed: str, limit: int) -> str:
    shown: list[str] = []
    combining = 0
    for character in text[:limit]:
        category = unicodedata.category(character)
        combining = combining + 1 if category in ("Mn", "Me") else 0
        hostile = category in _HOSTILE or combining > MAX_COMBINING
        shown.append(_escape(character) if hostile and character not in allowed else character)
    if len(text) > limit:
        shown.append(f"… ({len(text) - limit} more characters)")
    return "".join(shown)


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
