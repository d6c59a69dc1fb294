"""The tiers together are every test, the Makefile runs each once, and the pages tell its goals."""

from __future__ import annotations

import re

import pytest

from tests.tiers import HERE, TIER_OF, TIERS, tier_of_file

ROOT = HERE.parent


def tiers_run_by(goal: str) -> list[str]:
    """Return the tiers that a goal of the Makefile names in its own recipe."""
    recipes = re.findall(rf"(?m)^{goal}:.*\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text())
    assert len(recipes) == 1
    return [tier for words in re.findall(r" -m (.*)", recipes[0]) for tier in _tiers_in(words)]


def _tiers_in(words: str) -> list[str]:
    return [word for word in re.findall(r"\w+", words) if word in TIERS]


def test_every_file_of_tests_is_in_a_tier() -> None:
    files = [file for file in HERE.rglob("test_*.py") if "cache" not in file.parts]

    assert len(files) > 150
    assert {tier_of_file(file) for file in files} == set(TIERS)


def test_what_is_said_to_be_in_a_tier_is_there() -> None:
    assert [place for place in TIER_OF if not (HERE / place).exists()] == []


def test_a_file_in_a_new_folder_is_in_no_tier_until_somebody_says_so() -> None:
    with pytest.raises(LookupError, match="name its folder"):
        tier_of_file(HERE / "new" / "test_new.py")


def test_make_check_runs_each_tier_once() -> None:
    assert re.search(r"(?m)^check: test rest$", (ROOT / "Makefile").read_text())
    assert sorted(tiers_run_by("test") + tiers_run_by("rest")) == sorted(TIERS)
    assert tiers_run_by("quick") == ["quick"]


def test_ci_runs_what_make_check_runs() -> None:
    goals = re.findall(r"(?m)^\s*make (?:--[\w-]+ )*(\w+)", (ROOT / ".ci" / "run").read_text())

    assert goals == ["test", "rest"]


def test_the_pages_tell_every_goal_and_no_other() -> None:
    goal = re.compile(r"(?m)(?:`|^ {4})make ([a-z]+)")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    told = {name for page in pages for name in goal.findall(page.read_text())}

    assert told == set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    assert {"demo", "test", "quick", "check"} <= set(goal.findall((ROOT / "README.md").read_text()))
