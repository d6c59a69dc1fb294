"""Server-side apply: merge stated fields into the live object, drop those no longer stated."""

from __future__ import annotations

from typing import Any

from tmcconsole.kube.objects import Json
from tmcconsole.sim.fields.fieldsets import FieldSet, index_items, is_keyed, is_member, item_name
from tmcconsole.sim.storage.shapes import ValueShape


def merge(live: Any, stated: Any, shape: ValueShape) -> Any:
    """Return ``live`` with ``stated`` merged in. Shares no mutable part with ``live``'s copy."""
    if isinstance(live, dict) and isinstance(stated, dict) and not shape.is_atomic:
        merged = dict(live)
        for key, value in stated.items():
            merged[key] = merge(live.get(key), value, shape.child(key)) if key in live else value
        return merged
    if isinstance(live, list) and isinstance(stated, list) and is_keyed(shape):
        return _merge_lists(live, stated, shape)
    return stated


def _merge_lists(live: list[Any], stated: list[Any], shape: ValueShape) -> list[Any]:
    """Items only in ``live`` keep their place; shared ones follow the order of ``stated``."""
    have, want = index_items(live, shape), index_items(stated, shape)
    shared = [name for name in want if name in have]
    left, right = list(have), list(want)
    merged: dict[str, Any] = {}
    at_left = at_right = 0
    while at_left < len(left) or at_right < len(right):
        name = left[at_left] if at_left < len(left) else None
        if name is not None and name not in want:
            merged[name] = have[name]
            at_left += 1
            continue
        if name is not None and (
            name in merged or not _is_next(name, shared, merged, at_right, right)
        ):
            at_left += 1
            continue
        if at_right < len(right):
            taken = right[at_right]
            at_right += 1
            merged[taken] = (
                merge(have[taken], want[taken], shape.item) if taken in have else want[taken]
            )
    return list(merged.values())


def _is_next(
    name: str, shared: list[str], merged: dict[str, Any], at_right: int, right: list[str]
) -> bool:
    """Whether ``name`` is the shared item due next; later ones wait for ``stated``'s order."""
    due = next((candidate for candidate in shared if candidate not in merged), None)
    return at_right >= len(right) or due is None or due == name


def prune(tree: Any, last: FieldSet, kept: FieldSet, shape: ValueShape) -> Any:
    """Return ``tree`` without the fields in ``last`` that are not in ``kept``.

    A field is removed with everything under it: values set only by defaulting have no owner of
    their own. A list item stays only if somebody owns the item itself, not just a part of it.
    """
    if isinstance(tree, dict):
        return _prune_map(tree, last, kept, shape)
    if isinstance(tree, list) and is_keyed(shape):
        return _prune_list(tree, last, kept, shape)
    return tree


def _prune_map(tree: Json, last: FieldSet, kept: FieldSet, shape: ValueShape) -> Json:
    result = {}
    for key, value in tree.items():
        name = "f:" + key
        if name not in last:
            result[key] = value
        elif name in kept and not _leaves_whole(shape, key, last[name], kept[name]):
            rest = prune(value, last[name], kept[name], shape.child(key))
            result[key] = rest if rest or not value else None  # null, not empty, once emptied
    return result


def _leaves_whole(shape: ValueShape, key: str, last: FieldSet, kept: FieldSet) -> bool:
    """Whether to remove a map entry (not a declared field) even if others own parts of it."""
    is_data = shape.is_open and key not in shape.fields
    return is_data and is_member(last) and not is_member(kept)


def _prune_list(tree: list[Any], last: FieldSet, kept: FieldSet, shape: ValueShape) -> list[Any]:
    result = []
    for item in tree:
        name = item_name(item, shape)
        if name not in last:
            result.append(item)
        elif name in kept and is_member(kept[name]):
            result.append(prune(item, last[name], kept[name], shape.item))
    return result
