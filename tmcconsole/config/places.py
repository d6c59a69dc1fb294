"""Default locations of files, by the XDG base directory specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "tmc-console.toml"


def find_config(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Return the config file to read when no flag names one, or None if there is none.

    ``TMC_CONFIG`` is returned even if the file is missing, so that loading it reports that.
    """
    if named := environ.get("TMC_CONFIG"):
        return (folder / Path(named).expanduser()).absolute()
    candidates = (folder / FILE_NAME, config_home(environ) / "config.toml")
    return next((path.absolute() for path in candidates if path.is_file()), None)


def config_home(environ: Mapping[str, str]) -> Path:
    """Return the directory for the user's configuration and themes."""
    return _base(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """Return the directory for history, audit log and socket."""
    return _base(environ, "XDG_STATE_HOME", ".local/state")


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    named = environ.get(variable, "")
    # The XDG specification says to ignore relative paths.
    base = Path(named) if named.startswith("/") else Path.home() / below_home
    return base / "tmc-console"
