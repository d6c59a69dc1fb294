"""False claims that the program is known to make: each entry goes when its fault is fixed.

An entry stands for the claims whose line ``incident: moment: face: claim`` matches its pattern. The
tests of an incident ignore such claims. Each entry has a test of its own, expected to fail, that no
such claim is made; it reports when none is made any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

KNOWN: dict[str, str] = {}


def known(line: str) -> bool:
    """Return whether a claim is a known one."""
    return any(re.search(pattern, line, re.DOTALL) for pattern in KNOWN.values())


def matching(sentence: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the claims that an entry stands for."""
    return (line for line in lines if re.search(KNOWN[sentence], line, re.DOTALL))
