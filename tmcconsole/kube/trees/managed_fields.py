"""Who owns which field: managedFields, read when a manager has to be named. Pure.

Caches do not keep managedFields; the input here comes from a live read of one object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Steps

APPLY: Final = "Apply"


@dataclass(frozen=True, slots=True)
class FieldManager:
    """One entry of managedFields: a manager and the fields it owns."""

    manager: SafeText
    operation: str  # Apply | Update
    subresource: str  # "" | status | scale
    at: str  # RFC 3339; "" if the server does not say
    fields: Json = field(hash=False)  # FieldsV1

    @property
    def name(self) -> SafeText:
        """The manager, with the subresource it wrote through."""
        through = f"/{self.subresource}" if self.subresource else ""
        return SafeText(f"{self.manager}{through}")


def field_managers_of(tree: Mapping[str, Any]) -> tuple[FieldManager, ...]:
    """Return all owners of fields of a live object; malformed entries are skipped."""
    entries = (tree.get("metadata") or {}).get("managedFields")
    found = entries if isinstance(entries, list) else []
    return tuple(
        FieldManager(
            manager=SafeText(entry.get("manager", "")),
            operation=str(entry.get("operation") or ""),
            subresource=str(entry.get("subresource") or ""),
            at=str(entry.get("time") or ""),
            fields=entry["fieldsV1"],
        )
        for entry in found
        if isinstance(entry, dict) and isinstance(entry.get("fieldsV1"), dict)
    )


def depth_of(writer: FieldManager, steps: Steps, tree: Any) -> int | None:
    """Return how many of ``steps`` lead to the field that the manager owns, None if it owns none.

    Fewer than all if a parent is owned as a whole (an atomic list or map). ``tree`` is the object
    that list indexes in the steps refer to.
    """
    node: Any = writer.fields
    value: Any = tree
    for taken, step in enumerate(steps):
        if taken and not node:
            return taken
        name = _member(node, step, value)
        if name is None:
            return None
        node, value = node[name], value[step]
    return len(steps)


def last_of(writers: tuple[FieldManager, ...]) -> FieldManager | None:
    """Return who wrote last, or None if unknown."""
    return max(writers, key=lambda one: one.at, default=None)


def _member(node: Any, step: str | int, value: Any) -> str | None:
    """Return the name in a FieldsV1 node of the step into ``value``."""
    if not isinstance(node, dict):
        return None
    if isinstance(step, str):
        name = f"f:{step}"
        return name if name in node else None
    return next((name for name in node if _names_entry(name, step, value[step])), None)


def _names_entry(name: str, index: int, entry: Any) -> bool:
    """True if a FieldsV1 name denotes a list entry: by its keys, value or index."""
    kind, _, rest = name.partition(":")
    if kind not in ("k", "v", "i"):
        return False
    try:
        named = orjson.loads(rest)
    except orjson.JSONDecodeError:
        return False
    if kind == "k" and isinstance(named, dict) and isinstance(entry, dict):
        # a key missing from the desired state (protocol) has the server's default
        return all(entry.get(key, value) == value for key, value in named.items())
    return bool(named == (index if kind == "i" else entry)) and kind != "k"
