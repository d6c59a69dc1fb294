"""How trees merge: which lists are keyed, which are sets, which maps are owned as a whole.

The rules are Kubernetes' ``listType``, ``listMapKey``, ``mapType`` and ``patchMergeKey`` markers,
by field; those of built-in kinds are in ``structshapes``. Where nothing is said, maps merge by key
and lists are replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of one value. The empty shape fits anything without special rules."""

    fields: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None  # of list items, or of the values of an open map
    keys: tuple[str, ...] = ()  # identity of a list's items, for server-side apply
    key_defaults: Mapping[str, Any] = field(default_factory=dict)
    patch_key: str = ""  # identity of a list's items, for a strategic merge patch
    is_set: bool = False  # a list of distinct scalars
    is_atomic: bool = False  # owned and replaced as a whole
    is_open: bool = False  # a map whose keys are data: its entries are owned one by one

    def child(self, name: str) -> Shape:
        """Return the shape of a map's entry."""
        return self.fields.get(name) or self.each or DEFAULT

    @property
    def item(self) -> Shape:
        """The shape of a list's items."""
        return self.each or DEFAULT


DEFAULT: Final = Shape()
ATOMIC: Final = Shape(is_atomic=True)
OPEN: Final = Shape(is_open=True)
SET: Final = Shape(is_set=True)
# A value nothing is known of, in a custom resource: maps merge, their entries are owned.
DEDUCED: Final = Shape(is_open=True)


METADATA: Final = Shape(
    fields={
        "labels": OPEN,
        "annotations": OPEN,
        "finalizers": SET,
        "ownerReferences": Shape(each=ATOMIC, keys=("uid",), patch_key="uid"),
    }
)
PLAIN: Final = Shape(fields={"metadata": METADATA})


def of_schema(schema: Mapping[str, Any]) -> Shape:
    """Return the shape that a CRD's structural schema describes, of a whole object."""
    top = _shape_of(schema)
    return replace(top, fields=dict(top.fields) | {"metadata": METADATA}, is_atomic=False)


def _shape_of(schema: Mapping[str, Any]) -> Shape:
    if schema.get("type") == "array":
        return _list_shape(schema)
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    return Shape(
        fields={name: _shape_of(child) for name, child in properties.items()},
        each=_shape_of(extra) if isinstance(extra, dict) else DEDUCED,
        is_open=True,
        is_atomic=schema.get("x-kubernetes-map-type") == "atomic",
    )


def _list_shape(schema: Mapping[str, Any]) -> Shape:
    items = schema.get("items") or {}
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "set":
        return SET
    if kind != "map":
        return Shape(each=_shape_of(items), is_atomic=True)
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    properties = items.get("properties") or {}
    defaults = {key: properties[key]["default"] for key in keys if _has_default(properties, key)}
    return Shape(each=_shape_of(items), keys=keys, key_defaults=defaults, patch_key=keys[0])


def _has_default(properties: Mapping[str, Any], key: str) -> bool:
    return "default" in (properties.get(key) or {})
