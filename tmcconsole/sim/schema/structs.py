"""The types of the built-in kinds: their fields, as a kube-apiserver publishes them in OpenAPI.

They are kept in structs.txt, one type a line; a test compares it with a real server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from tmcconsole.kube.objects import Json

# Types without fields, and their OpenAPI form.
SCALARS: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "string": {"type": "string"},
        "bool": {"type": "boolean"},
        "int32": {"type": "integer", "format": "int32"},
        "int64": {"type": "integer", "format": "int64"},
        "float64": {"type": "number", "format": "double"},
        "bytes": {"type": "string", "format": "byte"},
        "time": {"type": "string", "format": "date-time"},
        "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "intstr": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
        "object": {"type": "object"},
        "any": {},
    }
)
LIST: Final = "[]"
MAP: Final = "{}"


@dataclass(frozen=True, slots=True)
class StructField:
    """One field. ``type`` is a scalar or struct name, after ``[]`` for a list, ``{}`` for a map."""

    name: str
    type: str
    is_required: bool = False
    patch_key: str = ""  # key of list items in a strategic merge patch
    patch_strategy: str = ""
    list_type: str = ""  # map, set or atomic
    list_keys: tuple[str, ...] = ()
    map_type: str = ""  # atomic: owned as a whole; granular overrides an atomic type


@dataclass(frozen=True, slots=True)
class Struct:
    """One type with fields. ``name`` has the form core.v1.PodSpec."""

    name: str
    fields: Mapping[str, StructField]
    is_atomic: bool = False


@cache
def structs() -> Mapping[str, Struct]:
    """Return all types by name."""
    text = files("tmcconsole.sim.schema").joinpath("structs.txt").read_text()
    found = (_struct(line) for line in text.splitlines() if line and not line.startswith("#"))
    return MappingProxyType({struct.name: struct for struct in found})


def struct_of(group: str, version: str, kind: str) -> Struct | None:
    """Return the type of a built-in kind, or None if the kind is not built in."""
    package = group.removesuffix(".k8s.io").partition(".")[0] or "core"
    return structs().get(f"{package}.{version}.{kind}")


@cache
def closure(name: str) -> frozenset[str]:
    """Return the names of a type and all types it refers to, directly or indirectly."""
    found: set[str] = set()
    wanted = {name}
    while wanted:
        struct = structs()[wanted.pop()]
        found.add(struct.name)
        types = {field.type.lstrip(LIST + MAP) for field in struct.fields.values()}
        wanted |= {type_ for type_ in types if type_ in structs()} - found
    return frozenset(found)


@cache
def quantity_fields(name: str) -> tuple[StructField, ...]:
    """Return the fields of a type that are or contain quantities."""
    return tuple(
        field for field in structs()[name].fields.values() if _leads_to_quantity(field.type)
    )


@cache
def _leads_to_quantity(type_: str) -> bool:
    inner = type_.lstrip(LIST + MAP)
    if inner not in structs():
        return inner == "quantity"
    all_fields = (field for name in closure(inner) for field in structs()[name].fields.values())
    return any(field.type.lstrip(LIST + MAP) == "quantity" for field in all_fields)


def _struct(line: str) -> Struct:
    head, _, rest = line.partition(" ")
    fields = (_field(word) for word in rest.split(" ") if word)
    return Struct(head.rstrip("%"), {field.name: field for field in fields}, head.endswith("%"))


def _field(word: str) -> StructField:
    """Read ``name!:[]type|marker=value``; the exclamation mark says that it is required."""
    declared, *markers = word.split("|")
    name, _, type_ = declared.partition(":")
    values = dict(marker.split("=") for marker in markers)
    keys = values.get("keys", "")
    return StructField(
        name=name.rstrip("!"),
        type=type_,
        is_required=name.endswith("!"),
        patch_key=values.get("patch", ""),
        patch_strategy=values.get("strategy", ""),
        list_type="map" if keys else values.get("list", ""),
        list_keys=tuple(keys.split(",")) if keys else (),
        map_type=values.get("map", ""),
    )
