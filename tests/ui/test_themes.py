"""Theme files: everyone can read the bundled ones, and mistakes are reported by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tmcconsole.ui.style.themes import (
    FALLBACK,
    MIN_CONTRAST,
    ThemeError,
    bundled_dir,
    contrasts,
    load_themes,
    read_theme,
)

GOOD = """name = "mine"
primary = "#7cb7e8"
secondary = "#a3a3a3"
accent = "#c3a6e6"
success = "#74c795"
warning = "#e3b768"
error = "#f58a84"
foreground = "#ffffff"
background = "#000000"
surface = "#000000"
panel = "#101010"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_the_bundled_themes_all_load() -> None:
    found = load_themes((bundled_dir(),))

    assert found.problems == ()
    assert {FALLBACK, "tmc-light", "high-contrast", "colour-blind", "mono", "ansi"} == set(
        found.themes
    )


@pytest.mark.parametrize("name", ["tmc-dark", "tmc-light", "high-contrast", "colour-blind", "mono"])
def test_every_text_has_contrast(name: str) -> None:
    theme = load_themes((bundled_dir(),)).themes[name]
    least = 7.0 if name == "high-contrast" else MIN_CONTRAST

    assert min(contrasts(theme).values()) >= least


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + 'colour = "red"\n', "mine.toml:12: unknown key 'colour'"),
        (GOOD + '[variables]\nstate-fine = "red"\n', "mine.toml:13: unknown variable 'state-fine'"),
        (GOOD.replace("#c3a6e6", "#c3a6"), "mine.toml:4: accent = '#c3a6q' is not a colour"),
        (GOOD.replace("#a3a3a3", "#303030"), "mine.toml:1: state-stale on background"),
        (GOOD + "[variables", "mine.toml: "),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text.replace('"#c3a6"', '"#c3a6q"'))

    with pytest.raises(ThemeError) as caught:
        read_theme(path)

    assert message in str(caught.value)


def test_one_wrong_file_does_not_take_the_others_along(tmp_path: Path) -> None:
    write(tmp_path, GOOD + "x = 1\n")
    (tmp_path / "other.toml").write_text(GOOD.replace("mine", "other"))

    found = load_themes((tmp_path,))

    assert list(found.themes) == ["other"]
    assert len(found.problems) == 1
