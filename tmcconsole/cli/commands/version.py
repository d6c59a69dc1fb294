"""``tmc-console version``."""

from __future__ import annotations

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments


def run(_arguments: Arguments) -> int:
    """Print the version."""
    print(f"tmc-console {__version__}")
    return 0
