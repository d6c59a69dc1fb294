"""Standard streams that are closed or full: one line and an exit code, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn

from tmcconsole.contract.text import SafeText


class _Closed(io.TextIOBase):
    """Stands for a stdout that the parent has closed."""

    encoding = "utf-8"

    def write(self, _text: str) -> NoReturn:
        raise OSError(errno.EBADF, "stdout is closed")


def mend_streams() -> None:
    """Open closed ones of stdin, stdout and stderr, so that no file or socket becomes one."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free one, which is this
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for good


def complain(text: object) -> None:
    """Print lines on stderr, if that can be written; files and servers may have put anything into
    them.
    """
    with suppress(OSError, ValueError):
        for line in str(text).split("\n"):
            print(SafeText(line), file=sys.stderr)
        sys.stderr.flush()


def abandon_stdout() -> None:
    """Discard what could not be written: Python would retry at its end, and complain."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
