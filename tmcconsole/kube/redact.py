"""The one redactor: keeps secrets out of screens, logs, diffs and error texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from tmcconsole.kube.objects import Json

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_NAME: Final = re.compile(
    r"(?i)passw|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|credential|dockercfg"
    r"|dockerconfig"
)
_SECRET_TEXT: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 <redacted>"),
    (re.compile(r"eyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?"), "<redacted jwt>"),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.S), "<redacted pem>"),
    (re.compile(r"(://[^/\s:@]*:)[^@/\s]+@"), r"\1<redacted>@"),
    (
        re.compile(r"(?i)((?:passw|secret|token|api-?key)[\w-]*=)[^\s&;,\"']+"),
        r"\1<redacted>",
    ),
)


def redact_text(text: str) -> str:
    """Return ``text`` without bearer tokens, JWTs, PEM blocks, and passwords in URLs and
    arguments.
    """
    for pattern, shown in _SECRET_TEXT:
        text = pattern.sub(shown, text)
    return text


def redact(tree: Json) -> Json:
    """Return a copy of an object with the sizes of secret values instead of the values."""
    copy: Json = _walk(tree)
    match copy.get("kind"):
        case "Secret":
            _hide(copy, "data", lambda _name: True, _decoded_size)
            _hide(copy, "stringData", lambda _name: True, _size)
        case "ConfigMap":
            _hide(copy, "data", lambda name: bool(_SECRET_NAME.search(name)), _size)
    notes = (copy.get("metadata") or {}).get("annotations")
    if isinstance(notes, dict):
        notes.pop(_LAST_APPLIED, None)
    return copy


def redact_at(kind: str, path: str, value: Any) -> Any:
    """Return what may be shown of one value in an object of a kind (``Kind.id``); None stays None.

    Only the size is shown for everything in a Secret, and at paths that look like a secret's.
    """
    if value is None:
        return None
    if kind == "secrets" and path.startswith(("data", "stringData")):
        return f"<{_decoded_size(value) if path.startswith('data') else _size(value)} bytes>"
    return f"<{_size(value)} bytes>" if _SECRET_NAME.search(path) else _walk(value)


def _hide(copy: Json, field: str, hides: Callable[[str], bool], size: Callable[[Any], int]) -> None:
    values = copy.get(field)
    if isinstance(values, dict):
        copy[field] = {
            name: f"<{size(value)} bytes>" if hides(name) else value
            for name, value in values.items()
        }


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        named = value.get("name")
        if isinstance(named, str) and "value" in value and _SECRET_NAME.search(named):
            return {**value, "value": f"<{_size(value['value'])} bytes>"}
        return {name: _walk(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner) for inner in value]
    return redact_text(value) if isinstance(value, str) else value


def _size(value: Any) -> int:
    return len(str(value).encode())


def _decoded_size(value: Any) -> int:
    """Return the size of base64-encoded data, without decoding it."""
    text = str(value).rstrip("=\n ")
    return len(text) * 3 // 4
