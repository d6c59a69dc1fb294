"""One change to a tree. Each returns a short description for people, without values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from tmcconsole.config.grammar.template import VALUE, Unfilled
from tmcconsole.config.transforms import (
    Change,
    DeleteField,
    FillField,
    JsonPatch,
    ReplaceField,
    SetField,
    Unreadable,
)
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.json_patch import PatchInvalid, apply_patch, read_patch
from tmcconsole.sync.desired.field_paths import FieldError, same, slots
from tmcconsole.sync.desired.workload_overrides import override

MAX_TEXT: Final = 65_536  # of one filled template


class ChangeError(ValueError):
    """The change cannot be made; the text says why, without any value of the object."""


def make(change: Change, kind: str, tree: Json, values: Mapping[str, str]) -> list[str]:
    """Make one change; return what was changed, [] for nothing. Raises ``ChangeError``."""
    try:
        return _make(change, kind, tree, values)
    except (FieldError, Unfilled) as error:
        raise ChangeError(str(error)) from error


def _make(change: Change, kind: str, tree: Json, values: Mapping[str, str]) -> list[str]:
    match change:
        case SetField() | ReplaceField():
            return _put(change, tree)
        case FillField():
            return _fill(change, tree, values)
        case DeleteField():
            return _delete(change, tree)
        case JsonPatch():
            return _patch(change, tree)
        case Unreadable(message):
            raise ChangeError(message)
        case _:
            return override(change, kind, tree, values)


def _put(change: SetField | ReplaceField, tree: Json) -> list[str]:
    is_set = isinstance(change, SetField)
    places = slots(tree, change.path, make=is_set)
    changed = [slot.put(orjson.loads(change.value)) for slot in places]
    return [f"{'set' if is_set else 'replace'} {change.path}"] if any(changed) else []


def _fill(change: FillField, tree: Json, values: Mapping[str, str]) -> list[str]:
    changed = False
    for slot in slots(tree, change.path, make=True):
        before = slot.value
        if isinstance(before, dict | list):
            raise ChangeError(f"{change.path} holds no text")
        text = change.template.fill({**values, VALUE: "" if before is None else str(before)})
        if len(text) > MAX_TEXT:
            raise ChangeError(f"{change.path} would hold more than {MAX_TEXT} characters")
        changed |= slot.put(text)
    return [f"template {change.path}"] if changed else []


def _delete(change: DeleteField, tree: Json) -> list[str]:
    places = slots(tree, change.path, make=False)
    for slot in reversed(places):  # from the end, so that earlier indexes stay valid
        del slot.holder[slot.at]
    return [f"delete {change.path}"] if places else []


def _patch(change: JsonPatch, tree: Json) -> list[str]:
    try:
        patched = apply_patch(tree, read_patch(change.operations.decode()))
    except PatchInvalid as error:
        raise ChangeError(f"the patch cannot be carried out: {error}") from error
    if not isinstance(patched, dict):
        raise ChangeError("the patch leaves no object")
    if same(patched, tree):
        return []
    tree.clear()
    tree.update(patched)
    return ["patch"]
