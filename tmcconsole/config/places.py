"""Where things are by default, after the XDG base directory rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "tmc-console.toml"


def find_config(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Return the config file to read when no flag names one; None where there is none.

    ``TMC_CONFIG`` is returned even where the file is missing, so that loading it says so.
    """
    if named := environ.get("TMC_CONFIG"):
        return (folder / Path(named).expanduser()).absolute()
    candidates = (folder / FILE_NAME, config_home(environ) / "config.toml")
    return next((path.absolute() for path in candidates if path.is_file()), None)


def config_home(environ: Mapping[str, str]) -> Path:
    """Return the folder for a person's own configuration and themes."""
    return _base(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """Return the folder for history, audit log and socket."""
    return _base(environ, "XDG_STATE_HOME", ".local/state")


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    named = environ.get(variable, "")
    # The XDG rules have relative paths ignored.
    base = Path(named) if named.startswith("/") else Path.home() / below_home
    return base / "tmc-console"
