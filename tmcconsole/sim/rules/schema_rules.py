"""What makes a CRD's schema structural, and which of its keywords a server refuses.

The rules are those of k8s.io/apiextensions-apiserver: structural.go, complete.go, validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import barred, wrong
from tmcconsole.sim.schema.structural import prune_unknown, violations
from tmcconsole.sim.storage.status_errors import StatusCause

_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean")
_NEVER: Final = ("$ref", "uniqueItems", "patternProperties", "definitions", "dependencies", "id")
_NEVER_SET: Final = ("additionalItems",)
# Keywords allowed only outside allOf, anyOf, oneOf and not.
_STRUCTURE: Final = (
    "type",
    "title",
    "description",
    "default",
    "nullable",
    "additionalProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
)
_NUMBER: Final = (int, float)
_WORD_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("type", "format", "pattern", "title", "description"), str),
    **dict.fromkeys(("properties", "not"), dict),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "enum", "required"), list),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), int),
    **dict.fromkeys(("minProperties", "maxProperties"), int),
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), _NUMBER),
    **dict.fromkeys(("nullable", "exclusiveMinimum", "exclusiveMaximum"), bool),
    "items": (dict, list),
    "additionalProperties": (dict, bool),
    "x-kubernetes-list-map-keys": list,
    "x-kubernetes-list-type": str,
    "x-kubernetes-map-type": str,
    "x-kubernetes-validations": list,
}
_EITHER: Final = "x-kubernetes-int-or-string"
_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_WHOLE: Final = "x-kubernetes-embedded-resource"
_LIST: Final = "x-kubernetes-list-type"
_KEYS: Final = "x-kubernetes-list-map-keys"
_MAP: Final = "x-kubernetes-map-type"
_NUMBER_OR_TEXT: Final = [{"type": "integer"}, {"type": "string"}]
_VALIDATIONS: Final = "x-kubernetes-validations"
_REASONS: Final = (
    "FieldValueRequired",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueDuplicate",
)
_SCALARS: Final = ("string", "integer", "number", "boolean")


def schema_problems(schema: Json, path: str) -> Iterator[StatusCause]:
    """Yield what is wrong with the schema of a version."""
    if not _is_formed(schema):
        yield wrong(path, "cannot be read as a schema")
        return
    if schema.get("type") != "object":
        yield wrong(f"{path}.type", "must be object at the root")
        return
    meta = (schema.get("properties") or {}).get("metadata")
    if isinstance(meta, dict):
        yield from _metadata(meta, f"{path}.properties[metadata]")
    for name, child in (schema.get("properties") or {}).items():
        if name != "metadata":
            yield from _structure(child, f"{path}.properties[{name}]")
    yield from _words(schema, f"{path}")


def _is_formed(schema: Any) -> bool:
    """Whether the keywords of a schema have values of the right type, recursively."""
    if not isinstance(schema, dict):
        return False
    for word, value in schema.items():
        wanted = _WORD_TYPES.get(word)
        if wanted is not None and value is not None and not isinstance(value, wanted):
            return False
    below = [*(schema.get("properties") or {}).values(), *_listed(schema)]
    below += [schema[w] for w in ("items", "additionalProperties", "not") if _is_map(schema.get(w))]
    return all(_is_formed(child) for child in below)


def _listed(schema: Json) -> list[Any]:
    return [child for word in ("allOf", "anyOf", "oneOf") for child in schema.get(word) or ()]


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _metadata(schema: Json, path: str) -> Iterator[StatusCause]:
    if set(schema) - {"type", "description", "properties"}:
        yield barred(path, "must not specify anything other than name and generateName")
    if set(schema.get("properties") or {}) - {"name", "generateName"}:
        yield barred(path, "must not specify anything other than name and generateName")


def _structure(schema: Any, path: str) -> Iterator[StatusCause]:
    """Check a schema outside allOf, anyOf, oneOf and not: it must have a type."""
    if not isinstance(schema, dict):
        yield wrong(path, "must be a schema")
        return
    yield from _own_type(schema, path)
    yield from _words(schema, path)
    yield from _list_words(schema, path)
    if "default" in schema:
        yield from _default(schema, path)
    yield from _validations(schema, path)
    for place, child in _children(schema, path):
        yield from _structure(child, place)


def _validations(schema: Json, path: str) -> Iterator[StatusCause]:
    """Check what can be checked in a CEL rule without reading its expression."""
    for index, rule in enumerate(schema.get(_VALIDATIONS) or ()):
        place = f"{path}.{_VALIDATIONS}[{index}]"
        if not str(rule.get("rule") or "").strip():
            yield StatusCause("FieldValueRequired", "Required value: rule is not specified", place)
        message = rule.get("message")
        if message and (not message.strip() or "\n" in message.strip()):
            yield wrong(f"{place}.message", "must be one line of text")
        if rule.get("reason") and rule["reason"] not in _REASONS:
            yield wrong(f"{place}.reason", f"supported values: {', '.join(_REASONS)}")
        field = (rule.get("fieldPath") or "").removeprefix(".").partition(".")[0]
        if rule.get("fieldPath") and field not in (schema.get("properties") or {}):
            yield wrong(f"{place}.fieldPath", "does not refer to a valid field")


def _own_type(schema: Json, path: str) -> Iterator[StatusCause]:
    type_ = schema.get("type")
    if not type_ and not schema.get(_EITHER) and not schema.get(_OPEN):
        yield StatusCause("FieldValueRequired", "Required value: must not be empty", f"{path}.type")
    elif type_ and type_ not in _TYPES:
        yield wrong(f"{path}.type", 'supported values: "array", "boolean", "integer"')
    if type_ == "array" and not isinstance(schema.get("items"), dict):
        yield StatusCause(
            "FieldValueRequired", "Required value: must be specified", f"{path}.items"
        )
    if schema.get(_EITHER):
        any_of = schema.get("anyOf")
        if any_of and any_of != _NUMBER_OR_TEXT:
            yield wrong(f"{path}.anyOf", "must be integer and string, in this order")


def _children(schema: Json, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in (schema.get("properties") or {}).items():
        yield f"{path}.properties[{name}]", child
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield f"{path}.additionalProperties", extra
    if isinstance(schema.get("items"), dict):
        yield f"{path}.items", schema["items"]


def _words(schema: Json, path: str) -> Iterator[StatusCause]:
    for word in (*_NEVER, *_NEVER_SET):
        if schema.get(word):
            yield barred(f"{path}.{word}", "it is not supported")
    if schema.get("properties") and schema.get("additionalProperties") is not None:
        yield barred(f"{path}.additionalProperties", "may not be used with properties")
    if schema.get(_OPEN) is False:
        yield wrong(f"{path}.{_OPEN}", "must be true or undefined")
    yield from _pattern(schema, path)
    if schema.get(_WHOLE):
        yield from _embedded(schema, path)
    for place, child in _logical(schema, path):
        known = schema if not (schema.get(_EITHER) and "anyOf" in place) else None
        yield from _without_structure(child, known, place)


def _pattern(schema: Json, path: str) -> Iterator[StatusCause]:
    try:
        re.compile(schema.get("pattern") or "")
    except (re.error, TypeError) as error:
        yield wrong(f"{path}.pattern", f"must be a valid regular expression: {error}")


def _embedded(schema: Json, path: str) -> Iterator[StatusCause]:
    if schema.get("type") != "object":
        yield wrong(f"{path}.type", "must be object if x-kubernetes-embedded-resource is true")
    if not schema.get("properties") and not schema.get(_OPEN):
        yield StatusCause("FieldValueRequired", "Required value", f"{path}.properties")


def _logical(schema: Json, path: str) -> Iterator[tuple[str, Json]]:
    for word in ("allOf", "anyOf", "oneOf"):
        for index, child in enumerate(schema.get(word) or ()):
            yield f"{path}.{word}[{index}]", child
    if isinstance(schema.get("not"), dict):
        yield f"{path}.not", schema["not"]


def _without_structure(schema: Any, known: Json | None, path: str) -> Iterator[StatusCause]:
    """Check a schema within allOf, anyOf, oneOf or not: it may only restrict what is outside."""
    if not isinstance(schema, dict):
        return
    for word in _STRUCTURE:
        if word in schema and not (word == "type" and known is None):
            yield barred(f"{path}.{word}", "must be undefined to be structural")
    known = known or {}
    for name, child in (schema.get("properties") or {}).items():
        outside = (known.get("properties") or {}).get(name)
        yield from _without_structure(child, outside or {}, f"{path}.properties[{name}]")
    if isinstance(schema.get("items"), dict):
        yield from _without_structure(schema["items"], known.get("items") or {}, f"{path}.items")
    for place, child in _logical(schema, path):
        yield from _without_structure(child, known, place)


def _list_words(schema: Json, path: str) -> Iterator[StatusCause]:
    yield from _map_words(schema, path)
    kind, keys = schema.get(_LIST), schema.get(_KEYS)
    items: Json = schema["items"] if _is_map(schema.get("items")) else {}
    if kind is not None:
        if kind not in ("atomic", "set", "map"):
            yield wrong(f"{path}.{_LIST}", 'supported values: "atomic", "map", "set"')
        if schema.get("type") != "array":
            yield wrong(f"{path}.type", "must be array if x-kubernetes-list-type is specified")
    if keys and kind != "map":
        yield wrong(f"{path}.{_LIST}", "must be map if list map keys are specified")
    if kind == "set" and items:
        yield from _set_items(items, f"{path}.items")
    if kind == "map":
        yield from _map_items(items, keys or [], path)


def _map_words(schema: Json, path: str) -> Iterator[StatusCause]:
    map_type = schema.get(_MAP)
    if map_type is not None:
        if map_type not in ("granular", "atomic"):
            yield wrong(f"{path}.{_MAP}", 'supported values: "atomic", "granular"')
        if schema.get("type") != "object":
            yield wrong(f"{path}.type", "must be object if x-kubernetes-map-type is specified")


def _set_items(items: Json, path: str) -> Iterator[StatusCause]:
    if items.get("nullable"):
        yield barred(f"{path}.nullable", "cannot be nullable when the list type is set")
    if items.get("type") == "object" and items.get(_MAP) != "atomic":
        yield wrong(f"{path}.{_MAP}", "must be atomic as item of a list with list type set")
    if items.get("type") == "array" and items.get(_LIST) not in (None, "atomic"):
        yield wrong(f"{path}.{_LIST}", "must be atomic as item of a list with list type set")


def _map_items(items: Json, keys: list[str], path: str) -> Iterator[StatusCause]:
    if items.get("type") != "object":
        yield wrong(f"{path}.items.type", "must be object if the list type is map")
    if not keys:
        yield StatusCause("FieldValueRequired", "Required value", f"{path}.{_KEYS}")
    if len(keys) != len(set(keys)):
        yield wrong(f"{path}.{_KEYS}", "must not hold one key twice")
    properties = items.get("properties") or {}
    for key in keys:
        found = properties.get(key)
        place = f"{path}.items.properties[{key}]"
        if found is None:
            yield wrong(f"{path}.{_KEYS}", "entries must all be names of item properties")
        elif found.get("type") not in _SCALARS:
            yield wrong(f"{place}.type", "must be a scalar type")
        elif key not in (items.get("required") or ()) and "default" not in found:
            why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be"
            yield StatusCause(
                "FieldValueRequired", f"Required value: {why} required", f"{place}.default"
            )


def _default(schema: Json, path: str) -> Iterator[StatusCause]:
    value = schema["default"]
    if value is None:
        return
    bare = {key: child for key, child in schema.items() if key != "default"}
    yield from violations(value, bare, f"{path}.default")
    if isinstance(value, dict) and not schema.get(_OPEN):
        known = prune_unknown({"x": value}, {"properties": {"x": bare}})["x"]
        if known != value:
            yield wrong(f"{path}.default", "must not have unknown fields")
