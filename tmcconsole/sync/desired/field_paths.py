"""Finds the places in a tree that a path names, and creates missing parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmcconsole.config.grammar.fieldpath import Every, FieldPath, ListEntry, PathStep, spell
from tmcconsole.kube.objects import Json


class FieldError(ValueError):
    """The tree's shape does not match the path; the text says where."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place: a field of an object, or an entry of a list."""

    holder: Any  # the dict or list it is in
    at: Any  # its name or index
    exists: bool

    @property
    def value(self) -> Any:
        """The current value; None if there is none."""
        return self.holder[self.at] if self.exists else None

    def put(self, value: Any) -> bool:
        """Set the value; return whether that changed anything."""
        if self.exists and same(self.value, value):
            return False
        if isinstance(self.holder, list) and not self.exists:
            self.holder.append(value)
        else:
            self.holder[self.at] = value
        return True


def same(one: Any, other: Any) -> bool:
    """True for equal JSON values: 1 and true differ, unlike in Python."""
    return type(one) is type(other) and bool(one == other)


def slots(tree: Json, path: FieldPath, *, make: bool) -> list[Slot]:
    """Return the places that ``path`` names in ``tree``.

    With ``make``, missing objects and named entries are created, and the last place may be empty;
    otherwise only existing places are found. Raises ``FieldError``.
    """
    holders: list[Any] = [tree]
    for number, step in enumerate(path.steps[:-1]):
        so_far, following = path.steps[: number + 1], path.steps[number + 1]
        found = [slot for holder in holders for slot in _in(holder, step, so_far, make)]
        holders = [inner for slot in found for inner in _enter(slot, following, so_far, make)]
    return [slot for holder in holders for slot in _in(holder, path.steps[-1], path.steps, make)]


def _enter(slot: Slot, following: PathStep, so_far: tuple[PathStep, ...], make: bool) -> list[Any]:
    """Return a slot's content, created if allowed, in the shape that the next step needs."""
    if slot.value is not None:
        return [slot.value]
    if not make or isinstance(following, Every):
        return []
    if isinstance(following, int):
        raise FieldError(f"{spell(so_far)} has no entries")
    slot.put([] if isinstance(following, ListEntry) else {})
    return [slot.holder[slot.at]]


def _in(holder: Any, step: PathStep, so_far: tuple[PathStep, ...], make: bool) -> list[Slot]:
    match step:
        case Every():
            entries = _list(holder, so_far)
            return [Slot(entries, index, True) for index in range(len(entries))]
        case ListEntry():
            return _named(_list(holder, so_far), step, make)
        case int() if isinstance(holder, list):
            return _numbered(holder, step, so_far, make)
        case _:
            return _field(holder, str(step), so_far, make)


def _list(holder: Any, so_far: tuple[PathStep, ...]) -> list[Any]:
    if not isinstance(holder, list):
        raise FieldError(f"{spell(so_far[:-1])} is no list")
    return holder


def _named(entries: list[Any], step: ListEntry, make: bool) -> list[Slot]:
    for index, entry in enumerate(entries):
        if isinstance(entry, dict) and str(entry.get(step.field)) == step.value:
            return [Slot(entries, index, True)]
    if not make:
        return []
    entries.append({step.field: step.value})
    return [Slot(entries, len(entries) - 1, True)]


def _numbered(
    entries: list[Any], index: int, so_far: tuple[PathStep, ...], make: bool
) -> list[Slot]:
    if index < len(entries):
        return [Slot(entries, index, True)]
    if make:
        raise FieldError(f"{spell(so_far[:-1])} has only {len(entries)} entries")
    return []


def _field(holder: Any, name: str, so_far: tuple[PathStep, ...], make: bool) -> list[Slot]:
    if isinstance(holder, list):
        raise FieldError(f"{spell(so_far[:-1])} is a list: write [*], [0] or [name=...]")
    if not isinstance(holder, dict):
        if not make:
            return []
        raise FieldError(f"{spell(so_far[:-1])} is no object")
    exists = name in holder
    return [Slot(holder, name, exists)] if exists or make else []
