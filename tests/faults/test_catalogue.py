"""Every entry that a proxy can inject is injected before real API servers, and told of."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faultproxy import faults

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "faults.md"
ENTRIES = {  # marked P in the catalogue
    "A": (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    "B": (1, 2, 7, 10, 11),
    "C": (1, 10),
    "N": (1, 2, 3, 4, 5, 6, 7, 8, 10),
    "E": (3,),
    "F": (1, 2, 3),
    "G": (1,),
    "H": (1, 2, 3, 5),
}
WANTED = [f"{letter}{number}" for letter, numbers in ENTRIES.items() for number in numbers]


def told() -> dict[str, str]:
    """Return how the page says that a proxy plays each entry."""
    return dict(re.findall(r"(?m)^\| ([A-Z]\d+) \|[^|]*\|(.*)\|$", PAGE.read_text()))


def played() -> dict[str, list[str]]:
    """Return the tests on real API servers by the entries in their names."""
    found: dict[str, list[str]] = {}
    for file in sorted(HERE.glob("test_real_*.py")):
        for name in re.findall(r"(?m)^async def test_(\w+)", file.read_text()):
            for entry in re.findall(r"(?:^|_)([A-Z]\d+)(?=_)", name):
                found.setdefault(entry, []).append(name)
    return found


def test_every_entry_is_played_on_real_servers() -> None:
    assert [entry for entry in WANTED if entry not in played()] == []


def test_the_page_tells_how_each_is_played() -> None:
    assert list(told()) == WANTED


def test_the_page_names_faults_that_the_proxy_has() -> None:
    named = {name for how in told().values() for name in re.findall(r"`([A-Z]\w+)`", how)}

    assert {name for name in named if not hasattr(faults, name)} == set()
    assert {fault.__name__ for fault in faults.Fault.__args__} <= named
