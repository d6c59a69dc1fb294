"""Runs the console on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tmcconsole.cli.failure import CommandFailure
from tmcconsole.config.places import config_home
from tmcconsole.config.problems import Unusable
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.link import EngineLink
from tmcconsole.runtime import monotonic_clock, wall_clock


def show(
    link: EngineLink | None,
    settings: ConsoleSettings,
    *,
    link_mode: str,
    on_quit: str,
    open_link: Callable[[], Awaitable[EngineLink]] | None,
) -> int:
    """Run the console until the user quits; return its exit code. Raises ``CommandFailure`` without
    a tty.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandFailure("not a terminal; use tmc-console run, or demo --headless, without one")
    from tmcconsole.ui.app import ConsoleApp, run_console

    app = ConsoleApp(
        link,
        drawable(settings, getattr(sys.__stderr__, "encoding", None)),
        link_mode=link_mode,
        on_quit=on_quit,
        clock=wall_clock,
        monotonic=monotonic_clock,
        open_link=open_link,
        theme_dirs=_theme_dirs(),
    )
    if app.unknown_theme:
        raise CommandFailure(app.unknown_theme)
    return run_console(app)


def _theme_dirs() -> tuple[Path, ...]:
    """Return where the user's own themes are: nowhere without a home."""
    try:
        return (config_home(os.environ) / "themes",)
    except Unusable:
        return ()


def drawable(settings: ConsoleSettings, encoding: str | None) -> ConsoleSettings:
    """Return the settings with ASCII signs where the terminal's encoding has no others."""
    try:
        "●✗⊘▐…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return replace(settings, ascii_only=True)
    return settings
