"""The console in a real pseudo-terminal: what it writes, and how it leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyte
import pytest

from tests.signals import hear_signals

DEADLINE_S = 60.0  # for a state to come; a missed one fails the test
QUIET_S = 0.5  # settled once nothing was written for this long


class Terminal:
    """A program in a pseudo-terminal, and the screen it paints."""

    def __init__(self, *arguments: str, size: tuple[int, int]) -> None:
        columns, rows = size
        self.master, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(child)
        self.child = child
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}
        for name in ("NO_COLOR", "TEXTUAL_THEME", "COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ui.demo_fixture", *arguments],
            stdin=child, stdout=child, stderr=child, env=environment,
            preexec_fn=self._own_terminal,
        )  # fmt: skip
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def _own_terminal(self) -> None:
        hear_signals()
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self, seconds: float) -> int:
        """Read until nothing came for the given time; return how many bytes came."""
        taken = 0
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            taken += len(data)
            self.raw += data
            self.stream.feed(data)
        return taken

    def wait_for(self, text: str) -> None:
        """Read until the screen shows a text."""
        end = time.monotonic() + DEADLINE_S
        while text not in "\n".join(self.screen.display):
            if time.monotonic() > end:
                pytest.fail(f"{text!r} never came:\n" + "\n".join(self.screen.display))
            self.read(0.05)

    def wait_until(self, holds: Callable[[str], bool]) -> None:
        """Read until a condition holds for the screen."""
        end = time.monotonic() + DEADLINE_S
        while not holds("\n".join(self.screen.display)):
            if time.monotonic() > end:
                pytest.fail("it never came to hold:\n" + "\n".join(self.screen.display))
            self.read(0.05)

    def press(self, keys: str) -> int:
        """Send keys; return how many bytes they caused."""
        os.write(self.master, keys.encode())
        return self.read(QUIET_S)

    def wait_for_end(self) -> int:
        """Return the exit code."""
        end = time.monotonic() + DEADLINE_S
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        if self.process.poll() is None:
            pytest.fail("still running")
        self.read(0.05)
        return self.process.returncode


@contextmanager
def terminal(*arguments: str, size: tuple[int, int] = (160, 45)) -> Iterator[Terminal]:
    """Run the console, wait for its first data, and end it afterwards."""
    running = Terminal(*arguments, size=size)
    try:
        running.wait_for("lab-basement")
        running.read(QUIET_S)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait(10)
        os.close(running.master)
        os.close(running.child)


def test_nothing_is_written_while_nothing_changes() -> None:
    with terminal("--still") as console:
        console.read(1.0)

        assert console.read(1.5) == 0  # fifteen frames


def test_leaving_restores_the_terminal_and_exits_with_zero() -> None:
    with terminal("--still", size=(80, 24)) as console:
        console.press("q")
        console.wait_for("the engine is running here")
        os.write(console.master, b"s")

        assert console.wait_for_end() == 0
        assert termios.tcgetattr(console.child)[3] == console.before[3]
        assert b"\x1b[?1049l" in console.raw[-400:]


def test_sigterm_leaves_in_order() -> None:
    with terminal("--still", size=(80, 24)) as console:
        console.process.send_signal(signal.SIGTERM)

        assert console.wait_for_end() == 0
        assert termios.tcgetattr(console.child)[3] == console.before[3]


def test_losing_the_terminal_ends_the_console() -> None:
    with terminal("--still", size=(80, 24)) as console:
        console.process.send_signal(signal.SIGHUP)

        assert console.wait_for_end() == 0


def test_a_terminal_that_does_not_read_is_painted_whole_once_it_does() -> None:
    with terminal("--still", size=(160, 45)) as console:
        for _ in range(60):
            os.write(console.master, b"123456")
            time.sleep(0.02)  # nobody reads meanwhile
        os.write(console.master, b"2")
        console.read(1.0)
        console.wait_for("Targets")
        console.read(QUIET_S)

        shown = "\n".join(console.screen.display)
        assert "us-west-2" in shown
        assert "p pause" in shown
