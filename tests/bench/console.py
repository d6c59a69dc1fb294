"""The console in a real pseudo-terminal: first paint, bytes idle and busy, keys under load."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from tests.bench.fleet import Fleet
from tests.bench.hands import Hands, open_hands
from tests.bench.table import Row
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.config.write import to_toml, write_private
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.placement.install import install

ROWS, COLUMNS = 45, 160
OBJECTS = 200
IDLE_S = 20.0
BUSY_S = 15.0
CHANGES_A_SECOND = 50
KEYS = 40


def measure(fleet: Fleet, quick: bool) -> list[Row]:
    """Return first paint, bytes to the terminal, and the delay from a key to the first byte."""
    anyio.run(_prepare, fleet)
    config = fleet.folder / "console.toml"
    write_private(config, to_toml(fleet.settings("console-state")))
    command = [sys.executable, "-m", "tmcconsole", "--config", str(config)]
    paints = [_first_paint(command) for _ in range(1 if quick else 3)]
    with _terminal(command) as terminal:
        terminal.read_for(12)  # until everything is listed and drawn
        terminal.send("6")
        terminal.read_for(5)
        idle = terminal.read_for(IDLE_S / 4 if quick else IDLE_S)
        idle_rate = idle / (IDLE_S / 4 if quick else IDLE_S)
        stop = threading.Event()
        churn = threading.Thread(target=anyio.run, args=(_churn, fleet, stop))
        churn.start()
        terminal.read_for(2)
        busy_rate = terminal.read_for(BUSY_S / 3 if quick else BUSY_S) / (
            BUSY_S / 3 if quick else BUSY_S
        )
        delays = [terminal.answer_to("j" if n % 2 else "k") for n in range(KEYS)]
        stop.set()
        churn.join()
    p95 = sorted(delays)[int(0.95 * len(delays))]
    size, load = f"{COLUMNS}x{ROWS}", f"{CHANGES_A_SECOND} changes/s"
    return [
        Row("first paint, best of 3", fleet.servers, f"{min(paints):.2f} s", "≤ 1 s"),
        Row(f"bytes to the terminal, idle, {size}", fleet.servers, f"{idle_rate:.0f} B/s", "0"),
        Row(
            f"bytes to the terminal, {load}, {size}",
            fleet.servers,
            f"{busy_rate / 1024:.1f} KB/s",
            "≤ 8 KB/s",
        ),
        Row(f"key to first byte, {load}", fleet.servers, f"p95 {p95 * 1000:.0f} ms", "≤ 50 ms"),
    ]


async def _prepare(fleet: Fleet) -> None:
    async with open_hands(fleet) as hands:
        await install(hands.hub, fleet.settings("console-state").targets)
        await hands.make_namespace("console", labels={"app": "console"})
        await hands.place("console")
        await hands.fill("console", OBJECTS, 0)


async def _churn(fleet: Fleet, stop: threading.Event) -> None:
    async with open_hands(fleet) as hands:
        number = 0
        while not stop.is_set():
            await _change(hands, number)
            number += 1
            await anyio.sleep(1 / CHANGES_A_SECOND)


async def _change(hands: Hands, number: int) -> None:
    key = ObjectKey("console", make_configmap(f"cm-{number % OBJECTS}")["metadata"]["name"])
    await hands.hub.merge_patch(CONFIGMAPS, key, {"data": {"n": str(number)}}, manager="bench")


class Terminal:
    """The master side of a pseudo-terminal."""

    def __init__(self, master: int) -> None:
        self._master = master

    def send(self, keys: str) -> None:
        """Send keys."""
        os.write(self._master, keys.encode())

    def read_for(self, seconds: float) -> int:
        """Read for a while; return how many bytes came."""
        end, count = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            count += len(self._read(left))
        return count

    def read_until(self, text: bytes, within_s: float) -> float:
        """Return the seconds until ``text`` arrives."""
        start, seen = time.perf_counter(), b""
        while text not in seen:
            if time.perf_counter() - start > within_s:
                raise TimeoutError(f"{text!r} did not come within {within_s} s: {seen[-300:]!r}")
            seen += self._read(0.1)
        return time.perf_counter() - start

    def answer_to(self, key: str) -> float:
        """Return the seconds from a key, sent after a quiet moment, to the first byte."""
        while self._read(0.03):
            pass
        start = time.perf_counter()
        self.send(key)
        while not self._read(0.5) and time.perf_counter() - start < 2:
            pass
        return time.perf_counter() - start

    def _read(self, timeout_s: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], timeout_s)
        return os.read(self._master, 65536) if ready else b""


@contextmanager
def _terminal(command: list[str]) -> Iterator[Terminal]:
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.execv(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        yield Terminal(master)
    finally:
        os.kill(pid, 15)
        with _ignored_hang_up():
            while os.read(master, 65536):
                pass
        os.waitpid(pid, 0)
        os.close(master)


@contextmanager
def _ignored_hang_up() -> Iterator[None]:
    try:
        yield
    except OSError:  # Linux says EIO where the other end is closed
        return


def _first_paint(command: list[str]) -> float:
    with _terminal(command) as terminal:
        return terminal.read_until(b"tmc-console", 15)
