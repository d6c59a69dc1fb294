"""Machine-readable reasons as words, for every face that shows them."""

from __future__ import annotations

import re
from typing import Final

_JOINED: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


# Error types whose words tell a person nothing: they name the code that classifies them.
_PLAIN: Final = {
    "AggregationConflict": "copies differ between targets",
    "AggregationFailure": "status not merged",
    "NetworkConnectivity": "answer of no API server",
    "PlacementCapacity": "over quota or limit",
    "PlacementConstraint": "no target fits",
    "PlacementPolicy": "denied by policy",
    "ProjectionTransform": "transform failed",
}


def words(reason: str) -> str:
    """Return a machine-readable reason as words: ``quota exceeded`` for ``QuotaExceeded``.

    Where that says nothing to a person, plain words stand for it. What is no single word of joined
    capitals stays as it is.
    """
    text = str(reason)
    if text in _PLAIN:
        return _PLAIN[text]
    if not _JOINED.fullmatch(text):
        return text
    parts = _CAPITAL.split(text)
    return " ".join(part if part.isupper() and len(part) > 1 else part.lower() for part in parts)


def told_of(reason: str) -> str:
    """Return a reason in words, also one that is told of something else: ``eu: quota exceeded``."""
    where, colon, why = str(reason).partition(": ")
    return f"{where}: {words(why)}" if colon else words(reason)


def because(reason: str, message: str) -> str:
    """Return a reason in words and what was said about it, once if both are the same."""
    said = [words(reason), message] if message != words(reason) else [message]
    return ": ".join(part for part in said if part)
