"""OpenAPI v3 documents: enough for kubectl to validate, apply, diff and explain."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.schema import openapi2
from tmcconsole.sim.schema.structs import (
    LIST,
    MAP,
    SCALARS,
    StructField,
    closure,
    struct_of,
    structs,
)
from tmcconsole.sim.storage.kinds import Kinds, SimKind
from tmcconsole.sim.storage.status_errors import JSON_HEADERS, path_not_found

_META: Final = "meta.v1.ObjectMeta"
_PACKAGES: Final = {  # OpenAPI prefixes of packages outside io.k8s.api
    "meta": "io.k8s.apimachinery.pkg.apis.",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.",
}
_LOOSE: Final[Json] = {"x-kubernetes-preserve-unknown-fields": True}
_QUERY: Final = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")
_DESCRIPTIONS: Final = {
    _META: {
        "name": "Unique within a namespace.",
        "namespace": "The space within which each name is unique.",
        "labels": "Keys and values to organise and select objects.",
        "annotations": "Arbitrary metadata of tools and libraries.",
        "uid": "Unique in time and space.",
        "resourceVersion": "Opaque version of this object.",
        "generation": "Version of the desired state.",
        "creationTimestamp": "When it was created.",
        "deletionTimestamp": "When it will go.",
        "finalizers": "Who must agree to its removal.",
        "generateName": "Prefix of a generated name.",
        "ownerReferences": "Objects this one depends on.",
        "managedFields": "Which manager owns which field.",
    }
}


def answer(path: str, accept: str, kinds: Kinds) -> Response | None:
    """Return the OpenAPI document at a path, or None if there is none."""
    parts = path.strip("/").split("/")
    if parts[:1] != ["openapi"]:
        return None
    if parts == ["openapi", "v2"]:
        return _of_version_2(accept, kinds)
    match parts[2:]:
        case []:
            return _json(_index(kinds))
        case ["api", version]:
            return _document("", version, kinds)
        case ["apis", group, version]:
            return _document(group, version, kinds)
    return path_not_found()


def _of_version_2(accept: str, kinds: Kinds) -> Response:
    versions = kinds.versions().items()
    whole = openapi2.document(_content(g, version, kinds) for g, vs in versions for version in vs)
    if openapi2.ASKED in accept or openapi2.PROTOBUF in accept:
        return Response(200, {"content-type": openapi2.PROTOBUF}, openapi2.encoded(whole))
    return _json(whole)


def _index(kinds: Kinds) -> Json:
    paths = {}
    for group, versions in kinds.versions().items():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            body = orjson.dumps(_content(group, version, kinds))
            digest = hashlib.sha256(body).hexdigest().upper()
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def _document(group: str, version: str, kinds: Kinds) -> Response:
    if not kinds.in_version(group, version):
        return path_not_found()
    return _json(_content(group, version, kinds))


def _content(group: str, version: str, kinds: Kinds) -> Json:
    found = kinds.in_version(group, version)
    schemas = {_name(kind): _schema(kind) for kind in found}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": {path: item for kind in found for path, item in _paths(kind).items()},
        "components": {"schemas": _parts(found) | schemas},
    }


def _parts(kinds: list[SimKind]) -> Json:
    """Return the schemas of all types that the kinds refer to, without the kinds themselves."""
    wanted = {_META} | {name for kind in kinds for name in _parts_of(kind)}
    return {_full_name(name): _struct_schema(name) for name in sorted(wanted)}


def _parts_of(kind: SimKind) -> frozenset[str]:
    struct = None if kind.is_custom else struct_of(kind.group, kind.version, kind.kind)
    return closure(struct.name) - {struct.name} if struct else frozenset()


def _name(kind: SimKind) -> str:
    struct = None if kind.is_custom else struct_of(kind.group, kind.version, kind.kind)
    if struct is not None:
        return _full_name(struct.name)
    return f"{'.'.join(reversed(kind.group.split('.')))}.{kind.version}.{kind.kind}"


def _full_name(name: str) -> str:
    package = name.partition(".")[0]
    return _PACKAGES.get(package, "io.k8s.api.") + name


def _schema(kind: SimKind) -> Json:
    struct = None if kind.is_custom else struct_of(kind.group, kind.version, kind.kind)
    schema: Json = dict(_struct_schema(struct.name) if struct else kind.schema or _LOOSE)
    schema.setdefault("description", f"{kind.kind} of {kind.api_version}.")
    properties = dict(schema.get("properties") or {})
    properties["apiVersion"] = {"type": "string", "description": "Versioned schema of this object."}
    properties["kind"] = {"type": "string", "description": "What this object represents."}
    properties["metadata"] = {
        "description": "Standard object's metadata.",
        "allOf": [_ref(_META)],
        "default": {},
    }
    schema["properties"] = properties
    schema["type"] = "object"
    schema["x-kubernetes-group-version-kind"] = [_gvk(kind)]
    return schema


@cache
def _struct_schema(name: str) -> Json:
    struct = structs()[name]
    schema: Json = {
        "type": "object",
        "properties": {field.name: _field_schema(field) for field in struct.fields.values()},
    }
    required = [field.name for field in struct.fields.values() if field.is_required]
    said = _DESCRIPTIONS.get(name, {})
    for field in struct.fields.values():
        schema["properties"][field.name]["description"] = said.get(field.name) or _told(field)
    schema["description"] = f"{_words(name.rpartition('.')[2])}."
    return (
        schema
        | ({"required": required} if required else {})
        | _marked_map("atomic" if struct.is_atomic else "")
    )


def _told(field: StructField) -> str:
    """Return a description made from name and type: Kubernetes' own texts are not included."""
    inner = field.type.lstrip(LIST + MAP)
    noun = "" if inner in SCALARS else f" ({inner.rpartition('.')[2]})"
    keys = f", told apart by {' and '.join(field.list_keys)}" if field.list_keys else ""
    shape = "List" if field.type.startswith(LIST) else "Map" if field.type.startswith(MAP) else ""
    text = f"{shape} of {_words(field.name).lower()}" if shape else _words(field.name)
    return f"{text}{noun}{keys}." + (" Required." if field.is_required else "")


