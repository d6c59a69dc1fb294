"""Label selectors as objects carry them (``matchLabels``, ``matchExpressions``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SelectorError(ValueError):
    """A selector that no API server would accept; the text names the part."""


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Return whether ``labels`` satisfy ``selector``: None matches nothing, {} everything.

    Raises ``SelectorError``.
    """
    if selector is None:
        return False
    exact = selector.get("matchLabels") or {}
    if not isinstance(exact, Mapping):
        raise SelectorError("matchLabels is not an object of labels")
    if any(labels.get(name) != value for name, value in exact.items()):
        return False
    return all(_holds(term, labels) for term in selector.get("matchExpressions") or ())


def _holds(term: object, labels: Mapping[str, str]) -> bool:
    if not isinstance(term, Mapping):
        raise SelectorError("a matchExpression is not an object")
    key, operator = term.get("key"), term.get("operator")
    if not isinstance(key, str):
        raise SelectorError(f"a matchExpression needs a key: {dict(term)}")
    values = tuple(term.get("values") or ())
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise SelectorError(f"{operator!r} is not In, NotIn, Exists or DoesNotExist")
