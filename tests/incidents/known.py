"""What the program is known to say that is not so: each sentence goes when it is mended.

A sentence stands for the claims whose line ``incident: moment: face: claim`` its pattern is found
in. Such a claim is no news in the tests of an incident; but a test of its own, expected to fail,
holds that nothing of the kind is said, and complains as soon as that is so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

KNOWN: dict[str, str] = {}


def known(line: str) -> bool:
    """Say whether a claim is one of those."""
    return any(re.search(pattern, line, re.DOTALL) for pattern in KNOWN.values())


def matching(sentence: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the claims that a sentence stands for."""
    return (line for line in lines if re.search(KNOWN[sentence], line, re.DOTALL))
