from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tmcconsole.cli import main
from tmcconsole.config.load import load

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: one
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: one, context: {cluster: k}}, {name: two, context: {cluster: k}}]
"""


def enter(line: str) -> int:
    return main(line.split())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    (tmp_path / "k").write_text(KUBECONFIG)
    return tmp_path


def test_init_writes_a_private_config_that_loads(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = enter("init --hub k#two --target eu=k --target us=k#one --config c.toml")

    settings = load(folder / "c.toml", {}, {}, folder).settings
    assert code == 0
    assert settings.hub.kubeconfig == folder / "k"
    assert settings.hub.context == "two"
    assert [target.name for target in settings.targets] == ["eu", "us"]
    assert stat.S_IMODE((folder / "c.toml").stat().st_mode) == 0o600
    assert f"wrote {folder}/c.toml" in capsys.readouterr().out


def test_init_replaces_nothing_unless_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c.toml").write_text("mine")
    line = "init --hub k --target eu=k --config c.toml"

    assert enter(line) == 1
    assert (folder / "c.toml").read_text() == "mine"
    assert "--force replaces it" in capsys.readouterr().err
    assert enter(f"{line} --force") == 0


def test_init_names_every_missing_file_and_context(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other").write_text("just: yaml")
    line = "init --hub nix --target eu=k#three --target us=other --config c.toml"

    code = enter(line)

    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        f"--hub: {folder}/nix: No such file or directory; name the cluster's kubeconfig",
        f"--target eu: {folder}/k: no context 'three'; it has: one, two",
        f"--target us: {folder}/other: not a kubeconfig (no contexts in it); "
        "name the cluster's kubeconfig",
    ]
    assert not (folder / "c.toml").exists()


def test_config_check_reports_missing_kubeconfigs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enter("init --hub k --target eu=k --config tmc-console.toml")
    assert main(["config", "check"]) == 0
    (folder / "k").unlink()
    capsys.readouterr()

    assert main(["config", "check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"hub: {folder}/k: No such file or directory; name the cluster's kubeconfig",
        f"target eu: {folder}/k: No such file or directory; name the cluster's kubeconfig",
    ]


def test_a_list_of_kubeconfigs_is_one_access(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "home").mkdir()
    (folder / "home" / "second").write_text(KUBECONFIG.replace("one", "three"))

    code = enter("init --hub k:missing:~/second#three --target eu=k: --config c.toml")

    settings = load(folder / "c.toml", {}, {}, folder).settings
    assert code == 0, capsys.readouterr().err
    assert settings.hub.kubeconfig == Path(f"{folder}/k:{folder}/missing:{folder}/home/second")
    assert settings.hub.context == "three"
    assert settings.targets[0].access.kubeconfig == folder / "k"


def test_config_check_prints_each_problem_on_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tmc-console.toml").write_text("[hub]\ncontex = 'x'\n[sync]\nworkers = 0\n")

    code = main(["config", "check"])

    assert code == 1
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "hub.contex",
        "sync.workers",
        "targets",
    ]


def test_config_show_prints_where_each_value_came_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    enter("init --hub k --target eu=k --config tmc-console.toml")
    monkeypatch.setenv("TMC_SYNC_WORKERS", "3")
    capsys.readouterr()

    main(["config", "show", "--theme", "mono"])

    lines = capsys.readouterr().out.splitlines()
    assert "workers = 3  # TMC_SYNC_WORKERS" in lines
    assert 'theme = "mono"  # flag for console.theme' in lines
    assert 'heartbeat = "20s"  # default' in lines
    assert f'kubeconfig = "{folder}/k"  # {folder}/tmc-console.toml:4' in lines


def test_what_config_show_prints_loads_to_the_same_settings(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enter("init --hub k --target eu=k --config tmc-console.toml")
    capsys.readouterr()
    main(["config", "show"])
    (folder / "again.toml").write_text(capsys.readouterr().out)

    first, again = (
        load(folder / name, {}, {}, folder).settings for name in ("tmc-console.toml", "again.toml")
    )

    assert (first.hub, first.targets, first.sync) == (again.hub, again.targets, again.sync)


@pytest.mark.parametrize("command", ["run", "status", "config check", ""])
def test_without_a_config_the_ways_to_get_one_are_named(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = enter(command)

    err = capsys.readouterr().err
    assert code == 1
    assert "or try tmc-console demo" in err
    assert "init --hub" in err
    assert err.count("\n") == 1


def test_the_console_refuses_what_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    enter("init --hub k --target eu=k --config tmc-console.toml")

    assert main([]) == 1
    assert "not a terminal; use tmc-console run" in capsys.readouterr().err


def test_attach_without_an_engine_says_how_to_start_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attach", "none.sock"]) == 1
    assert capsys.readouterr().err == (
        f"no engine answers at {folder}/none.sock; start one with tmc-console run\n"
    )


def test_info_needs_no_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0

    names = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert {"tmc-console", "python", "config file", "terminal"} <= set(names)
