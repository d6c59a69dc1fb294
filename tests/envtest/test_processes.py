"""No server process outlives the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.envtest.processes import DiedError, Process

# Starts a process that would live long, prints its id, and is killed without warning.
KILLED_PARENT = """
import os, pathlib, signal, sys
from tests.envtest.processes import Process
process = Process("sleeper", ("sleep", "300"), pathlib.Path(sys.argv[1]))
process.start()
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def make_process(tmp_path: Path, script: str) -> Process:
    return Process("sample", ("sh", "-c", script), tmp_path / "log")


def test_a_process_dies_with_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.run(
        [sys.executable, "-c", KILLED_PARENT, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    pid = int(parent.stdout)
    deadline = time.monotonic() + 60

    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert parent.returncode == -signal.SIGKILL
    assert not is_alive(pid)


def test_stop_ends_a_process_that_ignores_the_polite_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.envtest.processes.STOP_PATIENCE_S", 0.1)
    process = make_process(tmp_path, "trap '' TERM; echo ready; sleep 300 & wait; wait")
    process.start()
    pid = process.pid
    while "ready" not in process.log.read_text():
        time.sleep(0.01)

    process.stop()

    assert not is_alive(pid)


def test_a_process_that_died_says_what_it_said_last(tmp_path: Path) -> None:
    process = make_process(tmp_path, "echo no such flag; exit 3")
    process.start()

    with pytest.raises(DiedError, match=r"sample ended with status 3:\nno such flag"):
        _check_until_it_raises(process)
    process.stop()


def _check_until_it_raises(process: Process) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        process.check()
        time.sleep(0.01)
