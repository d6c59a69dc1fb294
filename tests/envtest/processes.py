"""One server process that never outlives the tests, even if they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

STOP_PATIENCE_S = 5.0  # between SIGTERM and SIGKILL

# Reads until our end of the pipe closes, which also happens when we are killed outright.
_LIFELINE = 'read -r _; kill -9 "$1" 2>/dev/null'


class DiedError(Exception):
    """A server process ended by itself; the message carries the end of its log."""


@dataclass(slots=True)
class Process:
    """A command, its log, and the process while it runs. ``stop`` may be called twice."""

    name: str
    command: tuple[str, ...]
    log: Path
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _lifeline: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process id. Raises ``DiedError`` where nothing runs."""
        if self._running is None:
            raise DiedError(f"{self.name} is not running")
        return self._running.pid

    def start(self) -> None:
        """Start it in a process group of its own; its output is appended to the log."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        self._lifeline = subprocess.Popen(
            ("sh", "-c", _LIFELINE, "lifeline", str(self._running.pid)),
            stdin=subprocess.PIPE,
            process_group=0,
        )

    def check(self) -> None:
        """Raise ``DiedError`` if it has ended by itself."""
        if self._running is not None and (status := self._running.poll()) is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
            raise DiedError(f"{self.name} ended with status {status}:\n{tail}")

    def ask_to_stop(self) -> None:
        """Send SIGTERM without waiting."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()

    def stop(self) -> None:
        """Stop it and wait: with SIGTERM first, with SIGKILL after ``STOP_PATIENCE_S``."""
        if self._running is None:
            return
        self._cut_lifeline()
        self.ask_to_stop()
        try:
            self._running.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        self._running = None

    def freeze(self) -> None:
        """Let it keep its connections but answer nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """End ``freeze``."""
        os.kill(self.pid, signal.SIGCONT)

    def resident_mib(self) -> float:
        """Resident memory in MiB, as Linux counts it."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def _cut_lifeline(self) -> None:
        if self._lifeline is not None:
            self._lifeline.kill()  # first, so that it cannot kill a process that reuses the id
            self._lifeline.communicate()
            self._lifeline = None
