"""Others' entries in keyed lists that make an apply of ours invalid. Pure.

Editing the key of an entry makes it another entry. An apply then restores the first one beside it,
and both have what only one may have, such as the name of a port.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.errors import Invalid
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Difference, Steps
from tmcconsole.kube.trees.managed_fields import APPLY, FieldManager, field_managers_of
from tmcconsole.sync.conflicts.judge import Contested, is_us
from tmcconsole.sync.conflicts.pointer_steps import pointer_to, value_at
from tmcconsole.sync.names.markers import MANAGER

_MEMBER: Final = re.compile(r"(.{1,500})\[[0-9]{1,6}\]\.([A-Za-z]{1,60})")
_INDEX: Final = re.compile(r"\[[0-9]{1,6}\]")
_LONGEST: Final = 256  # most entries of a list that is searched, which costs their square
_MOST: Final = 16  # causes of one refusal that are examined
_Names = tuple[str, ...]  # of FieldsV1, from the top


@dataclass(frozen=True, slots=True)
class ForeignEntry:
    """An entry that the desired state does not have, in a list that it has."""

    names: _Names
    steps: Steps  # within the live object
    owner: SafeText


def members_of(error: Invalid) -> frozenset[tuple[str, str]]:
    """Return the refused members of entries, as the path of the list and the member's name."""
    return frozenset(
        (_INDEX.sub("", found[1]), found[2])
        for cause in error.causes[:_MOST]
        if (found := _MEMBER.fullmatch(cause.field))
    )


def foreign_entries(error: Invalid, live: Json, desired: Json) -> tuple[ForeignEntry, ...]:
    """Return others' entries that have what the refused apply wanted for one of ours."""
    members = members_of(error)
    found_by_names: dict[_Names, ForeignEntry] = {}
    for writer in field_managers_of(live):
        if is_us(writer) or writer.subresource:
            continue
        for names, steps in _entries(writer.fields, live, (), ()):
            if _is_in_the_way(names, value_at(steps, live), desired, members):
                found_by_names[names] = ForeignEntry(names, steps, writer.name)
    return tuple(found_by_names.values())


def as_contested(entry: ForeignEntry, live: Json) -> Contested:
    """Return an entry as a field to remove."""
    pointer = str(pointer_to(entry.steps, live))
    path = pointer.strip("/").replace("/", ".")
    difference = Difference(path, None, value_at(entry.steps, live), entry.steps)
    return Contested(
        difference=difference, pointer=pointer, owner=entry.owner, suspect=SafeText(), cut=None
    )


def claim(live: Json, entries: tuple[ForeignEntry, ...]) -> list[Json]:
    """Return the JSON patch that makes us the only owner of the entries.

    An apply removes what its manager alone owns and does not state any more: they go in the very
    request that brings back ours. Its resourceVersion makes it a Conflict if anything changed.
    """
    managers: list[Json] = orjson.loads(orjson.dumps(live["metadata"]["managedFields"]))
    ours = next((one for one in managers if any(map(is_us, _writers(one)))), None)
    if ours is None:  # others have edited everything that we applied
        ours = {
            "manager": MANAGER,
            "operation": APPLY,
            "apiVersion": live["apiVersion"],
            "fieldsType": "FieldsV1",
            "fieldsV1": {},
        }
        managers.append(ours)
    for entry in entries:
        for manager in managers:
            if manager is not ours and isinstance(manager.get("fieldsV1"), dict):
                _take_out(manager["fieldsV1"], entry.names)
        node = ours["fieldsV1"]
        for name in entry.names:
            node = node.setdefault(name, {})
        node["."] = {}
    kept = [one for one in managers if one.get("fieldsV1")]
    version = live["metadata"]["resourceVersion"]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _writers(manager: Json) -> tuple[FieldManager, ...]:
    return field_managers_of({"metadata": {"managedFields": [manager]}})


def _entries(
    node: Mapping[str, Any], value: Any, names: _Names, steps: Steps
) -> Iterator[tuple[_Names, Steps]]:
    """Yield the existing keyed list entries in which a manager owns something."""
    for name, inner in node.items():
        step = _step(name, value)
        if step is None or not isinstance(inner, dict):
            continue
        below = ((*names, name), (*steps, step))
        if name.startswith("k:"):
            yield below
        yield from _entries(inner, value[step], *below)


def _step(name: str, value: Any) -> str | int | None:
    kind, _, rest = name.partition(":")
    if kind == "f" and isinstance(value, dict):
        return rest if rest in value else None
    if kind != "k" or not isinstance(value, list) or len(value) > _LONGEST:
        return None
    try:
        keys = orjson.loads(rest)
    except orjson.JSONDecodeError:
        return None
    for index, entry in enumerate(value):
        if isinstance(entry, dict) and all(entry.get(k, v) == v for k, v in keys.items()):
            return index
    return None


def _is_in_the_way(
    names: _Names, entry: Any, desired: Json, members: frozenset[tuple[str, str]]
) -> bool:
    beside: Any = desired
    for name in names[:-1]:
        step = _step(name, beside)
        if step is None:
            return False
        beside = beside[step]
    if not isinstance(beside, list) or _step(names[-1], beside) is not None:
        return False
    place = ".".join(name[2:] for name in names[:-1] if name.startswith("f:"))
    return any(
        path == place and any(entry.get(member) == one.get(member) for one in beside)
        for path, member in members
    )


def _take_out(fields: Json, names: _Names) -> None:
    """Remove a node and parents that become empty: an empty node would own its field."""
    first, *rest = names
    if first not in fields:
        return
    if rest:
        _take_out(fields[first], tuple(rest))
    if not rest or not fields[first]:
        del fields[first]
