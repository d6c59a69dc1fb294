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
    # Entries of lists within the fields, found by their keys; filled as they are asked for.
    index: EntryIndex = field(default_factory=lambda: EntryIndex(), compare=False, repr=False)

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
        name = _member(node, step, value, writer.index)
        if name is None:
            return None
        node, value = node[name], value[step]
    return len(steps)


def last_of(writers: tuple[FieldManager, ...]) -> FieldManager | None:
    """Return who wrote last, or None if unknown."""
    return max(writers, key=lambda one: one.at, default=None)


def _member(node: Any, step: str | int, value: Any, index: EntryIndex) -> str | None:
    """Return the name in a FieldsV1 node of the step into ``value``."""
    if not isinstance(node, dict):
        return None
    if isinstance(step, str):
        name = f"f:{step}"
        return name if name in node else None
    return index.name_of(node, step, value[step])


class EntryIndex:
    """Finds which name of a FieldsV1 node denotes a list entry: by its keys, value or index.

    Names are parsed once and looked up by value: a list may have ten thousand entries, all changed.
    """

    def __init__(self) -> None:
        self._named: dict[int, _Named] = {}  # by id of a node, which the fields keep alive

    def name_of(self, node: Json, place: int, entry: Any) -> str | None:
        """Return the name, None if the node has none for the entry."""
        named = self._named.get(id(node))
        if named is None:
            named = self._named[id(node)] = _Named(node)
        return named.name_of(place, entry)


class _Named:
    """The names of one node."""

    def __init__(self, node: Json) -> None:
        self._plain: dict[bytes, str] = {}  # by value or index
        self._keyed: dict[tuple[str, ...], list[tuple[Json, str]]] = {}  # by the names of the keys
        self._found: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[bytes, str]] = {}
        for name in node:
            kind, _, rest = name.partition(":")
            if kind not in ("k", "v", "i"):
                continue
            try:
                value = orjson.loads(rest)
            except orjson.JSONDecodeError:
                continue
            if kind != "k":
                self._plain.setdefault(_canonical([kind, value]), name)
            elif isinstance(value, dict):
                self._keyed.setdefault(tuple(sorted(value)), []).append((value, name))

    def name_of(self, place: int, entry: Any) -> str | None:
        if isinstance(entry, dict):
            for keys in self._keyed:
                # a key missing from the desired state (protocol) has the server's default
                there = tuple(key for key in keys if key in entry)
                name = self._by_values(keys, there).get(_canonical([entry[key] for key in there]))
                if name is not None:
                    return name
        plain = self._plain
        return plain.get(_canonical(["v", entry])) or plain.get(_canonical(["i", place]))

    def _by_values(self, keys: tuple[str, ...], there: tuple[str, ...]) -> dict[bytes, str]:
        found = self._found.get((keys, there))
        if found is None:
            found = self._found[(keys, there)] = {}
            for value, name in self._keyed[keys]:
                found.setdefault(_canonical([value[key] for key in there]), name)
        return found


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
