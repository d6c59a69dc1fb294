from __future__ import annotations

from pathlib import Path

from tmcconsole.config.places import find_config, state_home


def test_the_named_file_then_the_folders_then_the_home_is_used(tmp_path: Path) -> None:
    home, here = tmp_path / "xdg", tmp_path / "here"
    (home / "tmc-console").mkdir(parents=True)
    here.mkdir()
    environ = {"XDG_CONFIG_HOME": str(home)}

    assert find_config(environ, here) is None

    (home / "tmc-console" / "config.toml").touch()
    assert find_config(environ, here) == home / "tmc-console" / "config.toml"

    (here / "tmc-console.toml").touch()
    assert find_config(environ, here) == here / "tmc-console.toml"

    named = {**environ, "TMC_CONFIG": "other.toml"}
    assert find_config(named, here) == here / "other.toml"


def test_a_relative_base_folder_is_ignored() -> None:
    assert state_home({"XDG_STATE_HOME": "rel"}) == Path.home() / ".local/state/tmc-console"
