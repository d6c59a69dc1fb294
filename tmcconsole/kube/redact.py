"""The one redactor: keeps secrets out of screens, logs, diffs and error texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from tmcconsole.contract.secret_text import hide_secrets, is_secret_name
from tmcconsole.kube.objects import Json

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
LOOKED_AT: Final = 4096  # characters of one text, if only a line is shown
ENTRIES_LOOKED_AT: Final = 128  # of one list or table there
_FLAG: Final = re.compile(r"--?[\w-]{1,80}")


def redact_text(text: str) -> str:
    """Return ``text`` without tokens, keys and passwords: what ``hide_secrets`` says."""
    return hide_secrets(text)


def redact(tree: Json) -> Json:
    """Return a copy of an object with the sizes of secret values instead of the values."""
    copy: Json = _walk(tree)
    if tree.get("kind") == "Secret":
        copy |= _sizes(tree, "data", _decoded_size) | _sizes(tree, "stringData", _size)
    notes = (copy.get("metadata") or {}).get("annotations")
    if isinstance(notes, dict):
        notes.pop(_LAST_APPLIED, None)
    return copy


def redact_at(kind: str, path: str, value: Any) -> Any:
    """Return what may be shown of one value in an object of a kind (``Kind.id``); None stays None.
    Of large values only the beginning is looked at.

    Only the size is shown for everything in a Secret, and at paths that look like a secret's.
    """
    if value is None:
        return None
    if kind == "secrets" and path.startswith(("data", "stringData")):
        return f"<{_decoded_size(value) if path.startswith('data') else _size(value)} bytes>"
    return (
        f"<{_size(value)} bytes>"
        if is_secret_name(path.removesuffix(".value").rstrip("]"))
        else _walk(_beginning(value))
    )


def _beginning(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LOOKED_AT else f"{value[:LOOKED_AT]}…"
    if isinstance(value, list):
        return [_beginning(one) for one in value[:ENTRIES_LOOKED_AT]]
    if isinstance(value, dict):
        return {name: _beginning(value[name]) for name in islice(value, ENTRIES_LOOKED_AT)}
    return value


def _sizes(tree: Json, field: str, size: Callable[[Any], int]) -> Json:
    values = tree.get(field)
    if not isinstance(values, dict):
        return {}
    return {field: {name: f"<{size(value)} bytes>" for name, value in values.items()}}


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        named = value.get("name")
        if isinstance(named, str) and "value" in value and is_secret_name(named):
            return {**value, "value": f"<{_size(value['value'])} bytes>"}
        return {
            name: f"<{_size(inner)} bytes>"
            if isinstance(inner, str) and isinstance(name, str) and is_secret_name(name)
            else _walk(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return _walk_list(value)
    return hide_secrets(value) if isinstance(value, str) else value


def _walk_list(values: list[Any]) -> list[Any]:
    """A list may be the arguments of a program: ``--password`` hides what comes after it."""
    shown = [_walk(inner) for inner in values]
    for index, flag in enumerate(values[:-1]):
        follows = values[index + 1]
        if (
            isinstance(flag, str)
            and isinstance(follows, str)
            and _FLAG.fullmatch(flag)
            and is_secret_name(flag)
        ):
            shown[index + 1] = f"<{_size(follows)} bytes>"
    return shown


def _size(value: Any) -> int:
    return len(str(value).encode())


def _decoded_size(value: Any) -> int:
    """Return the size of base64-encoded data, without decoding it."""
    text = str(value).rstrip("=\n ")
    return len(text) * 3 // 4
