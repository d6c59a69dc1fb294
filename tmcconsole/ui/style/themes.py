"""Themes as TOML files: parsed, checked line by line, and converted to Textual's.

A file names its colours by role; missing ones come from its palette. An invalid file is reported
with its line and skipped; it never stops the console.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

MIN_CONTRAST: Final = 4.5  # WCAG AA for text
FALLBACK: Final = "tmc-dark"

PALETTE: Final = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
# Our variables, and the palette entry to use if a theme does not set one.
VARIABLES: Final = {
    "state-synced": "success",
    "state-pending": "primary",
    "state-drift": "warning",
    "state-failed": "error",
    "state-stale": "secondary",
    "state-paused": "accent",
    "state-cordoned": "secondary",
    "text-dim": "secondary",
    "text-strong": "foreground",
    "text-title": "primary",
    "text-key": "accent",
    "text-info": "primary",
    "rule": "panel",
    "cursor": "panel",
    "cursor-blurred": "surface",
    "mark": "surface",
    "head": "surface",
}
_FLAGS: Final = ("name", "dark", "ansi", "variables")
_TEXT_ON_BACKGROUND: Final = tuple(
    name for name in VARIABLES if name.startswith(("state-", "text-"))
)
_GROUNDS: Final = ("background", "cursor", "head")


class ThemeError(ValueError):
    """A theme file is invalid; the message has the file, the line and the fix."""


@dataclass(frozen=True, slots=True)
class ThemeSet:
    """All valid themes, and one message for each invalid file."""

    themes: Mapping[str, Theme]
    problems: tuple[str, ...]


def bundled_dir() -> Path:
    """Return the directory of the bundled themes."""
    packaged = Path(__file__).resolve().parents[2] / "themes"
    return packaged if packaged.is_dir() else packaged.parents[1] / "themes"


def load_themes(directories: tuple[Path, ...]) -> ThemeSet:
    """Return the themes in ``directories``; a later one replaces an earlier of the same name."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for directory in directories:
        for path in sorted(directory.glob("*.toml")):
            try:
                theme = read_theme(path)
            except ThemeError as error:
                problems.append(str(error))
            else:
                themes[theme.name] = theme
    return ThemeSet(themes, tuple(problems))


def read_theme(path: Path) -> Theme:
    """Return the theme in a file. Raises ``ThemeError``."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ThemeError(f"{path}: {error}") from error
    _check_keys(path, text, data)
    colours: dict[str, Any] = {name: str(data[name]) for name in PALETTE if name in data}
    variables = {name: str(value) for name, value in data.get("variables", {}).items()}
    for name, value in (colours | variables).items():
        _check_colour(path, text, name, value)
    if "primary" not in colours:
        raise ThemeError(f"{path}: primary is missing: every theme needs it, and a name")
    theme = Theme(
        name=str(data.get("name", path.stem)),
        dark=bool(data.get("dark", True)),
        ansi=bool(data.get("ansi", False)),
        variables=_terminal_variables(data) | variables,
        primary=colours.pop("primary"),
        **colours,
    )
    _check_contrast(path, text, theme)
    return theme


def _terminal_variables(data: dict[str, Any]) -> dict[str, str]:
    """Return the variables that Textual's own styles need in a theme of terminal colours."""
    if not data.get("ansi"):
        return {}
    like = "ansi-dark" if data.get("dark", True) else "ansi-light"
    return dict(BUILTIN_THEMES[like].variables)


def variables_of(theme: Theme) -> dict[str, str]:
    """Return our variables for any theme, from its palette if it does not set them."""
    fallback = "ansi_default" if theme.ansi else "#888888"
    return {
        name: theme.variables.get(name) or getattr(theme, stand_in) or theme.primary or fallback
        for name, stand_in in VARIABLES.items()
    }


def contrasts(theme: Theme) -> dict[tuple[str, str], float]:
    """Return the contrast of each text variable on each ground. Empty for terminal colours."""
    if theme.ansi:
        return {}
    colours = variables_of(theme) | {
        "foreground": str(theme.foreground),
        "background": str(theme.background),
    }
    return {
        (ink, ground): contrast(Color.parse(colours[ink]), Color.parse(colours[ground]))
        for ink in ("foreground", *_TEXT_ON_BACKGROUND)
        for ground in _GROUNDS
    }


def contrast(one: Color, other: Color) -> float:
    """Return the WCAG contrast ratio of two opaque colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _check_keys(path: Path, text: str, data: dict[str, Any]) -> None:
    for key in data:
        if key not in _FLAGS and key not in PALETTE:
            raise _error(path, text, key, f"unknown key {key!r}")
    variables = data.get("variables", {})
    if not isinstance(variables, dict):
        raise _error(path, text, "variables", "variables is a table: [variables]")
    for key in variables:
        if key not in VARIABLES:
            raise _error(path, text, key, f"unknown variable {key!r}")


def _check_colour(path: Path, text: str, name: str, value: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError as error:
        raise _error(path, text, name, f"{name} = {value!r} is not a colour") from error


def _check_contrast(path: Path, text: str, theme: Theme) -> None:
    if not theme.ansi and (theme.foreground is None or theme.background is None):
        raise ThemeError(f"{path}: foreground and background are missing")
    for (name, ground), ratio in contrasts(theme).items():
        if ratio < MIN_CONTRAST:
            raise _error(
                path, text, name, f"{name} on {ground} has contrast {ratio:.1f}; {MIN_CONTRAST} is"
                " the minimum",
            )  # fmt: skip


def _error(path: Path, text: str, key: str, message: str) -> ThemeError:
    wanted = re.compile(rf"^\s*\[?\"?{re.escape(key)}\b")
    lines = enumerate(text.splitlines(), 1)
    line = next((number for number, content in lines if wanted.match(content)), 1)
    return ThemeError(f"{path}:{line}: {message}")
