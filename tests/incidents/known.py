"""What the program is known to say that is not so: each sentence goes when it is mended.

A sentence stands for the claims whose line ``incident: moment: face: claim`` its pattern is found
in. Such a claim is no news in the tests of an incident; but a test of its own, expected to fail,
holds that nothing of the kind is said, and complains as soon as that is so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

SCREEN = r"screen \d+x\d+"
# Incidents of something that is wanted on a target and cannot be there.
CANNOT_BE = r"(a definition is missing on one target: missing|a kind is forbidden: forbidden)"

KNOWN: dict[str, str] = {
    "one silence is several lines of history": r": history: lines of ",
    "the history says after how long a trouble was over, and not at what time":
        r": history: it until ",
    "a kind that may not be listed any more is told as in sync":
        rf"a right is taken back: taken back: (status|why|{SCREEN}): "
        r"(exit code|objects in sync|in sync on|all is well|what is listed|resources: "
        r"|header: in sync|targets: in sync|health: system)",
    "a failure began with its last try": (
        rf"a webhook is down: down: (why: since, |{SCREEN}: problems: since|history: )"
    ),
    "the history has no line of what is wanted and cannot be, and none of its coming":
        rf"({CANNOT_BE}|on one target: there): history: ",
    "the history has no line of a name that is taken":
        r"our name is taken: taken: history: ",
    "the history has no line of a drain that is over":
        r"a drain with a place to go: moved: history: ",
}  # fmt: skip

# Told in some runs and not in others, since it hangs on which of two probes comes first.
UNSTEADY = {"one silence is several lines of history"}


def known(line: str) -> bool:
    """Say whether a claim is one of those."""
    return any(re.search(pattern, line, re.DOTALL) for pattern in KNOWN.values())


def matching(sentence: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the claims that a sentence stands for."""
    return (line for line in lines if re.search(KNOWN[sentence], line, re.DOTALL))
