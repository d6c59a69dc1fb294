"""The program in a pseudo-terminal, and the screen a user would see."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import anyio
import pyte

Size = tuple[int, int]  # columns, rows
SMALL: Size = (80, 24)
LARGE: Size = (160, 45)
QUIET_S = 0.15  # the screen is complete once nothing was painted for this long
SHOWN_S = 4.0  # for a screen to come after its key
PATIENCE_S = 45.0  # for the first paint on a busy machine

HIDDEN = ("NO_COLOR", "TEXTUAL_THEME", "COLUMNS", "LINES", "TMC_CONFIG")


class Terminal:
    """A console that runs until ``end`` or ``kill``; needs the asyncio loop it is made in."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], size: Size, skew_s: float) -> None:
        self._master, child = pty.openpty()
        environment = {name: text for name, text in os.environ.items() if name not in HIDDEN}
        self.screen = pyte.Screen(*size)
        self._set_size(size)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.incidents.launch", str(skew_s), *arguments],
            stdin=child, stdout=child, stderr=child, start_new_session=True,
            env=environment | {"TERM": "xterm-256color"}, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        os.close(child)
        self._stream = pyte.ByteStream(self.screen)
        self._painted_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master, self._read)

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    async def press(self, *keys: str) -> str:
        """Send keys, each once the effect of the last is painted; return the screen after them."""
        for key in keys:
            os.write(self._master, key.encode())
            await self.settle()
        return self.text

    async def show(self, key: str, has_come: Callable[[str], bool]) -> str:
        """Press the key of a screen; return it once it is there, or what is there instead."""
        text = await self.press(key)
        with anyio.move_on_after(SHOWN_S):
            while not has_come(text):
                await self.settle()
                text = self.text
        return text

    async def resize(self, size: Size) -> None:
        """Resize the window, as a user does with the mouse."""
        if (self.screen.columns, self.screen.lines) == size:
            return
        columns, rows = size
        self.screen.resize(rows, columns)
        self._set_size(size)
        await self.settle()

    async def settle(self) -> None:
        """Return when nothing was painted for a moment."""
        await anyio.sleep(QUIET_S)
        while self._loop.time() - self._painted_at < QUIET_S:  # noqa: ASYNC110 - another process
            await anyio.sleep(QUIET_S / 3)

    async def wait_for(self, claim: Callable[[str], bool], what: str) -> None:
        """Wait until a condition holds for the screen."""
        with anyio.move_on_after(PATIENCE_S):
            while not claim(self.text) and self.process.poll() is None:  # noqa: ASYNC110 - a screen
                await anyio.sleep(0.05)
        assert claim(self.text), f"{what} never came:\n{self.text}"

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._loop.remove_reader(self._master)
        os.close(self._master)

    def _set_size(self, size: Size) -> None:
        columns, rows = size
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says EIO where the other end is closed
            data = b""
        if not data:
            self._loop.remove_reader(self._master)
            return
        self._painted_at = self._loop.time()
        self._stream.feed(data)
