"""JSON patches (RFC 6902) from an annotation or a file: bounded, and applied completely or not at
all. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import jsonpatch
import jsonpointer
import orjson

from tmcconsole.kube.objects import Json

MAX_BYTES: Final = 64 * 1024  # of one patch; an object's annotations may hold 256 KiB together
MAX_OPERATIONS: Final = 256
MAX_COPIED_BYTES: Final = 256 * 1024  # by all copies of a patch together: copies of copies grow
_NEEDS: Final = {
    "add": ("value",),
    "copy": ("from",),
    "move": ("from",),
    "remove": (),
    "replace": ("value",),
    "test": ("value",),
}

Operations = tuple[Json, ...]


class PatchInvalid(ValueError):
    """The patch is malformed, too large, or does not match the tree; the text says which."""


def read_patch(text: str) -> Operations:
    """Return the operations of a JSON patch. Raises ``PatchInvalid``."""
    if len(text) > MAX_BYTES:
        raise PatchInvalid(f"it has {len(text)} characters, at most {MAX_BYTES} are allowed")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PatchInvalid(f"it is not JSON: {error}") from error
    if not isinstance(found, list):
        raise PatchInvalid("it is not a list of operations")
    if len(found) > MAX_OPERATIONS:
        raise PatchInvalid(f"it has {len(found)} operations, at most {MAX_OPERATIONS} are allowed")
    return tuple(_checked(number, one) for number, one in enumerate(found))


def apply_patch(tree: Any, operations: Operations) -> Any:
    """Return ``tree`` with all operations applied; the tree itself is not changed.

    Raises ``PatchInvalid`` if one cannot be applied.
    """
    patched = orjson.loads(orjson.dumps(tree))
    left = MAX_COPIED_BYTES
    for number, operation in enumerate(operations):
        try:
            if operation["op"] == "copy":
                left -= _size(patched, operation["from"])
            if left < 0:
                most = f"{MAX_COPIED_BYTES >> 10} KiB"
                raise PatchInvalid(f"operation {number}: copies are too large, over {most} in all")
            patched = jsonpatch.JsonPatch([operation]).apply(patched, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpatch.JsonPatchTestFailed,
            jsonpointer.JsonPointerException,
            TypeError,  # into a string or a number
        ) as error:
            raise PatchInvalid(f"operation {number} ({_told(operation)}): {_why(error)}") from None
    return orjson.loads(orjson.dumps(patched))  # no structure shared between places


def places(operations: Operations) -> Iterator[tuple[str, ...]]:
    """Yield every place that the operations read or write, as its parts; () is the root."""
    for operation in operations:
        for name in ("path", "from"):
            if name in operation:
                yield tuple(jsonpointer.JsonPointer(operation[name]).parts)


def _checked(number: int, operation: Any) -> Json:
    if not isinstance(operation, dict):
        raise PatchInvalid(f"operation {number} is not an object")
    needs = _NEEDS.get(str(operation.get("op")))
    if needs is None:
        raise PatchInvalid(f"operation {number} must be one of {', '.join(_NEEDS)}")
    missing = [name for name in ("path", *needs) if name not in operation]
    if missing:
        raise PatchInvalid(f"operation {number} ({operation['op']}) lacks {missing[0]}")
    for name in ("path", "from"):
        _check_pointer(number, operation.get(name, ""))
    return operation


def _check_pointer(number: int, pointer: Any) -> None:
    if not isinstance(pointer, str):
        raise PatchInvalid(f"operation {number}: a path must be a string")
    try:
        jsonpointer.JsonPointer(pointer)
    except jsonpointer.JsonPointerException as error:
        raise PatchInvalid(f"operation {number}: {error}") from error


def _size(tree: Any, pointer: str) -> int:
    return len(orjson.dumps(jsonpointer.resolve_pointer(tree, pointer)))


def _why(error: Exception) -> str:
    """Return the reason in our own words: the library's quote the object, which may be a Secret."""
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return "another value is there"
    if isinstance(error, jsonpatch.JsonPatchConflict):
        return "there is no such place"
    if isinstance(error, jsonpointer.JsonPointerException):
        return "the path leads nowhere"
    return "the path leads into something that has no fields"


def _told(operation: Json) -> str:
    return f"{operation['op']} {operation['path']}"
