"""Which fields an object may have, and of which types.

Built-in kinds are held to the types of a kube-apiserver, custom ones to their schema, and the
metadata of both to ObjectMeta.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.schema.formats import is_formatted
from tmcconsole.sim.schema.quantities import is_quantity
from tmcconsole.sim.schema.structs import LIST, MAP, Struct, StructField, struct_of, structs
from tmcconsole.sim.schema.structural import unknown_fields
from tmcconsole.sim.storage.kinds import SimKind

_META: Final = StructField("metadata", "meta.v1.ObjectMeta")
_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "bool": (bool,),
    "int32": (int,),
    "int64": (int,),
    "float64": (int, float),
    "bytes": (str,),
    "time": (str,),
    "quantity": (str, int, float),
    "intstr": (str, int),
}
_INT32: Final = range(-(2**31), 2**31)
_RANGES: Final = {"int32": _INT32, "intstr": _INT32, "int64": range(-(2**63), 2**63)}
_JSON_NAMES: Final = {dict: "object", list: "array", str: "string", bool: "bool"}
_GO_SCALARS: Final = {
    "bytes": "[]uint8",
    "time": "v1.Time",
    "quantity": "resource.Quantity",
    "intstr": "intstr.IntOrString",
}


@dataclass(frozen=True, slots=True)
class Mistyped:
    """A value of the wrong type: its path, and the error of Go's JSON decoder."""

    path: str
    why: str


def unknown(kind: SimKind, tree: Json) -> list[str]:
    """Return the paths of unknown fields."""
    struct = _struct(kind)
    if struct is not None:
        return list(_unknown(tree, struct.name, ""))
    meta = list(_unknown(tree.get("metadata"), _META.type, "metadata"))
    return meta + (unknown_fields(tree, kind.schema) if kind.schema else [])


def without_unknown(kind: SimKind, tree: Json) -> Json:
    """Return an object without unknown fields; of a custom resource only metadata is pruned."""
    struct = _struct(kind)
    if struct is None:
        return {**tree, "metadata": _known(tree["metadata"], _META.type)}
    known: Json = _known(tree, struct.name)
    return known


def mistyped(kind: SimKind, tree: Json) -> Mistyped | None:
    """Return the first field of the wrong type."""
    struct = _struct(kind)
    if struct is not None:
        return next(_mistyped(tree, struct.name, "", ""), None)
    return next(_mistyped(tree.get("metadata"), _META.type, "metadata", kind.kind), None)


def _struct(kind: SimKind) -> Struct | None:
    return None if kind.is_custom else struct_of(kind.group, kind.version, kind.kind)


def _unknown(value: Any, type_: str, path: str) -> Iterator[str]:
    if isinstance(value, list) and type_.startswith(LIST):
        for index, item in enumerate(value):
            yield from _unknown(item, type_[2:], f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    struct = structs().get(type_)
    for key, child in value.items():
        place = f"{path}.{key}" if path else key
        if struct is not None and key not in struct.fields:
            yield place
        elif isinstance(child, (dict, list)):
            yield from _unknown(child, _type_of(type_, struct, key), place)


def _known(value: Any, type_: str) -> Any:
    if isinstance(value, list) and type_.startswith(LIST):
        return [_known(item, type_[2:]) for item in value]
    if not isinstance(value, dict):
        return value
    struct = structs().get(type_)
    return {
        key: _known(child, _type_of(type_, struct, key))
        if isinstance(child, (dict, list))
        else child
        for key, child in value.items()
        if struct is None or key in struct.fields
    }


def _type_of(type_: str, struct: Struct | None, key: str) -> str:
    """Return the type of a map's entry, "any" if it is not known."""
    if struct is not None:
        return struct.fields[key].type
    return type_[2:] if type_.startswith(MAP) else "any"


def _mistyped(value: Any, type_: str, path: str, owner: str) -> Iterator[Mistyped]:
    """Yield values of the wrong type; ``owner`` is the struct that has the value as a field."""
    if value is None:
        return
    garbled = _garbled(value, type_)
    if garbled:
        yield Mistyped(path, garbled)
    elif not _fits(value, type_):
        what = f"{owner}.{path} of type {_go_type(type_)}" if path else f"type {_go_type(type_)}"
        into = f"Go struct field {what}" if path else f"Go value of {what}"
        yield Mistyped(path, f"json: cannot unmarshal {_found(value, type_)} into {into}")
    elif isinstance(value, list) and type_.startswith(LIST):
        for item in value:
            yield from _mistyped(item, type_[2:], path, owner)
    elif isinstance(value, dict):
        yield from _mistyped_entries(value, type_, path, owner)


def _mistyped_entries(value: Json, type_: str, path: str, owner: str) -> Iterator[Mistyped]:
    struct = structs().get(type_)
    if struct is None:
        for child in value.values():
            yield from _mistyped(child, _type_of(type_, None, ""), path, owner)
        return
    owner = type_.rpartition(".")[2]
    for key, child in value.items():
        if key in struct.fields:
            place = f"{path}.{key}" if path else key
            yield from _mistyped(child, struct.fields[key].type, place, owner)


def _garbled(value: Any, type_: str) -> str:
    """Return why a string does not parse as its type, or ""."""
    if not isinstance(value, str):
        return ""
    if type_ == "quantity" and not is_quantity(value):
        form = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
        return f"quantities must match the regular expression '{form}'"
    if type_ == "bytes" and not is_formatted(value, "byte"):
        return "illegal base64 data at input byte 0"
    if type_ == "time" and not is_formatted(value, "date-time"):
        return f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse it'
    return ""


def _fits(value: Any, type_: str) -> bool:
    if type_.startswith(LIST):
        return isinstance(value, list)
    if type_.startswith(MAP) or type_ in structs():
        return isinstance(value, dict)
    if isinstance(value, bool) and type_ in _PYTHON_TYPES:
        return type_ == "bool"
    if isinstance(value, int) and type_ in _RANGES:
        return value in _RANGES[type_]
    return isinstance(value, _PYTHON_TYPES.get(type_, (object,)))


def _found(value: Any, type_: str) -> str:
    """Return Go's name for a JSON value; a number in place of an integer is quoted."""
    if isinstance(value, (int, float)) and type_ in _RANGES:
        return f"number {orjson.dumps(value).decode()}"
    return _JSON_NAMES.get(type(value), "number")


def _go_type(type_: str) -> str:
    if type_.startswith(LIST):
        return f"[]{_go_type(type_[2:])}"
    if type_.startswith(MAP):
        return f"map[string]{_go_type(type_[2:])}"
    package, _, name = type_.rpartition(".")
    return f"{package.rpartition('.')[2]}.{name}" if package else _GO_SCALARS.get(type_, type_)
