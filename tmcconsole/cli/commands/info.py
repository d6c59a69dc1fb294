"""``tmc-console info``: the first things to check when something looks wrong."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.setting import config_file, loaded
from tmcconsole.config.places import config_home, state_home
from tmcconsole.config.problems import Unusable

PACKAGES = ("textual", "rich", "aiohttp", "anyio", "msgspec", "orjson", "kubernetes")


def run(arguments: Arguments) -> int:
    """Print paths, versions, and what this terminal supports."""
    pairs = [*_versions(), *_paths(arguments), *_terminal()]
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        print(f"{name:<{width}}  {value}")
    return 0


def _versions() -> Iterator[tuple[str, str]]:
    yield "tmc-console", __version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    for package in PACKAGES:
        yield package, metadata.version(package)


def _paths(arguments: Arguments) -> Iterator[tuple[str, str]]:
    yield "config file", str(config_file(arguments) or "none found")
    yield "config directory", str(_place(config_home))
    yield "state directory", _state_dir(arguments)
    yield "program", str(Path(__file__).parents[2])


def _state_dir(arguments: Arguments) -> str:
    """Return where the state is kept with this config; why that is unknown if it is wrong."""
    try:
        return str(loaded(arguments).settings.state_dir)
    except CommandFailure as error:
        if config_file(arguments) is not None:
            return f"not known: {one_line(error)}"
        state = arguments.settings.get("state_dir") or os.environ.get("TMC_STATE_DIR")
        return str(Path(state).absolute() if state else _place(state_home))


def _terminal() -> Iterator[tuple[str, str]]:
    size = shutil.get_terminal_size()
    yield "terminal", os.environ.get("TERM", "not set")
    yield "size", f"{size.columns} x {size.lines}" if sys.stdout.isatty() else "not a terminal"
    yield "colours", _colours()
    encoding = (sys.stdout.encoding or "").lower()
    yield "characters", "UTF-8" if encoding == "utf-8" else f"{encoding}; use --ascii"
    yield "multiplexer", _multiplexer()


def _colours() -> str:
    if os.environ.get("NO_COLOR"):
        return "none (NO_COLOR is set)"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million"
    return "256" if "256" in os.environ.get("TERM", "") else "16 or more"


def _multiplexer() -> str:
    found = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}
    return next((name for variable, name in found.items() if variable in os.environ), "none")


def _place(of: Callable[[Mapping[str, str]], Path]) -> str:
    try:
        return str(of(os.environ))
    except Unusable as error:
        return f"none: {error}"
