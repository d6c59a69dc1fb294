"""The simulated clusters of a demo, in a child process: real sockets, and real outages."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tmcconsole.cli.failure import CommandFailure
from tmcconsole.runtime import wall_clock

READY_S: Final = 30.0
END_S: Final = 5.0  # after its stdin is closed; then it is terminated, then killed
STORY_LINES: Final = 50  # kept from what the scenario told


class SimChild:
    """Runs ``tmc-console sim`` as a child, which ends when our end of its stdin closes for any
    reason.

    It writes one JSON object per line to stdout: ``{"ready": {...}}`` once, then ``{"say": "..."}``
    for each step of the scenario.
    """

    def __init__(self, directory: Path, arguments: Sequence[str]) -> None:
        self._directory = directory
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self._answered = threading.Event()  # ready, or ended before that
        self._ready: dict[str, Any] = {}
        self._story: deque[tuple[int, float, str]] = deque(maxlen=STORY_LINES)
        self._told = 0
        self._is_ending = False  # because we want it to end

    def start(self) -> dict[str, Any]:
        """Start the child; return what it reports when it is ready. Raises ``CommandFailure``."""
        log = self._directory / "sim.log"
        command = [sys.executable, "-m", "tmcconsole", "sim", "--child", *self._arguments]
        log.touch(mode=0o600)
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [*command, "--dir", str(self._directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # ctrl+c in the terminal is for us to handle
            )
        threading.Thread(target=self._read, name="sim child", daemon=True).start()
        self._answered.wait(READY_S)
        if not self._ready:
            raise CommandFailure(f"the simulated clusters did not start: {_last_line(log)}")
        return self._ready

    @property
    def pid(self) -> int:
        """Return the child's process id; 0 before the start."""
        return self._process.pid if self._process else 0

    def story(self) -> tuple[tuple[int, float, str], ...]:
        """Return the latest lines of the scenario: running number, Unix seconds, text."""
        return tuple(self._story)

    def end(self) -> None:
        """End the child and wait for it."""
        process = self._process
        self._is_ending = True
        if process is None:
            return
        for ask in (_close_stdin, subprocess.Popen.terminate, subprocess.Popen.kill):
            ask(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.end()

    def _read(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._take(line)
        if self._ready and not self._is_ending:
            self._tell(f"the simulated clusters have ended ({self._last_words()}): start it anew")
        self._answered.set()

    def _last_words(self) -> str:
        lines = _lines(self._directory / "sim.log")
        return lines[-1] if lines else "without a word"

    def _tell(self, text: str) -> None:
        self._told += 1
        self._story.append((self._told, wall_clock(), text))

    def _take(self, line: str) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        if "ready" in message:
            self._ready = message["ready"]
            self._answered.set()
        elif "say" in message:
            self._tell(str(message["say"]))


def _close_stdin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()


def _last_line(log: Path) -> str:
    lines = _lines(log)
    return lines[-1] if lines else f"no answer after {READY_S:.0f} s"


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").strip().splitlines()
