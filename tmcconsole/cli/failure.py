"""What a command says when it cannot do its job."""

from __future__ import annotations


class CommandFailure(Exception):
    """The command failed; the text is for the person, with the remedy, and the exit code is 1."""


def one_line(error: BaseException) -> str:
    """Return an error's text on one line; its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def with_cause(error: BaseException) -> str:
    """Return an error's text and that of what caused it, on one line."""
    return one_line(error) + (f": {one_line(error.__cause__)}" if error.__cause__ else "")
