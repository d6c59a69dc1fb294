"""OpenAPI v2, derived from the v3 documents, for clients that only know v2: old kubectl, helm.

They ask for the protobuf form of github.com/google/gnostic; anybody else gets JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED: Final = (
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"  # the media type that requests it
)
_KEPT: Final = ("description", "type", "format", "required", "enum", "pattern")


def document(contents: Iterable[Json]) -> Json:
    """Return one v2 document for several v3 documents."""
    definitions: Json = {}
    paths: Json = {}
    for content in contents:
        paths |= {path: _path(item) for path, item in content["paths"].items()}
        for name, schema in content["components"]["schemas"].items():
            definitions[name] = _schema(schema)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "definitions": dict(sorted(definitions.items())),
    }


def encoded(whole: Json) -> bytes:
    """Return the document in protobuf, as a Document of gnostic's OpenAPIv2.proto."""
    info = _text(1, whole["info"]["title"]) + _text(2, whole["info"]["version"])
    paths = b"".join(
        _field(2, _text(1, path) + _field(2, _encoded_path(item)))
        for path, item in whole["paths"].items()
    )
    definitions = b"".join(_named(1, name, s) for name, s in whole["definitions"].items())
    return _text(1, whole["swagger"]) + _field(2, info) + _field(8, paths) + _field(9, definitions)


def _schema(schema: Json) -> Json:
    """Convert a schema. v2 has no oneOf, nor allOf around a reference: oneOf becomes string."""
    references = schema.get("allOf") or ()
    if references:
        return _reference(schema, references[0])
    kept: Json = {name: schema[name] for name in _KEPT if name in schema}
    kept |= {name: value for name, value in schema.items() if name.startswith("x-kubernetes-")}
    if "oneOf" in schema:
        kept["type"] = "string"
    if "properties" in schema:
        kept["properties"] = {name: _schema(s) for name, s in schema["properties"].items()}
    if isinstance(schema.get("items"), dict):
        kept["items"] = _schema(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = _schema(schema["additionalProperties"])
    return kept


def _reference(schema: Json, reference: Json) -> Json:
    name = str(reference.get("$ref", "")).rpartition("/")[2]
    kept: Json = {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
    described = {"description": schema["description"]} if schema.get("description") else {}
    return kept | described | {"$ref": f"#/definitions/{name}"}


def _path(item: Json) -> Json:
    return {method: _operation(one) for method, one in item.items()}


def _operation(one: Json) -> Json:
    parameters = [
        {"name": p["name"], "in": "query", "type": "string", "uniqueItems": True}
        for p in one["parameters"]
    ]
    return {**one, "parameters": parameters}


# Field numbers are from OpenAPIv2.proto.
_METHODS: Final = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def _encoded_path(item: Json) -> bytes:
    return b"".join(_field(_METHODS[name], _encoded_operation(o)) for name, o in item.items())


def _encoded_operation(one: Json) -> bytes:
    described = _text(1, "200") + _field(2, _field(1, _text(1, "OK")))
    extensions = b"".join(
        _extension(13, name, one[name]) for name in sorted(one) if name[:2] == "x-"
    )
    parameters = b"".join(_encoded_parameter(p) for p in one["parameters"])
    return _text(5, one["operationId"]) + parameters + _field(9, _field(1, described)) + extensions


def _encoded_parameter(parameter: Json) -> bytes:
    """Encode a query parameter: a Parameter that is non-body, and of those query."""
    query = _text(2, "query") + _text(4, parameter["name"]) + _text(6, "string") + _flag(20)
    return _field(8, _field(1, _field(2, _field(3, query))))


def _encoded_schema(schema: Json) -> bytes:
    parts = [
        _text(1, schema.get("$ref", "")),
        _text(2, schema.get("format", "")),
        _text(4, schema.get("description", "")),
        _text(13, schema.get("pattern", "")),
        b"".join(_text(19, name) for name in schema.get("required") or ()),
        b"".join(_field(20, _text(2, orjson.dumps(v).decode())) for v in schema.get("enum") or ()),
    ]
    if "additionalProperties" in schema:
        parts.append(_field(21, _field(1, _encoded_schema(schema["additionalProperties"]))))
    if schema.get("type"):
        parts.append(_field(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_field(23, _field(1, _encoded_schema(schema["items"]))))
    if "properties" in schema:
        named = (_named(1, name, inner) for name, inner in schema["properties"].items())
        parts.append(_field(25, b"".join(named)))
    extensions = sorted(name for name in schema if name.startswith("x-"))
    parts += [_extension(31, name, schema[name]) for name in extensions]
    return b"".join(parts)


def _named(number: int, name: str, schema: Json) -> bytes:
    return _field(number, _text(1, name) + _field(2, _encoded_schema(schema)))


def _extension(number: int, name: str, value: Any) -> bytes:
    """Encode an extension. Its value is YAML; JSON is valid YAML."""
    return _field(number, _text(1, name) + _field(2, _text(2, orjson.dumps(value).decode())))


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode()) if text else b""


def _flag(number: int) -> bytes:
    return _varint(number << 3) + b"\x01"


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
