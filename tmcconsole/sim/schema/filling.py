"""A tree as its shape or schema has it: nothings dropped, defaults filled in."""

from __future__ import annotations

from typing import Any

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.shapes import ValueShape


def typed(value: Any, shape: ValueShape) -> Any:
    """Return a tree as a typed server holds it: no nulls, empty lists or empty open maps.

    An empty struct stays: ``emptyDir: {}`` has a meaning.
    """
    if isinstance(value, dict):
        kept = {key: typed(child, shape.child(key)) for key, child in value.items()}
        return {key: child for key, child in kept.items() if not _is_nothing(child, shape, key)}
    if isinstance(value, list):
        return [typed(_zero(shape) if item is None else item, shape.item) for item in value]
    return value


def _zero(shape: ValueShape) -> Any:
    """Return what a null in a list becomes."""
    return {} if shape.item.fields or shape.item.is_atomic else ""


def _is_nothing(value: Any, shape: ValueShape, key: str) -> bool:
    return value is None or value == [] or (value == {} and shape.child(key).is_open)


def fill_schema(value: Any, schema: Json) -> None:
    """Fill in the defaults that a CRD's structural schema states, in place."""
    if isinstance(value, list):
        for item in value:
            fill_schema(item, schema.get("items") or {})
    elif isinstance(value, dict):
        _fill_map(value, schema)


def _fill_map(value: Json, schema: Json) -> None:
    for name, child in (schema.get("properties") or {}).items():
        if "default" in child and (name not in value or _is_unwanted_null(value[name], child)):
            value[name] = _copy(child["default"])
        if name in value:
            fill_schema(value[name], child)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for name in value.keys() - (schema.get("properties") or {}).keys():
            fill_schema(value[name], extra)


def _is_unwanted_null(value: Any, schema: Json) -> bool:
    return value is None and not schema.get("nullable")


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(child) for key, child in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
