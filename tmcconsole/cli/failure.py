"""What a command says when it cannot do its job."""

from __future__ import annotations


class Failure(Exception):
    """The command failed; the text is for the person, with the remedy, and the exit code is 1."""


def one_line(error: BaseException) -> str:
    """Return an error's text on one line; its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
