"""Default locations of files, by the XDG base directory specification."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tmcconsole.config.problems import Unusable

FILE_NAME = "tmc-console.toml"


def find_config(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Return the config file to read when no flag names one, or None if there is none.

    ``TMC_CONFIG`` is returned even if the file is missing, so that loading it reports that.
    """
    if named := environ.get("TMC_CONFIG"):
        return (folder / expanded(named)).absolute()
    candidates = [folder / FILE_NAME]
    with suppress(Unusable):  # without a home directory there is none
        candidates.append(config_home(environ) / "config.toml")
    return next((path.absolute() for path in candidates if path.is_file()), None)


def expanded(written: str) -> Path:
    """Return a path with ``~`` as the home directory. Raises ``Unusable``."""
    try:
        return Path(written).expanduser()
    except RuntimeError as error:
        raise Unusable(f"{written}: there is no home directory", "write the path out") from error


def private_folder(folder: Path) -> Path:
    """Return where our own files go: the folder, or one of our own below it if others own it or
    can write to it, as on a volume with an ``fsGroup`` or in /tmp.
    """
    try:
        found = folder.stat()
    except OSError:
        return folder
    if found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return folder
    return folder / private_name() if os.access(folder, os.W_OK) else folder


def private_name() -> str:
    """Return the name of a private folder of this user's, in a folder of others."""
    return f"tmc-console-{os.geteuid()}"


def config_home(environ: Mapping[str, str]) -> Path:
    """Return the directory for the user's configuration and themes. Raises ``Unusable``."""
    return _base(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """Return the directory for history, audit log and socket. Raises ``Unusable``."""
    return _base(environ, "XDG_STATE_HOME", ".local/state")


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    named = environ.get(variable, "")
    # The XDG specification says to ignore relative paths.
    if named.startswith("/"):
        return Path(named) / "tmc-console"
    try:
        return Path.home() / below_home / "tmc-console"
    except RuntimeError as error:
        what = "there is no home directory: HOME is not set, and no passwd entry is ours"
        raise Unusable(what, f"set {variable}, or HOME") from error
