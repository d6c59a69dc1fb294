"""The program as processes: the demo's child, the daemon, and what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio
import pytest

from tmcconsole.cli.arguments import parse
from tmcconsole.cli.child import SimChild
from tmcconsole.cli.commands.demo import Demo
from tmcconsole.cli.failure import CommandFailure
from tmcconsole.contract.commands import Accepted, SimFault
from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import EngineRecord, HistoryRecord
from tmcconsole.daemon.follow import Follower
from tmcconsole.daemon.printer import Document, document, is_settled

PATIENCE_S = 60.0  # for a busy machine; nothing here is a promise about time
QUIET = ["--names", "eu,us", "--scenario", "quiet"]


def is_running(pid: int) -> bool:
    """Return whether a process runs; an ended one does not, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_ended(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


async def settled(link: EngineLink, board: Follower) -> Document:
    """Return the document once all is in sync."""
    with anyio.fail_after(PATIENCE_S):
        while True:
            await board.pull(link)
            status = document(board)
            if is_settled(status):
                return status
            await anyio.sleep(0.1)


def test_the_demo_puts_everything_in_sync_and_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = parse(["demo", "--scenario", "quiet", "--seed", "7"])
    assert arguments is not None
    board = Follower()

    with ExitStack() as stack:
        link = Demo(arguments, tmp_path).start(stack)
        status = anyio.run(settled, link, board)
        broken = anyio.run(link.request, SimFault(target="eu-west", fault="outage"))
        refused = anyio.run(link.request, SimFault(target="mars", fault="outage"))

    assert [target["name"] for target in status["targets"]] == ["ap-south", "eu-west", "us-east"]
    assert isinstance(broken, Accepted)
    assert not isinstance(refused, Accepted)
    assert any("kubectl --kubeconfig" in note for note in notes(board))
    assert any(record.event == "Story" for record in board.of(HistoryRecord))
    assert not (tmp_path / "state" / "engine.sock").exists()


def notes(board: Follower) -> tuple[str, ...]:
    return next(board.of(EngineRecord)).notes


def test_the_clusters_end_when_the_demo_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from tmcconsole.cli.child import SimChild; "
        f"child = SimChild(pathlib.Path({str(tmp_path)!r}), {QUIET!r}); child.start(); "
        "print(child.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()

    assert wait_until_ended(child)


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        SimChild(tmp_path, ["--clusters", "99"]) as child,
        pytest.raises(CommandFailure, match=r"did not start: .*write 1 to 32"),
    ):
        child.start()


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon on a config; yields once it serves its socket."""
    command = [sys.executable, "-m", "tmcconsole", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        try:
            said = []
            for line in daemon.stderr:
                said.append(line)
                if " started" in line:
                    break
            else:
                pytest.fail("".join(said))
            yield daemon
        finally:
            daemon.kill()


def ask(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tmcconsole", "status", "-o", "json", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_the_daemon_serves_its_status_drains_on_sigterm_and_the_hub_remembers(
    tmp_path: Path,
) -> None:
    with SimChild(tmp_path, QUIET) as child:
        config = Path(child.start()["config"])
        with running(config) as daemon:
            second = subprocess.run(
                [sys.executable, "-m", "tmcconsole", "run", "--config", str(config)],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            status = status_when_settled(config)
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(PATIENCE_S)
        from_hub = ask(config)

    assert code == 0
    assert second.returncode == 1
    assert "an engine already runs on" in second.stderr
    assert [target["name"] for target in status["targets"]] == ["eu", "us"]
    assert status["objects"]["in_sync"] == status["objects"]["placed"] > 0
    assert "this is what the hub reports" in from_hub.stderr
    told = json.loads(from_hub.stdout)
    assert [target["name"] for target in told["targets"]] == ["eu", "us"]
    assert told["objects"] == dict.fromkeys(
        ("placed", "in_sync", "pending", "failed", "held", "stale")
    )
    assert not (tmp_path / "state" / "engine.sock").exists()


def status_when_settled(config: Path) -> Document:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        result = ask(config)
        assert result.stderr == ""
        status: Document = json.loads(result.stdout)
        if is_settled(status) and result.returncode == 0:
            return status
        counts = status["objects"]
        is_well = counts["placed"] == counts["in_sync"]  # nothing is placed yet
        assert result.returncode in ((0, 3, 4) if is_well else (3, 4)), status
        assert time.monotonic() < deadline, status
        time.sleep(0.2)


def test_a_target_without_kubeconfig_is_its_own_problem_only(tmp_path: Path) -> None:
    with SimChild(tmp_path, QUIET) as child:
        config = Path(child.start()["config"])
        (tmp_path / "us.kubeconfig").unlink()
        with running(config):
            status = status_when_ready(config, "eu")

    broken = next(target for target in status["targets"] if target["name"] == "us")
    assert not broken["ready"]
    assert [one["what"] for one in status["unknown"]] == ["us"]
    assert "us.kubeconfig" in broken["message"]


def status_when_ready(config: Path, name: str) -> Document:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        result = ask(config)
        assert (result.returncode, result.stderr) == (4, "")  # one target does not respond
        status: Document = json.loads(result.stdout)
        ready = {target["name"]: target["ready"] for target in status["targets"]}
        if ready.get(name) and len(ready) == 2:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.2)


def test_an_unreachable_hub_is_one_clear_line(tmp_path: Path) -> None:
    with SimChild(tmp_path, QUIET) as child:
        config = Path(child.start()["config"])

    result = ask(config)

    assert result.returncode == 4
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("hub: ")


def test_the_demo_is_told_when_its_clusters_have_ended(tmp_path: Path) -> None:
    with SimChild(tmp_path, QUIET) as child:
        child.start()
        os.kill(child.pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_S
        told: list[str] = []
        while not any("have ended" in text for text in told) and time.monotonic() < deadline:
            time.sleep(0.05)
            told = [text for _, _, text in child.story()]

    assert "the simulated clusters have ended" in told[-1]
