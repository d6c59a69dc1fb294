"""The one redactor: secrets are poison, on screens, in logs, in diffs and in error texts. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from tmcconsole.kube.objects import Json

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_NAME: Final = re.compile(r"(?i)passw|secret|token|api_?key|private_?key|credential")
_SECRET_TEXT: Final = (
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{8,}"), r"\1<redacted>"),
    (re.compile(r"eyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?"), "<redacted jwt>"),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.S), "<redacted pem>"),
    (re.compile(r"(://[^/\s:@]+:)[^@\s]+@"), r"\1<redacted>@"),
)


def redact_text(text: str) -> str:
    """Return ``text`` without bearer tokens, JWTs, PEM blocks and passwords in URLs."""
    for pattern, shown in _SECRET_TEXT:
        text = pattern.sub(shown, text)
    return text


def redact(tree: Json) -> Json:
    """Return a copy of an object without secret values: sizes are shown instead."""
    copy: Json = _walk(tree)
    if copy.get("kind") == "Secret":
        for field in ("data", "stringData"):
            values = copy.get(field)
            if isinstance(values, dict):
                copy[field] = {name: _size(value) for name, value in values.items()}
    notes = (copy.get("metadata") or {}).get("annotations")
    if isinstance(notes, dict):
        notes.pop(_LAST_APPLIED, None)
    return copy


def redact_at(kind: str, path: str, value: Any) -> Any:
    """Return what may be told of one value in an object of a kind (``Kind.id``): None stays.

    A size stands for everything in a Secret, and for what lies at a path that sounds like one.
    """
    in_secret = kind == "secrets" and path.startswith(("data", "stringData"))
    if value is not None and (in_secret or _SECRET_NAME.search(path)):
        return _size(value)
    return _walk(value)


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        named = value.get("name")
        if isinstance(named, str) and "value" in value and _SECRET_NAME.search(named):
            return {**value, "value": _size(value["value"])}
        return {name: _walk(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner) for inner in value]
    return redact_text(value) if isinstance(value, str) else value


def _size(value: Any) -> str:
    return f"<{len(str(value))} bytes>"
