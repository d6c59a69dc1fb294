"""Places within an object, as people write them: JSON pointers. Pure.

``/spec/replicas``; an entry of a list by its index, by a key (``[name=web]``), or ``*`` for any.
With a kind before it, ``deployments.apps:/spec/replicas``, it counts for that kind only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.kube.patches import Steps

_KEYED: Final = re.compile(r"\[([^=\]]+)=([^\]]*)\]")
_PROTECTED: Final = ("apiVersion", "kind", "status")


class NoPointer(ValueError):
    """The text is no pointer to a field; it says why."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """A place, and all below it."""

    segments: tuple[str, ...]
    kind: str = ""  # Kind.id, "" = every kind

    def __str__(self) -> str:
        path = "".join(f"/{_escaped(segment)}" for segment in self.segments)
        return f"{self.kind}:{path}" if self.kind else path


REPLICAS: Final = Pointer(("spec", "replicas"))


def parse_pointer(text: str) -> Pointer:
    """Return the pointer a text stands for. Raises ``NoPointer``."""
    kind, colon, path = text.partition(":") if not text.startswith("/") else ("", "", text)
    if not path.startswith("/") or path == "/" or (colon and not kind):
        raise NoPointer(f"{text!r} is no JSON pointer: write /spec/replicas or KIND:/spec/replicas")
    segments = tuple(_plain(part) for part in path[1:].split("/"))
    if segments[0] in _PROTECTED or (segments[0] == "metadata" and not _is_note(segments)):
        raise NoPointer(f"{text!r} cannot be left to others; name a field below spec or data")
    return Pointer(segments, kind)


def split_pointers(text: str) -> tuple[Pointer, ...]:
    """Return the pointers in an annotation: commas or white space between. Raises ``NoPointer``."""
    return tuple(parse_pointer(part) for part in re.split(r"[,\s]+", text) if part)


def points_at(pointer: Pointer, steps: Steps, tree: Any) -> bool:
    """True where the place lies at or below the pointer; indexes count in ``tree``."""
    if len(steps) < len(pointer.segments):
        return False
    value = tree
    for segment, step in zip(pointer.segments, steps, strict=False):
        if not _is_step(segment, step, value):
            return False
        value = value[step]
    return True


def pointer_to(steps: Steps, tree: Any) -> Pointer:
    """Return the pointer to a place; entries of lists by their name where they have one."""
    segments: list[str] = []
    value = tree
    for step in steps:
        value = value[step]
        named = isinstance(step, int) and isinstance(value, dict) and "name" in value
        segments.append(f"[name={value['name']}]" if named else str(step))
    return Pointer(tuple(segments))


def value_at(steps: Steps, tree: Any) -> Any:
    """Return what is at a place. Raises ``LookupError`` or ``TypeError`` where there is none."""
    for step in steps:
        tree = tree[step]
    return tree


def without(tree: Json, places: Iterable[Steps]) -> Json:
    """Return the tree with what is at the places left out; the tree itself is left alone."""
    kept: Any = tree
    for steps in sorted(set(places), key=_last_first, reverse=True):
        kept = _cut(kept, steps)
    result: Json = kept
    return result


def _last_first(steps: Steps) -> tuple[tuple[bool, int, str], ...]:
    """Later entries of a list go first, so that the indexes of the others keep their meaning."""
    return tuple((True, step, "") if isinstance(step, int) else (False, 0, step) for step in steps)


def _cut(value: Any, steps: Steps) -> Any:
    head, rest = steps[0], steps[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {name: inner for name, inner in value.items() if name != head}
        return {**value, head: _cut(value[head], rest)}
    if isinstance(value, list) and isinstance(head, int) and head < len(value):
        if not rest:
            return value[:head] + value[head + 1 :]
        return [*value[:head], _cut(value[head], rest), *value[head + 1 :]]
    return value


def _is_step(segment: str, step: str | int, value: Any) -> bool:
    if isinstance(step, str):
        return segment == step
    keyed = _KEYED.fullmatch(segment)
    if keyed is None:
        return segment in ("*", str(step))
    entry = value[step]
    return isinstance(entry, dict) and str(entry.get(keyed[1])) == keyed[2]


def _plain(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")


def _escaped(segment: str) -> str:
    return segment.replace("~", "~0").replace("/", "~1")


def _is_note(segments: tuple[str, ...]) -> bool:
    """True for a label or an annotation: of metadata, nothing else can be somebody else's."""
    return len(segments) == 3 and segments[1] in ("labels", "annotations")
