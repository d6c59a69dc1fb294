"""JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

from typing import Any, Final

import jsonpatch
import jsonpointer

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.shapes import ValueShape
from tmcconsole.sim.storage.status_errors import StatusError, bad_request

_DIRECTIVES: Final = ("$patch", "$retainKeys", "$setElementOrder/", "$deleteFromPrimitiveList/")


def json_patch(tree: Json, operations: Any) -> Json:
    """Return ``tree`` with RFC 6902 operations applied. Raises StatusError 400 or 422."""
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into jsonpatch.Patch"
        )
    try:
        for operation in operations:
            tree = _one_operation(tree, operation)
    except (
        jsonpatch.JsonPatchException,
        jsonpatch.JsonPatchTestFailed,
        jsonpointer.JsonPointerException,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        message = "the server rejected our request due to an error in our request"
        raise StatusError(422, "Invalid", message, {}) from error
    return tree


def _one_operation(tree: Json, operation: Any) -> Json:
    """Apply one operation. Replacing a key that a map lacks adds it, as on the server."""
    if isinstance(operation, dict) and operation.get("op") == "replace":
        pointer = jsonpointer.JsonPointer(operation["path"])
        parent, key = pointer.to_last(tree)
        if isinstance(parent, dict) and key not in parent:
            operation = {**operation, "op": "add"}
    if isinstance(operation, dict) and operation.get("op") == "add":
        operation = {"value": None, **operation}
    result: Json = jsonpatch.JsonPatch([operation]).apply(tree)
    return result


def merge_patch(tree: Any, patch: Any) -> Any:
    """Return ``tree`` with an RFC 7396 merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(tree) if isinstance(tree, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def strategic_merge_patch(tree: Any, patch: Any, shape: ValueShape) -> Any:
    """Return ``tree`` with a patch applied whose lists merge by their patch key."""
    if isinstance(patch, dict):
        return _strategic_map(tree if isinstance(tree, dict) else {}, patch, shape)
    if isinstance(patch, list) and isinstance(tree, list):
        return _strategic_list(tree, patch, shape)
    if isinstance(patch, list):
        return _strategic_list([], patch, shape)
    return patch


def _strategic_map(tree: Json, patch: Json, shape: ValueShape) -> Json:
    directive = patch.get("$patch")
    if directive == "replace":
        return {k: _plain(v) for k, v in patch.items() if not k.startswith(_DIRECTIVES)}
    if directive == "delete":
        return {}
    kept = patch.get("$retainKeys")
    if kept is not None and not isinstance(kept, list):
        raise bad_request("unable to parse $retainKeys: it is no list")
    merged = {k: v for k, v in tree.items() if kept is None or k in kept}
    for key, value in patch.items():
        if key.startswith("$"):
            _list_directive(merged, key, value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge_patch(merged.get(key), value, shape.child(key))
    _order_lists(tree, merged, patch, shape)
    return merged


def _list_directive(merged: Json, key: str, value: Any) -> None:
    directive, _, field = key.partition("/")
    if directive == "$deleteFromPrimitiveList" and not isinstance(value, list):
        raise bad_request("unable to parse $deleteFromPrimitiveList: it is no list")
    if directive == "$deleteFromPrimitiveList" and isinstance(merged.get(field), list):
        merged[field] = [item for item in merged[field] if item not in value]


def _interleaved(items: dict[Any, Any], wanted: list[Any], before: list[Any]) -> list[Any]:
    """Return items in the wanted order, interleaved with those it does not name.

    An unnamed item comes before the first named one that it originally preceded.
    """
    left = [name for name in items if name not in wanted]
    right = [name for name in wanted if name in items]
    place = {name: index for index, name in enumerate(before)}
    ordered = []
    while left and right:
        is_first = right[0] in place and place.get(left[0], -1) < place[right[0]]
        ordered.append((left if is_first and left[0] in place else right).pop(0))
    return [items[name] for name in (*ordered, *left, *right)]


def _order_lists(tree: Json, merged: Json, patch: Json, shape: ValueShape) -> None:
    for key, order in patch.items():
        directive, _, field = key.partition("/")
        if directive != "$setElementOrder" or not isinstance(merged.get(field), list):
            continue
        if not isinstance(order, list):
            raise bad_request("unable to parse $setElementOrder: it is no list")
        name = shape.child(field).patch_key
        wanted = [_identity(item, name) for item in order]
        before = [_identity(item, name) for item in tree.get(field) or ()]
        items = {_identity(item, name): item for item in merged[field]}
        merged[field] = _interleaved(items, wanted, before)


def _strategic_list(tree: list[Any], patch: list[Any], shape: ValueShape) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [_plain(item) for item in patch if item.get("$patch") != "replace"]
    if shape.is_set:
        if any(isinstance(item, (dict, list)) for item in patch):
            raise bad_request("unable to merge: the list holds scalars only")
        items = dict.fromkeys((*tree, *patch))
        return _interleaved({item: item for item in items}, list(dict.fromkeys(patch)), tree)
    if not shape.patch_key:
        return [_plain(item) for item in patch]
    return _merge_keyed(tree, patch, shape)


def _merge_keyed(tree: list[Any], patch: list[Any], shape: ValueShape) -> list[Any]:
    items = {_identity(item, shape.patch_key): item for item in tree}
    for item in patch:
        identity = _identity(item, shape.patch_key)
        if not isinstance(item, dict) or isinstance(identity, (dict, list, type(None))):
            raise bad_request(f"map: {item} does not contain declared merge key: {shape.patch_key}")
        if item.get("$patch") == "delete":
            items.pop(identity, None)
        else:
            items[identity] = strategic_merge_patch(items.get(identity), item, shape.item)
    wanted = [_identity(item, shape.patch_key) for item in patch]
    before = [_identity(item, shape.patch_key) for item in tree]
    return _interleaved(items, wanted, before)


def _identity(item: Any, patch_key: str) -> Any:
    return item.get(patch_key) if isinstance(item, dict) else item


def _plain(value: Any) -> Any:
    """Return the value of a patch without its directives."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if not k.startswith(_DIRECTIVES)}
    return [_plain(item) for item in value] if isinstance(value, list) else value
