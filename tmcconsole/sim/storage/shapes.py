"""How trees merge: which lists are keyed, which are sets, which maps are atomic.

The rules are Kubernetes' ``listType``, ``listMapKey``, ``mapType`` and ``patchMergeKey`` markers,
by field; those of built-in kinds are in ``structshapes``. Where nothing is said, maps merge by key
and lists are replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ValueShape:
    """The merge rules of one value. The empty shape has no special rules."""

    fields: Mapping[str, ValueShape] = field(default_factory=dict)
    each: ValueShape | None = None  # of list items, or of the values of a map with arbitrary keys
    keys: tuple[str, ...] = ()  # keys of list items, for server-side apply
    key_defaults: Mapping[str, Any] = field(default_factory=dict)
    patch_key: str = ""  # key of list items, for a strategic merge patch
    is_set: bool = False  # a set of scalars
    is_atomic: bool = False  # owned and replaced as a whole
    is_open: bool = False  # a map with arbitrary keys, each owned separately

    def child(self, name: str) -> ValueShape:
        """Return the shape of a map's entry."""
        return self.fields.get(name) or self.each or DEFAULT

    @property
    def item(self) -> ValueShape:
        """The shape of a list's items."""
        return self.each or DEFAULT


DEFAULT: Final = ValueShape()
ATOMIC: Final = ValueShape(is_atomic=True)
OPEN: Final = ValueShape(is_open=True)
SET: Final = ValueShape(is_set=True)
# A value without schema in a custom resource: maps merge, and their entries are owned.
DEDUCED: Final = ValueShape(is_open=True)


METADATA: Final = ValueShape(
    fields={
        "labels": OPEN,
        "annotations": OPEN,
        "finalizers": SET,
        "ownerReferences": ValueShape(each=ATOMIC, keys=("uid",), patch_key="uid"),
    }
)
PLAIN: Final = ValueShape(fields={"metadata": METADATA})


def of_schema(schema: Mapping[str, Any]) -> ValueShape:
    """Return the shape of a whole object from a CRD's structural schema."""
    top = _shape_of(schema)
    return replace(top, fields=dict(top.fields) | {"metadata": METADATA}, is_atomic=False)


def _shape_of(schema: Mapping[str, Any]) -> ValueShape:
    if schema.get("type") == "array":
        return _list_shape(schema)
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    return ValueShape(
        fields={name: _shape_of(child) for name, child in properties.items()},
        each=_shape_of(extra) if isinstance(extra, dict) else DEDUCED,
        is_open=True,
        is_atomic=schema.get("x-kubernetes-map-type") == "atomic",
    )


def _list_shape(schema: Mapping[str, Any]) -> ValueShape:
    items = schema.get("items") or {}
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "set":
        return SET
    if kind != "map":
        return ValueShape(each=_shape_of(items), is_atomic=True)
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    properties = items.get("properties") or {}
    defaults = {key: properties[key]["default"] for key in keys if _has_default(properties, key)}
    return ValueShape(each=_shape_of(items), keys=keys, key_defaults=defaults, patch_key=keys[0])


def _has_default(properties: Mapping[str, Any], key: str) -> bool:
    return "default" in (properties.get(key) or {})
