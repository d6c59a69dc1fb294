"""The plural under which a kind is usually served, when discovery is not available. Pure."""

from __future__ import annotations

from typing import Final

_SAME: Final = frozenset({"endpoints"})


def resource_id(api_version: str, kind: str) -> str:
    """Return the id (``Kind.id``) that a kind most likely has: ``apps/v1`` Deployment is
    ``deployments.apps``.
    """
    group = api_version.rpartition("/")[0]
    return f"{plural(kind)}.{group}" if group else plural(kind)


def plural(kind: str) -> str:
    """Return the usual plural of a kind: Ingress is ``ingresses``."""
    word = kind.lower()
    if word in _SAME:
        return word
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"
