"""What a command prints when it fails."""

from __future__ import annotations


class CommandFailure(Exception):
    """The command failed; the text is for the person, with the remedy.

    The exit code is 1, or 4 where somebody who was asked did not answer.
    """

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def one_line(error: BaseException) -> str:
    """Return an error's text on one line, or its class if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def with_cause(error: BaseException) -> str:
    """Return the texts of an error and its cause, on one line."""
    return one_line(error) + (f": {one_line(error.__cause__)}" if error.__cause__ else "")


def told(error: OSError) -> str:
    """Return what the operating system refused, naming the file if there is one."""
    where = f"{error.filename}: " if error.filename else "cannot write to stdout: "
    return f"{where}{error.strerror or one_line(error)}"
