"""What a test's child process hears, however the tests themselves were started."""

from __future__ import annotations

import signal


def hear_signals() -> None:
    """Let a child that is being started end by every signal that a terminal sends.

    Under ``nohup`` or in the background of a shell some are ignored, and the program leaves
    ignored what its parent ignores.
    """
    for one in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(one, signal.SIG_DFL)
