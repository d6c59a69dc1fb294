from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest

from tmcconsole.config.load import load
from tmcconsole.config.settings import (
    ClusterAccess,
    DaemonSettings,
    Settings,
    SyncSettings,
    TargetSettings,
)
from tmcconsole.config.write import to_toml, write_private


def make_settings(folder: Path) -> Settings:
    return Settings(
        hub=ClusterAccess(kubeconfig=folder / "hub.kubeconfig", context="root"),
        targets=(
            TargetSettings("eu", ClusterAccess(in_cluster=True), (("region", "eu"),)),
            TargetSettings("us", ClusterAccess(kubeconfig=Path("/etc/us"))),
        ),
        state_dir=folder / "state",
        sync=SyncSettings(heartbeat_s=12.5, kinds_deny=("jobs.batch",)),
        daemon=DaemonSettings(log_file=folder / "log"),
    )


@pytest.mark.parametrize("everything", [False, True])
def test_what_is_written_loads_to_equal_settings(tmp_path: Path, everything: bool) -> None:
    settings = make_settings(tmp_path)
    file = tmp_path / "c.toml"

    write_private(file, to_toml(settings, beside=tmp_path, everything=everything))

    loaded = load(file, {}, {}, Path("/")).settings
    assert dataclasses.replace(loaded, source=None) == settings


def test_paths_inside_the_folder_are_relative_so_that_it_can_be_moved(tmp_path: Path) -> None:
    document = to_toml(make_settings(tmp_path), beside=tmp_path)

    assert str(tmp_path) not in document


def test_a_written_file_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "new" / "c.toml"

    write_private(file, "one")
    write_private(file, "two")

    assert file.read_text() == "two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["c.toml"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    write_private(file, "old")

    with pytest.raises(UnicodeEncodeError):
        write_private(file, "\ud800")

    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]
