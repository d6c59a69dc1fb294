"""Pasted text, made inert: one line of what can be seen, whatever was in it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Escape sequences go whole; an introducer without its end goes alone.
_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, ...
    r"|\x1b[ -/]+[0-~]"  # character sets
    r"|\x1b[\[\]PX^_]?"
)
# Control, format (bidi, zero width), surrogate, private use, unassigned.
_FOREIGN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def pasted_line(text: str) -> str:
    """Return a paste as one line: blanks and line breaks become one space, controls go."""
    bare = _SEQUENCES.sub("", text)
    return "".join(one for one in " ".join(bare.split()) if _is_shown(one))


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _FOREIGN
