"""Plays incidents and prints false claims, claims that cannot be checked, and the keys needed.

``python -m tests.incidents [WORD...]`` plays those whose names contain a word, simulated.
"""

from __future__ import annotations

import sys

from tests.incidents.known import KNOWN, known, matching
from tests.incidents.playing import play_simulated
from tests.incidents.referee import FACES, Report
from tests.incidents.stories import INCIDENTS

WIDTH = 400  # of a line


def main(words: list[str]) -> None:
    """Play and print."""
    names = [name for name in INCIDENTS if not words or any(word in name for word in words)]
    reports = play_simulated(INCIDENTS[name] for name in names)
    for name in names:
        _print(name, reports[name])
    lines = [line for name in names for line in reports[name].lines(name)]
    for sentence in KNOWN if not words else ():
        if not list(matching(sentence, lines)):
            print(f"told no more: {sentence}")
    for said in sorted({one for report in reports.values() for one in report.not_checked()}):
        print(f"not checked: {said}")


def _print(name: str, report: Report) -> None:
    checked = sum(report.checked(face) for face in FACES)
    print(f"\n{name}: {checked} claims checked, {report.took_s:.0f} s")
    for line in [report.failure, *report.broken, *report.keys()]:
        print(f"    {line}" if line else "", end="\n" if line else "")
    for face in FACES:
        for line in report.untrue(face):
            mark = "known " if known(f"{name}: {line}") else "UNTRUE"
            print(f"    {mark} {line!r:.{WIDTH}}")


if __name__ == "__main__":
    main(sys.argv[1:])
