"""Every entry of the fault catalogue is tested, on simulated and on real API servers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.faultproxy import faults

HERE = Path(__file__).parent
TESTS = HERE.parent
PAGE = TESTS.parent / "docs" / "faults.md"
BY_PROXY = {  # marked P in the catalogue
    "A": (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    "B": (1, 2, 7, 10, 11),
    "C": (1, 10),
    "N": (1, 2, 3, 4, 5, 6, 7, 8, 10),
    "E": (3,),
    "F": (1, 2, 3),
    "G": (1,),
    "H": (1, 2, 3, 5),
}
BY_HAND = {  # the other entries that are tested on both
    "A": (5,),
    "B": (3, 4, 5, 6, 8, 9, 12, 13, 14),
    "C": (2, 3, 4, 5, 6, 7, 8, 9, 11, 12),
    "E": (2,),
    "F": (4,),
    "H": (6, 7, 9),
}
ON_BOTH = {"A": range(1, 16), "B": range(1, 15), "C": range(1, 13), "E": (2, 3), "F": (3, 4)}
ENGINE = ("faults", "engine", "simulation")  # they run the whole engine on simulated servers
REAL = re.compile(r"(?m)^pytestmark = .*\bpytest\.mark\.envtest\b")


def named(entries: Mapping[str, Iterable[int]]) -> list[str]:
    return [f"{letter}{number}" for letter, numbers in entries.items() for number in numbers]


WANTED = named({**ON_BOTH, "H": (5, 6, 7, 9)})


def told(heading: str) -> dict[str, str]:
    """Return how a section of the page says that each entry is tested."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"(?m)^\| ([A-Z]\d+) \|[^|]*\|(.*)\|$", section))


def played(*folders: str, on_real: bool) -> dict[str, list[str]]:
    """Return the tests by the entries in their names, of marked files or of the others."""
    found: dict[str, list[str]] = {}
    for file in sorted(path for folder in folders for path in (TESTS / folder).glob("test_*.py")):
        text = file.read_text()
        if bool(REAL.search(text)) is not on_real:
            continue
        for name in re.findall(r"(?m)^async def test_(\w+)", text):
            for entry in re.findall(r"(?:^|_)([A-Z]\d+)(?=_)", name):
                found.setdefault(entry, []).append(name)
    return found


def test_every_entry_that_a_proxy_can_inject_is_played_on_real_servers() -> None:
    there = played("faults", "envtest", on_real=True)

    assert [entry for entry in named(BY_PROXY) if entry not in there] == []


def test_every_entry_about_objects_is_played_simulated() -> None:
    there = played(*ENGINE, on_real=False)

    assert [entry for entry in WANTED if entry not in there] == []


def test_every_entry_about_objects_is_played_on_real_servers() -> None:
    there = played("faults", "envtest", on_real=True)

    assert [entry for entry in WANTED if entry not in there] == []
    assert set(WANTED) <= {*named(BY_PROXY), *named(BY_HAND)}


def test_the_page_tells_how_each_is_played() -> None:
    assert list(told("Through the proxy")) == named(BY_PROXY)
    assert list(told("By plain actions")) == named(BY_HAND)


def test_each_story_of_the_page_is_a_test_on_real_servers() -> None:
    section = PAGE.read_text().partition("\n## Four faults")[2].partition("\n## ")[0]
    stories = re.findall(r"(?m)^\| .* \| `test_(\w+)` \|$", section)
    there = {name for names in played("faults", on_real=True).values() for name in names}

    assert len(stories) == 4
    assert set(stories) <= there


def test_the_page_names_faults_that_the_proxy_has() -> None:
    words = {
        name
        for how in told("Through the proxy").values()
        for name in re.findall(r"`([A-Z]\w+)`", how)
    }

    assert {name for name in words if not hasattr(faults, name)} == set()
    assert {fault.__name__ for fault in faults.Fault.__args__} <= words
