"""The terminal's clipboard, by OSC 52: it works over SSH, and through tmux and screen."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

MAX_ENCODED: Final = 74_994  # bytes: what common terminals take in one sequence


def copy_sequence(text: str, environment: Mapping[str, str]) -> str:
    """Return what to write so that the terminal copies ``text``.

    Raises ``ValueError`` where it is more than terminals take. tmux is told in both its ways: as
    its own client (``set-clipboard on``) and to pass on (``allow-passthrough on``).
    """
    encoded = b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if len(encoded) > MAX_ENCODED:
        raise ValueError(f"too long for a terminal's clipboard: {len(text):,} characters")
    plain = f"\x1b]52;c;{encoded}\x07"
    if environment.get("TMUX"):
        inner = plain.replace("\x1b", "\x1b\x1b")
        return f"{plain}\x1bPtmux;{inner}\x1b\\"
    return f"\x1bP{plain}\x1b\\" if environment.get("STY") else plain
