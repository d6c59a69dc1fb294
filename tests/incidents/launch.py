"""The program as a user starts it, with shorter timeouts, and a clock that may be wrong.

``python -m tests.incidents.launch SKEW_S ARGUMENTS...``
"""

from __future__ import annotations

import fcntl
import os
import sys
import termios
import time


def _hurry() -> None:
    """Probe silent servers every second, not every 5 to 15, since there are many incidents."""
    import tmcconsole.engine.connection.probe as probe

    for name, seconds in {"PROBE_S": 1.0, "PROBE_TIMEOUT_S": 1.0, "MAX_PROBE_S": 2.0}.items():
        setattr(probe, name, seconds)


def _shift(seconds: float) -> None:
    true_time = time.time
    time.time = lambda: true_time() + seconds


def run(skew: str, *arguments: str) -> int:
    """Run the program; return its exit code."""
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that we are told of a change of size
    _shift(float(skew))  # before any part of the program has bound the clock
    _hurry()
    from tmcconsole.cli import main

    return main(arguments)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
