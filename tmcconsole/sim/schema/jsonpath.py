"""The subset of JSONPath that printer columns and subresource paths use."""

from __future__ import annotations

from typing import Any


def at_path(tree: Any, path: str) -> Any:
    """Return what is at a path like ``.status.conditions[?(@.type=="Ready")].status``, or None."""
    found = tree
    for step in _steps(path):
        if isinstance(step, tuple):
            field, value = step
            items = found if isinstance(found, list) else ()
            found = next((i for i in items if isinstance(i, dict) and i.get(field) == value), None)
        elif isinstance(step, int):
            found = found[step] if isinstance(found, list) and len(found) > step else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def _steps(path: str) -> list[str | int | tuple[str, str]]:
    steps: list[str | int | tuple[str, str]] = []
    for part in _split(path.strip("{}")):
        name, bracket, rest = part.partition("[")
        if name:
            steps.append(name)
        if not bracket:
            continue
        inner = rest.rstrip("]")
        if inner.startswith("?(@."):
            field, _, value = inner[4:].rstrip(")").partition("==")
            steps.append((field.strip(), value.strip().strip("'\"")))
        elif inner.isdigit():
            steps.append(int(inner))
        else:
            steps.append(inner.strip("'\""))
    return steps


def _split(path: str) -> list[str]:
    """Split at dots outside brackets; a backslash escapes a dot."""
    parts, current, depth, escaped = [], "", 0, False
    for character in path:
        if escaped:
            current, escaped = current + character, False
        elif character == "\\":
            escaped = True
        elif character == "." and not depth:
            parts.append(current)
            current = ""
        else:
            depth += (character == "[") - (character == "]")
            current += character
    return [part for part in [*parts, current] if part]