def _words(name: str) -> str:
    """Return a camel-case name as words: podIP becomes Pod IP."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    first, *rest = parted.split()
    kept = (word if word.isupper() else word.lower() for word in rest)
    return " ".join((first[:1].upper() + first[1:], *kept))


def _field_schema(field: StructField) -> Json:
    marked = {
        "x-kubernetes-patch-merge-key": field.patch_key,
        "x-kubernetes-patch-strategy": field.patch_strategy,
        "x-kubernetes-list-type": field.list_type,
        "x-kubernetes-list-map-keys": list(field.list_keys),
    }
    schema = _type_schema(field.type)
    return (
        schema
        | {key: value for key, value in marked.items() if value}
        | _marked_map(field.map_type)
    )


def _type_schema(type_: str) -> Json:
    if type_.startswith(LIST):
        return {"type": "array", "items": _type_schema(type_[2:])}
    if type_.startswith(MAP):
        return {"type": "object", "additionalProperties": _type_schema(type_[2:])}
    if type_ in SCALARS:
        return dict(SCALARS[type_])
    return {"allOf": [_ref(type_)]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{_full_name(name)}"}


def _marked_map(map_type: str) -> Json:
    return {"x-kubernetes-map-type": map_type} if map_type else {}


def _paths(kind: SimKind) -> Json:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    collection = f"{base}{scope}/{kind.resource}"
    return {
        collection: {"get": _operation(kind, "list"), "post": _operation(kind, "post")},
        f"{collection}/{{name}}": {
            "get": _operation(kind, "get"),
            "put": _operation(kind, "put"),
            "patch": _operation(kind, "patch"),
            "delete": _operation(kind, "delete"),
        },
    }


def _operation(kind: SimKind, action: str) -> Json:
    names = _QUERY if action in ("post", "put", "patch") else ("pretty",)
    return {
        "operationId": f"{action}{kind.kind}{kind.version}",
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in names
        ],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(kind),
    }


def _gvk(kind: SimKind) -> Json:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _json(body: Json) -> Response:
    return Response(200, dict(JSON_HEADERS), orjson.dumps(body))
