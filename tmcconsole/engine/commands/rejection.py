"""The error of a command that cannot be carried out."""

from __future__ import annotations


class Rejected(Exception):
    """The command cannot be carried out; the fix says what would help."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.fix = fix
