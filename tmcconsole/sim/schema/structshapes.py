"""How objects of the built-in kinds merge, according to their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from tmcconsole.sim.schema.structs import LIST, MAP, Struct, StructField, struct_of, structs
from tmcconsole.sim.storage.shapes import ATOMIC, DEFAULT, METADATA, PLAIN, ValueShape

_OBJECT_META: Final = "meta.v1.ObjectMeta"


@cache
def shape_of_kind(group: str, version: str, kind: str) -> ValueShape:
    """Return the shape of a built-in kind's objects, the default one if its type is not known."""
    struct = struct_of(group, version, kind)
    return _struct(struct.name) if struct else PLAIN


class _Fields(Mapping[str, ValueShape]):
    """The shapes of a type's fields, made on demand since types can be recursive."""

    def __init__(self, struct: Struct) -> None:
        self._fields = struct.fields
        self._found: dict[str, ValueShape] = {}

    def __getitem__(self, name: str) -> ValueShape:
        if name not in self._found:
            self._found[name] = _field(self._fields[name])
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@cache
def _struct(name: str, map_type: str = "") -> ValueShape:
    if name == _OBJECT_META:
        return METADATA
    if name not in structs():
        return ATOMIC if name == "object" else DEFAULT
    struct = structs()[name]
    is_atomic = struct.is_atomic if not map_type else map_type == "atomic"
    return ValueShape(fields=_Fields(struct), is_atomic=is_atomic)


def _field(field: StructField) -> ValueShape:
    if field.type.startswith(MAP):
        each = _type(field.type.removeprefix(MAP))
        return ValueShape(each=each, is_open=True, is_atomic=field.map_type == "atomic")
    if not field.type.startswith(LIST):
        return _struct(field.type, field.map_type)
    return ValueShape(
        each=_type(field.type.removeprefix(LIST)),
        keys=field.list_keys,
        key_defaults={"protocol": "TCP"} if "protocol" in field.list_keys else {},
        patch_key=field.patch_key if "merge" in field.patch_strategy else "",
        is_set=field.list_type == "set",
        is_atomic=field.list_type == "atomic",
    )


def _type(type_: str) -> ValueShape:
    """Return the shape of a list's items or a map's values."""
    if type_.startswith(MAP):
        return ValueShape(each=_type(type_.removeprefix(MAP)), is_open=True)
    if type_.startswith(LIST):
        return ValueShape(each=_type(type_.removeprefix(LIST)))
    return _struct(type_)
