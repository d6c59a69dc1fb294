"""Whether one API server accepts the custom resources that another one accepts. Pure.

Structural schemas (KEP 1979) are compared field by field: the receiving side may be wider, never
narrower. Constraints on single values (bounds, patterns, CEL rules) are left to the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

Schema = Mapping[str, Any]

# Never part of the desired state: set by the server, or synced in the other direction.
_NOT_WRITTEN: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
_LOOSE: Final = "x-kubernetes-preserve-unknown-fields"
_EITHER: Final = "x-kubernetes-int-or-string"
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_WIDER: Final[Mapping[str, frozenset[str]]] = {
    "integer": frozenset({"integer", "number", "int-or-string"}),
    "string": frozenset({"string", "int-or-string"}),
}
MAX_DEPTH: Final = 64  # deeper schemas are only made to attack


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One field for which the receiver's schema is narrower than the sender's."""

    field: str  # spec.ports[].name; "" is the whole object
    what: str

    def __str__(self) -> str:
        return f"{self.field or 'the object'}: {self.what}"


def schema_in(definition: Schema, version: str) -> Schema | None:
    """Return the schema of a version in a CustomResourceDefinition, or None if it has none."""
    versions = (definition.get("spec") or {}).get("versions") or ()
    for entry in versions:
        if isinstance(entry, Mapping) and entry.get("name") == version:
            found = (entry.get("schema") or {}).get("openAPIV3Schema")
            return found if isinstance(found, Mapping) else None
    return None


def narrowings(sender: Schema, receiver: Schema) -> tuple[Narrowing, ...]:
    """Return where ``receiver`` rejects or drops what ``sender`` accepts, sorted by field."""
    here, there = _properties(sender), _properties(receiver)
    found: list[Narrowing] = list(_missing_required(sender, receiver, ""))
    for name in sorted(set(here) - _NOT_WRITTEN):
        found += _property(here[name], there.get(name), receiver, name, 1)
    return tuple(sorted(set(found), key=lambda one: (one.field, one.what)))


def _compare(sender: Schema, receiver: Schema, path: str, depth: int) -> Iterator[Narrowing]:
    if depth > MAX_DEPTH or _takes_anything(receiver):
        return
    here, there = _type(sender), _type(receiver)
    if not here:  # the sender does not give a type: single objects will tell
        return
    if here != there and there not in _WIDER.get(here, ()):
        yield Narrowing(path, f"{here} in the hub, {there or 'nothing'} there")
        return
    if sender.get("nullable") and not receiver.get("nullable"):
        yield Narrowing(path, "may be null in the hub, not there")
    yield from _enums(sender, receiver, path)
    if here == "array":
        items = _part(sender, "items"), _part(receiver, "items")
        yield from _compare(*items, f"{path}[]", depth + 1)
    if here == "object" and not sender.get(_EMBEDDED):
        yield from _objects(sender, receiver, path, depth)


def _objects(sender: Schema, receiver: Schema, path: str, depth: int) -> Iterator[Narrowing]:
    yield from _missing_required(sender, receiver, path)
    here, values = _properties(sender), sender.get("additionalProperties")
    for name in sorted(here):
        there = _properties(receiver).get(name)
        yield from _property(here[name], there, receiver, f"{path}.{name}", depth)
    if isinstance(values, Mapping):
        yield from _map_values(values, receiver, path, depth)


def _map_values(values: Schema, receiver: Schema, path: str, depth: int) -> Iterator[Narrowing]:
    there = receiver.get("additionalProperties")
    if isinstance(there, Mapping):
        yield from _compare(values, there, f"{path}.*", depth + 1)
    elif not there and not receiver.get(_LOOSE):
        yield Narrowing(path, "a map in the hub, fixed fields there")


def _property(
    sender: Schema, receiver: object, parent: Schema, path: str, depth: int
) -> Iterator[Narrowing]:
    """``parent`` is the receiver's object that has the field, or would drop it."""
    if isinstance(receiver, Mapping):
        yield from _compare(sender, receiver, path, depth + 1)
        return
    values = parent.get("additionalProperties")
    if isinstance(values, Mapping):
        yield from _compare(sender, values, path, depth + 1)
    elif not values and not parent.get(_LOOSE):
        yield Narrowing(path, "unknown there and would be dropped")


def _missing_required(sender: Schema, receiver: Schema, path: str) -> Iterator[Narrowing]:
    always = set(_names(sender.get("required"))) | (_NOT_WRITTEN if not path else set())
    for name in sorted(set(_names(receiver.get("required"))) - always):
        if "default" not in (_properties(receiver).get(name) or {}):
            yield Narrowing(f"{path}.{name}".lstrip("."), "required there, not in the hub")


def _enums(sender: Schema, receiver: Schema, path: str) -> Iterator[Narrowing]:
    there = receiver.get("enum")
    if not isinstance(there, list):
        return
    here = sender.get("enum")
    if not isinstance(here, list):
        yield Narrowing(path, f"any value in the hub, only {_shown(there)} there")
        return
    known = {orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in there}
    lost = [v for v in here if orjson.dumps(v, option=orjson.OPT_SORT_KEYS) not in known]
    if lost:
        yield Narrowing(path, f"{_shown(lost)} in the hub, not there")


def _takes_anything(schema: Schema) -> bool:
    is_open = bool(schema.get(_LOOSE)) and not _properties(schema) and not schema.get("required")
    return is_open and schema.get("type") in (None, "object")


def _type(schema: Schema) -> str:
    return "int-or-string" if schema.get(_EITHER) else str(schema.get("type") or "")


def _properties(schema: Schema) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _part(schema: Schema, name: str) -> Schema:
    found = schema.get(name)
    return found if isinstance(found, Mapping) else {}


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _shown(values: list[Any]) -> str:
    return ", ".join(str(value)[:40] for value in values[:5])
