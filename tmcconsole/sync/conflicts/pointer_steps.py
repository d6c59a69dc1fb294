"""Paths within an object that are ignored, drifted or reverted. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmcconsole.config.grammar.fieldpath import Every, ListEntry, PathStep
from tmcconsole.config.grammar.pointers import Pointer
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Steps


def points_at(pointer: Pointer, steps: Steps, tree: Any) -> bool:
    """True if the path is at or below the pointer; indexes refer to ``tree``."""
    if len(steps) < len(pointer.steps):
        return False
    value = tree
    for wanted, step in zip(pointer.steps, steps, strict=False):
        if not _is_step(wanted, step, value):
            return False
        value = value[step]
    return True


def pointer_to(steps: Steps, tree: Any) -> Pointer:
    """Return the pointer to a path; list entries by their name if they have one."""
    named: list[PathStep] = []
    value = tree
    for step in steps:
        value = value[step]
        has_name = isinstance(step, int) and isinstance(value, dict) and "name" in value
        named.append(ListEntry("name", str(value["name"])) if has_name else step)
    return Pointer(tuple(named))


def value_at(steps: Steps, tree: Any) -> Any:
    """Return the value at a path. Raises ``LookupError`` or ``TypeError`` if there is none."""
    for step in steps:
        tree = tree[step]
    return tree


def without(tree: Json, places: Iterable[Steps]) -> Json:
    """Return the tree without the given paths; the tree itself is not changed."""
    result: Json = _without(tree, _cuts(places))
    return result


def last_first(steps: Steps) -> tuple[tuple[bool, int, str], ...]:
    """Return a sort key, to be used in reverse, for removing paths one by one.

    Later entries of a list go first, so that the other indexes stay valid.
    """
    return tuple((True, step, "") if isinstance(step, int) else (False, 0, step) for step in steps)


_Cuts = dict[str | int, Any]  # by step: what is cut below it, or None if all of it is cut


def _cuts(places: Iterable[Steps]) -> _Cuts:
    cuts: _Cuts = {}
    for steps in sorted(places, key=len):  # a whole before its parts
        inner: Any = cuts
        for step in steps[:-1]:
            inner = inner.setdefault(step, {}) if inner is not None else None
        if inner is not None:
            inner[steps[-1]] = None
    return cuts


def _without(value: Any, cuts: _Cuts) -> Any:
    """Return the value without what is cut, in one walk however many cuts there are."""
    if isinstance(value, dict):
        return {
            name: _without(inner, cuts[name]) if name in cuts else inner
            for name, inner in value.items()
            if cuts.get(name, cuts) is not None
        }
    if isinstance(value, list):
        return [
            _without(inner, cuts[index]) if index in cuts else inner
            for index, inner in enumerate(value)
            if cuts.get(index, cuts) is not None
        ]
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
