"""Text with placeholders such as ``{target.name}``: values are looked up, nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.problems import Unusable, nearest

PLACEHOLDERS: Final = ("kind", "name", "namespace", "target.key", "target.name", "target.namespace")
VALUE: Final = "value"  # the field's current value, "" if there is none
LABEL: Final = "target.labels."
# A brace is doubled to stand for itself, as in Python's format strings.
_PART: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Unfilled(LookupError):
    """A placeholder has no value for this object and target; the text says which, and the
    remedy.
    """


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One name to look up."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text and placeholders in order."""

    parts: tuple[str | Placeholder, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with all placeholders replaced. Raises ``Unfilled``."""
        return "".join(_value(part, values) for part in self.parts)


def read_template(written: str, *, extra: tuple[str, ...] = ()) -> Template:
    """Parse a template; ``extra`` are placeholders known only here.

    Raises ``Unusable`` for a placeholder that can never have a value.
    """
    parts: list[str | Placeholder] = []
    at = 0
    for found in _PART.finditer(written):
        parts.append(written[at : found.start()])
        parts.append(_part(found, (*PLACEHOLDERS, *extra)))
        at = found.end()
    parts.append(written[at:])
    return Template(tuple(part for part in parts if part != ""))


def _part(found: re.Match[str], known: tuple[str, ...]) -> str | Placeholder:
    if found[0] in ("{{", "}}"):
        return found[0][0]
    name = found[1]
    if name is None:
        raise Unusable(f'"{found[0]}" is unmatched', "write {{ or }} for the brace itself")
    if name not in known and not (name.startswith(LABEL) and len(name) > len(LABEL)):
        fix = nearest(name, (*known, LABEL + "REGION"))
        raise Unusable(f'unknown placeholder "{{{name[:60]}}}"', fix)
    return Placeholder(name)


def _value(part: str | Placeholder, values: Mapping[str, str]) -> str:
    if isinstance(part, str):
        return part
    if part.name not in values:
        label = part.name.removeprefix(LABEL)
        raise Unfilled(f"the target has no label {label}: add it to the SyncTarget")
    return values[part.name]
