"""A terminal that cannot draw our symbols gets ASCII automatically."""

from __future__ import annotations

import pytest

from tmcconsole.cli.screen import drawable
from tmcconsole.config.settings import ConsoleSettings


@pytest.mark.parametrize(("encoding", "ascii_only"), [
    ("utf-8", False), ("latin-1", True), ("ascii", True), ("nosuch", True), (None, True),
])  # fmt: skip
def test_signs_are_ascii_where_the_encoding_has_no_others(
    encoding: str | None, ascii_only: bool
) -> None:
    assert drawable(ConsoleSettings(), encoding).ascii_only is ascii_only
