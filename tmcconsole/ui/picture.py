"""The screen as an SVG picture that every viewer renders alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from textual.app import App

CELL: Final = 12.2  # pixels per column in Rich's SVG
_TEXT: Final = re.compile(
    r'(<text class="[^"]*" x=")([\d.]+)(" y="[^"]*" textLength=")([\d.]+)("[^>]*>)((?:&#160;)+)'
)
_BLANK: Final = "&#160;"


def export_svg(app: App[Any], path: Path) -> None:
    """Write the screen of a running app as SVG. Raises ``OSError``."""
    path.write_text(picture(app), encoding="utf-8")


def picture(app: App[Any]) -> str:
    """Return the screen as SVG; leading blanks become positions, since some viewers drop them."""
    return _TEXT.sub(_moved, app.export_screenshot(title="tmc-console"))


def _moved(match: re.Match[str]) -> str:
    head, x, middle, length, tail, blanks = match.groups()
    shift = CELL * (len(blanks) // len(_BLANK))
    left = max(CELL, float(length) - shift)
    return f"{head}{float(x) + shift:.1f}{middle}{left:.1f}{tail}"
