"""Label and field selectors in kubectl's syntax: parsed, and matched against objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

_KEY: Final = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE: Final = r"[-A-Za-z0-9_.]*"
_SET: Final = re.compile(rf"({_KEY})\s+(in|notin)\s+\(([^()]*)\)")
_EQUAL: Final = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_EXISTS: Final = re.compile(rf"(!?)\s*({_KEY})")
_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)\s*(==|=|!=)\s*(.*)")


class SelectorUnreadable(ValueError):
    """A selector that no API server would accept; the text names the part."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition. ``values`` None: the key must exist, or with ``negated`` must not."""

    key: str
    values: frozenset[str] | None
    negated: bool = False

    def holds(self, value: str | None) -> bool:
        """Return whether a value satisfies the condition; None means that the key is missing."""
        found = value is not None if self.values is None else value in self.values
        return found is not self.negated


@cache
def label_terms(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of a label selector; all must hold. Raises ``SelectorUnreadable``."""
    return tuple(_label_term(part.strip()) for part in re.split(r",(?![^(]*\))", text) if text)


@cache
def field_terms(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of a field selector; all must hold. Raises ``SelectorUnreadable``.

    Any field of the object may be named except its status, which changes on its own.
    """
    return tuple(_field_term(part.strip()) for part in text.split(",") if text)


def labels_match(text: str, labels: Mapping[str, str]) -> bool:
    """Return whether labels satisfy a selector; "" matches everything."""
    return all(term.holds(labels.get(term.key)) for term in label_terms(text))


def fields_match(text: str, tree: Mapping[str, Any]) -> bool:
    """Return whether an object satisfies a field selector; a missing field counts as empty."""
    return all(term.holds(_field(tree, term.key)) for term in field_terms(text))


def _label_term(part: str) -> Requirement:
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found[4].split(","))
        return Requirement(found[1], values, found[3] == "notin")
    if found := _EQUAL.fullmatch(part):
        return Requirement(found[1], frozenset({found[4]}), found[3] == "!=")
    if found := _EXISTS.fullmatch(part):
        return Requirement(found[2], None, bool(found[1]))
    raise SelectorUnreadable(f'"{part[:60]}" is not a valid label requirement')


def _field_term(part: str) -> Requirement:
    found = _FIELD.fullmatch(part)
    if not found:
        raise SelectorUnreadable(f'"{part[:60]}" is not a valid field requirement')
    if found[1].partition(".")[0] == "status":
        raise SelectorUnreadable(f'"{found[1][:60]}" is in the status, which changes on its own')
    return Requirement(found[1], frozenset({found[3]}), found[2] == "!=")


def _field(tree: Mapping[str, Any], path: str) -> str:
    value: Any = tree
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
