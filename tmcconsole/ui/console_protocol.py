"""What screens and orders ask of the console."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import Lines
from tmcconsole.ui.subject import Subject


class Console(Protocol):
    """What screens and orders ask of the app, which they never import."""

    session: Session

    @property
    def all_themes(self) -> Iterable[str]:
        """Return the names of all themes, Textual's too."""
        ...

    @property
    def own_themes(self) -> Iterable[str]:
        """Return the names of the themes read from files."""
        ...

    def choose_theme(self, name: str) -> None:
        """Draw in another theme, one of ``all_themes``."""
        ...

    def set_rate(self, hz: float) -> None:
        """Draw this often, within the limits."""
        ...

    def export_picture(self, path: Path) -> None:
        """Write the screen as SVG. Raises ``OSError``."""
        ...

    def copy(self, text: str) -> None:
        """Give a text to the terminal's clipboard. Raises ``ValueError`` where it is too long."""
        ...

    def show_text(self, title: str, lines: Callable[[int], Lines]) -> None:
        """Open a screen of text; ``lines`` is asked with the width in columns."""
        ...

    def action_help(self) -> None:
        """Show the keys of this screen."""
        ...

    def action_clear(self) -> None:
        """Clear filter and marks of the top list."""
        ...

    def action_ask_quit(self) -> None:
        """Ask to quit, from anywhere."""
        ...

    def open_mode(self, mode: str, filter: str = "") -> None:
        """Show a screen, with a filter if one is given."""
        ...

    def obey(self, line: str) -> None:
        """Execute a command line."""
        ...

    def operate(self, act: str, subject: Subject) -> None:
        """Start one of the operator's actions."""
        ...

    def drill(self, record: object) -> None:
        """Open what a row leads to."""
        ...

    def flash_back(self, text: str, tone: str) -> None:
        """Show a message on the screen below the top one, which is about to close."""
        ...

    async def ask_quit(self) -> None:
        """Ask whether to quit, and quit."""
        ...

    def completions(self, line: str) -> tuple[str, ...]:
        """Return possible completions of a command line."""
        ...
