"""How processes end, and the files and streams that somebody else made, closed, filled or owns."""

from __future__ import annotations

import logging
import os
import pwd
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from tests.signals import hear_signals
from tmcconsole.cli import main
from tmcconsole.config.places import private_folder
from tmcconsole.contract.link import LinkLost
from tmcconsole.daemon import logs
from tmcconsole.daemon.logs import logging_to
from tmcconsole.daemon.socket_client import RemoteEngine
from tmcconsole.daemon.socket_server import SocketTaken, claim

PATIENCE_S = 60.0  # for a busy machine
PROGRAM = [sys.executable, "-m", "tmcconsole"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config whose clusters do not exist."""
    file = tmp_path / "config.toml"
    file.write_text(
        f'state_dir = "{tmp_path}/state"\n[hub]\nkubeconfig = "k"\n[[targets]]\nname = "eu"\n'
        f'kubeconfig = "k"\n[daemon]\nlog_file = "{tmp_path}/log"\n'
    )
    return file


@contextmanager
def daemon(
    config: Path, start: Callable[[], None] = hear_signals
) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon; yields once it serves its socket."""
    with subprocess.Popen(
        [*PROGRAM, "run", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=start,  # one thread
    ) as process:
        try:
            wait_for(config.parent / "log", " started ", process)
            yield process
        finally:
            process.kill()


def wait_for(log: Path, words: str, process: subprocess.Popen[str], times: int = 1) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while (text := log.read_text() if log.exists() else "").count(words) < times:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return text


def test_what_the_parent_ignores_stays_ignored_and_the_end_names_its_signal(config: Path) -> None:
    def as_nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with daemon(config, as_nohup) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_S)

    text = (config.parent / "log").read_text()
    assert code == 0
    assert "stopping signal=SIGTERM" in text
    assert "reloading" not in text


def test_a_hangup_reloads_the_config_and_a_wrong_one_changes_nothing(config: Path) -> None:
    log = config.parent / "log"
    with daemon(config) as process:
        config.write_text(config.read_text() + "log_format = 'wrong'\n")
        process.send_signal(signal.SIGHUP)
        wait_for(log, "not reloaded: ", process)
        config.write_text(config.read_text().replace("'wrong'", "'json'"))
        process.send_signal(signal.SIGHUP)
        text = wait_for(log, '"message":"started"', process)
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE_S)

    assert code == 0
    assert "reloading signal=SIGHUP" in text
    assert '"signal":"SIGINT"' in log.read_text()


def test_a_log_that_was_moved_away_is_begun_anew_and_a_full_one_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, moved = tmp_path / "log", tmp_path / "log.moved"
    with logging_to(file, level="info", log_format="text") as log:
        log.info("first")
        wait_until(lambda: file.read_text().endswith("first\n"))
        file.rename(moved)
        log.info("second")
        wait_until(lambda: file.exists() and file.read_text().endswith("second\n"))
        monkeypatch.setattr(logs, "MAX_BYTES", 10)
        log.info("third")
        wait_until((tmp_path / "log.1").exists)
        monkeypatch.undo()
        log.info("fourth")
        wait_until(file.exists)

    assert moved.read_text().endswith("first\n")
    assert "third" in (tmp_path / "log.1").read_text()
    assert stat.S_IMODE((tmp_path / "log.1").stat().st_mode) == 0o600


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_log_on_a_full_disk_ends_nothing() -> None:
    with logging_to(Path("/dev/full"), level="info", log_format="text") as log:
        log.info("lost")
    logging.getLogger("tmcconsole").info("still here")


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"], ids=["full", "closed"])
@pytest.mark.parametrize("command", ["info", "--version", "config show --config CONFIG"])
def test_a_stdout_that_takes_nothing_is_one_line_and_an_exit_code(
    config: Path, command: str, stdout: str
) -> None:
    line = f"{' '.join(PROGRAM)} {command.replace('CONFIG', str(config))} {stdout}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("tmc-console: cannot write to stdout: ")


def test_only_a_socket_is_ever_removed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    precious = tmp_path / "state" / "notes.txt"
    precious.write_text("mine")

    with pytest.raises(SocketTaken, match=r"notes.txt is there and is no socket; set daemon"):
        claim(precious).__enter__()

    assert precious.read_text() == "mine"


def test_in_a_folder_of_others_ours_is_a_private_one_below(config: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o2777)

    with daemon(config):
        own = private_folder(state)
        assert (own / "engine.sock").exists()

    assert own == state / f"tmc-console-{os.geteuid()}"
    assert stat.S_IMODE(own.stat().st_mode) & 0o777 == 0o700
    assert {one.name for one in state.iterdir()} == {own.name}
    assert stat.S_IMODE((own / "replica").stat().st_mode) == 0o600


def test_without_a_home_what_needs_none_runs_and_the_rest_says_so(
    tmp_path: Path,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.chdir(tmp_path)

    assert main(["info"]) == 0
    assert "there is no home directory" in capsys.readouterr().out
    assert main(["config", "show", "--config", str(config)]) == 0
    config.write_text(config.read_text().partition("\n")[2])
    capsys.readouterr()
    for line in (["config", "check", "--config", str(config)], ["--config", "~/x", "status"]):
        assert main(line) == 1
        said = capsys.readouterr().err
        assert "there is no home directory" in said
        assert said.count("\n") == 1


def test_an_engine_of_somebody_else_is_not_told_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    path = tmp_path / "engine.sock"
    path.touch()
    os.chown(path, 12345, 12345)

    async def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("asyncio.open_unix_connection", refuse)

    async def open_it() -> None:
        await RemoteEngine.open(path, version="1")

    with pytest.raises(LinkLost, match="permission denied, it belongs to uid 12345"):
        anyio.run(open_it)


def test_what_a_config_holds_reaches_no_terminal_as_it_is(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text() + '"lev\\u001b]0;owned\\u0007el" = "x"\n')

    assert main(["config", "check", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert "owned" in said
    assert "\x1b" not in said
    assert "\x07" not in said
