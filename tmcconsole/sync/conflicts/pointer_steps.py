"""Places within an object that are left to others, drift or are taken back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmcconsole.config.grammar.fieldpath import Every, ListEntry, PathStep
from tmcconsole.config.grammar.pointers import Pointer
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Steps


def points_at(pointer: Pointer, steps: Steps, tree: Any) -> bool:
    """True where the place lies at or below the pointer; indexes count in ``tree``."""
    if len(steps) < len(pointer.steps):
        return False
    value = tree
    for wanted, step in zip(pointer.steps, steps, strict=False):
        if not _is_step(wanted, step, value):
            return False
        value = value[step]
    return True


def pointer_to(steps: Steps, tree: Any) -> Pointer:
    """Return the pointer to a place; entries of lists by their name where they have one."""
    named: list[PathStep] = []
    value = tree
    for step in steps:
        value = value[step]
        has_name = isinstance(step, int) and isinstance(value, dict) and "name" in value
        named.append(ListEntry("name", str(value["name"])) if has_name else step)
    return Pointer(tuple(named))


def value_at(steps: Steps, tree: Any) -> Any:
    """Return what is at a place. Raises ``LookupError`` or ``TypeError`` where there is none."""
    for step in steps:
        tree = tree[step]
    return tree


def without(tree: Json, places: Iterable[Steps]) -> Json:
    """Return the tree with what is at the places left out; the tree itself is left alone."""
    kept: Any = tree
    for steps in sorted(set(places), key=last_first, reverse=True):
        kept = _cut(kept, steps)
    result: Json = kept
    return result


def last_first(steps: Steps) -> tuple[tuple[bool, int, str], ...]:
    """Return what to sort by, in reverse, before places are removed one by one.

    Later entries of a list go first, so that the indexes of the others keep their meaning.
    """
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


def _is_step(wanted: PathStep, step: str | int, value: Any) -> bool:
    match wanted:
        case Every():
            return isinstance(step, int)
        case ListEntry():
            entry = value[step] if isinstance(step, int) else None
            return isinstance(entry, dict) and str(entry.get(wanted.field)) == wanted.value
        case _:
            return str(wanted) == str(step)
