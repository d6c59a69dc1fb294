"""Fields that are left to others, written as JSON pointers.

With a kind in front, as in ``deployments.apps:/spec/replicas``, a pointer applies to that kind
only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tmcconsole.config.grammar.fieldpath import PathStep, read_path, spell_pointer
from tmcconsole.config.problems import Unusable

_OF_KIND: Final = re.compile(r"(?:(?P<kind>[a-z0-9.-]+):)?(?P<path>(?:/[^/\s,]+)+)")
MAX_POINTERS: Final = 256  # on one object: each is compared with every field that differs
_PROTECTED: Final = ("apiVersion", "kind", "status")
_FIX: Final = 'write "/spec/replicas" or "deployments.apps:/spec/replicas"'


@dataclass(frozen=True, slots=True)
class Pointer:
    """A field and everything below it."""

    steps: tuple[PathStep, ...]
    kind: str = ""  # Kind.id, "" = every kind

    def __str__(self) -> str:
        path = spell_pointer(self.steps)
        return f"{self.kind}:{path}" if self.kind else path


REPLICAS: Final = Pointer(("spec", "replicas"))


@lru_cache(maxsize=1024)  # the same few are parsed for every object
def read_pointer(text: str) -> Pointer:
    """Parse a pointer. Raises ``Unusable``."""
    found = _OF_KIND.fullmatch(text)
    if found is None:
        raise Unusable(f'"{text[:60]}" does not point to a field of an object', _FIX)
    steps = read_path(found["path"]).steps
    if steps[0] in _PROTECTED or (steps[0] == "metadata" and not _is_note(steps)):
        what = f'"{text[:60]}" cannot be left to others'
        raise Unusable(what, "name a field below spec or data, a label or an annotation")
    return Pointer(steps, found["kind"] or "")


def split_pointers(text: str) -> tuple[Pointer, ...]:
    """Return the pointers in an annotation, separated by commas or white space. Raises
    ``Unusable``.
    """
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if len(parts) > MAX_POINTERS:
        what = f"it names {len(parts)} fields, at most {MAX_POINTERS} are allowed"
        raise Unusable(what, "name a field that they have in common")
    return tuple(read_pointer(part) for part in parts)


def _is_note(steps: tuple[PathStep, ...]) -> bool:
    """True for a label or an annotation, the only metadata that may belong to others."""
    return len(steps) == 3 and steps[1] in ("labels", "annotations")
