"""A CRD's structural schema: pruning and validation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.schema.formats import fits_number, is_formatted
from tmcconsole.sim.storage.status_errors import StatusCause

_EITHER: Final = "x-kubernetes-int-or-string"
_ALWAYS: Final = ("apiVersion", "kind", "metadata")
_PYTHON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_NAMES: Final = {dict: "object", list: "array", str: "string", bool: "boolean"}


def prune_unknown(tree: Json, schema: Json) -> Json:
    """Return an object without the fields that are not in its schema."""
    kept = {key: tree[key] for key in _ALWAYS if key in tree}
    rest = {key: value for key, value in tree.items() if key not in _ALWAYS}
    return {**kept, **_prune(rest, schema)}


def unknown_fields(tree: Json, schema: Json) -> list[str]:
    """Return the paths of the fields that are not in the schema."""
    rest = {key: value for key, value in tree.items() if key not in _ALWAYS}
    return list(_unknown(rest, schema, ""))


def violations(value: Any, schema: Json, path: str = "") -> Iterator[StatusCause]:
    """Yield the violations of the schema in ``value``."""
    if value is None:
        if not schema.get("nullable") and schema.get("type"):
            yield _wrong_type(path, "null", schema["type"])
        return
    wanted = "integer,string" if schema.get(_EITHER) else schema.get("type") or ""
    if wanted and not any(_has_type(value, one) for one in wanted.split(",")):
        yield _wrong_type(path, _type_name(value), wanted)
        return
    yield from _combined(value, schema, path)
    yield from _limits(value, schema, path)
    if isinstance(value, dict):
        yield from _object_violations(value, schema, path)
    elif isinstance(value, list):
        yield from _list_violations(value, schema, path)


def _prune(value: Any, schema: Json) -> Any:
    if isinstance(value, list):
        items = schema.get("items")
        return [_prune(item, items) for item in value] if items is not None else value
    if not isinstance(value, dict):
        return value
    if schema.get("x-kubernetes-embedded-resource"):
        return prune_unknown(value, schema)
    return {
        key: _prune(child, found)
        for key, child in value.items()
        if (found := _child(schema, key)) is not None
    }


def _child(schema: Json, key: str) -> Json | None:
    """Return the schema of a field, or None if the field is unknown."""
    properties: Json = schema.get("properties") or {}
    if key in properties:
        found: Json = properties[key]
        return found
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        return extra
    if extra or schema.get("x-kubernetes-preserve-unknown-fields"):
        return {"x-kubernetes-preserve-unknown-fields": True}
    return None if schema else {"x-kubernetes-preserve-unknown-fields": True}


def _unknown(value: Any, schema: Json, path: str) -> Iterator[str]:
    if isinstance(value, list) and schema.get("items") is not None:
        for index, item in enumerate(value):
            yield from _unknown(item, schema["items"], f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    is_object = bool(schema.get("x-kubernetes-embedded-resource"))
    for key, child in value.items():
        if is_object and key in _ALWAYS:
            continue
        place = f"{path}.{key}" if path else key
        found = _child(schema, key)
        if found is None:
            yield place
        else:
            yield from _unknown(child, found, place)


def _combined(value: Any, schema: Json, path: str) -> Iterator[StatusCause]:
    """Yield violations of ``not``, ``allOf``, ``anyOf``, ``oneOf``, and why the first one fails."""

    def broken(word: str) -> list[list[StatusCause]]:
        return [list(violations(value, part, path)) for part in schema.get(word) or ()]

    def whole(text: str) -> StatusCause:
        return StatusCause("FieldValueInvalid", f'Invalid value: "": "{path}" must {text}', "<nil>")

    if "not" in schema and not list(violations(value, schema["not"], path)):
        yield whole("not validate the schema (not)")
    found = broken("allOf")
    if any(found):
        none = ". None validated" if all(found) else ""
        yield whole(f"validate all the schemas (allOf){none}")
        yield from (cause for causes in found for cause in causes)
    found = broken("anyOf")
    if found and all(found):
        yield whole("validate at least one schema (anyOf)")
        yield from found[0]
    found = broken("oneOf")
    fitting = sum(not causes for causes in found)
    if found and fitting != 1:
        told = f"Found {fitting} valid alternatives" if fitting else "Found none valid"
        yield whole(f"validate one and only one schema (oneOf). {told}")
        yield from () if fitting else found[0]


def _object_violations(value: Json, schema: Json, path: str) -> Iterator[StatusCause]:
    yield from _size(value, schema, path)
    for name in schema.get("required") or ():
        if name not in value:
            place = f"{path}.{name}" if path else name
            yield StatusCause("FieldValueRequired", "Required value", place)
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for key, child in value.items():
        found = properties.get(key) or (extra if isinstance(extra, dict) else None)
        if found and not (not path and key in _ALWAYS):
            yield from violations(child, found, f"{path}.{key}" if path else key)


def _size(value: Json, schema: Json, path: str) -> Iterator[StatusCause]:
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and len(value) < least:
        text = f"{path} in body should have at least {least} properties"
        yield StatusCause("FieldValueInvalid", f"Invalid value: {len(value)}: {text}", path)
    if most is not None and len(value) > most:
        text = f"Too many: {len(value)}: must have at most {most} items"
        yield StatusCause("FieldValueTooMany", text, path)


def _list_violations(value: list[Any], schema: Json, path: str) -> Iterator[StatusCause]:
    items = schema.get("items")
    if items:
        for index, item in enumerate(value):
            yield from violations(item, items, f"{path}[{index}]")
    yield from _duplicates(value, schema, path)
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        text = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
        yield StatusCause("FieldValueTooMany", text, path)
    if "minItems" in schema and len(value) < schema["minItems"]:
        least = schema["minItems"]
        text = f"Invalid value: {len(value)}: {path} in body should have at least {least} items"
        yield StatusCause("FieldValueInvalid", text, path)


def _duplicates(value: list[Any], schema: Json, path: str) -> Iterator[StatusCause]:
    """Yield the duplicate items of a set, or of a list with keys."""
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: set[bytes] = set()
    for index, item in enumerate(value):
        is_entry = kind == "map" and isinstance(item, dict)
        known = {key: item[key] for key in keys if key in item} if is_entry else item
        shown = orjson.dumps(known)
        if shown in seen:
            text = f"Duplicate value: {shown.decode()}"
            yield StatusCause("FieldValueDuplicate", text, f"{path}[{index}]")
        seen.add(shown)


def _limits(value: Any, schema: Json, path: str) -> Iterator[StatusCause]:
    choices = schema.get("enum")
    if choices is not None and value not in choices:
        shown = ", ".join(f'"{choice}"' for choice in choices)
        text = f"Unsupported value: {_quoted(value)}: supported values: {shown}"
        yield StatusCause("FieldValueNotSupported", text, path)
    if isinstance(value, str):
        yield from _string_limits(value, schema, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number_limits(value, schema, path)


def _string_limits(value: str, schema: Json, path: str) -> Iterator[StatusCause]:
    form = schema.get("format") or ""
    if not is_formatted(value, form):
        text = f'Invalid value: "{value}": {path} in body must be of type {form}: "{value}"'
        yield StatusCause("FieldValueTypeInvalid", text, path)
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        text = f"Invalid value: \"{value}\": {path} in body should match '{pattern}'"
        yield StatusCause("FieldValueInvalid", text, path)
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if longest is not None and len(value) > longest:
        yield StatusCause(
            "FieldValueTooLong", f"Too long: may not be more than {longest} bytes", path
        )
    if shortest is not None and len(value) < shortest:
        text = f'Invalid value: "{value}": {path} in body should be at least {shortest} chars long'
        yield StatusCause("FieldValueInvalid", text, path)


def _number_limits(value: float, schema: Json, path: str) -> Iterator[StatusCause]:
    form = schema.get("format") or ""
    if not fits_number(value, form):
        text = f"Checked value must be of type {schema.get('type')} with format {form} in {path}"
        yield StatusCause("FieldValueInvalid", f'Invalid value: "": {text}', "<nil>")
    step = schema.get("multipleOf")
    if step and Fraction(str(value)) % Fraction(str(step)):
        yield _number(value, path, f"a multiple of {step}")
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    # The server's messages omit the fraction of a bound.
    if least is not None and (value <= least if above else value < least):
        yield _number(value, path, f"greater than {'' if above else 'or equal to '}{int(least)}")
    if most is not None and (value >= most if below else value > most):
        yield _number(value, path, f"less than {'' if below else 'or equal to '}{int(most)}")


def _number(value: float, path: str, wanted: str) -> StatusCause:
    text = f"Invalid value: {value}: {path} in body should be {wanted}"
    return StatusCause("FieldValueInvalid", text, path)


def _has_type(value: Any, wanted: str) -> bool:
    if isinstance(value, bool) and wanted != "boolean":
        return False
    return isinstance(value, _PYTHON_TYPES.get(wanted, (object,)))


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return _NAMES.get(type(value), "number")


def _wrong_type(path: str, found: str, wanted: str) -> StatusCause:
    text = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    return StatusCause("FieldValueTypeInvalid", text, path)


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
