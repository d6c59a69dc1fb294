"""OpenAPI v3 documents: enough for kubectl to validate, apply, diff and explain."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

from tmcconsole.runtime import Response
from tmcconsole.sim.failures import JSON_HEADERS, Failure, path_not_found
from tmcconsole.sim.kinds import Kinds, SimKind

Json = dict[str, Any]

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_QUERY: Final = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")


def answer(path: str, kinds: Kinds) -> Response | None:
    """Return the OpenAPI document at a path, or None where the path is not one's."""
    parts = path.strip("/").split("/")
    if parts[:1] != ["openapi"]:
        return None
    if parts == ["openapi", "v2"]:
        raise Failure(406, "NotAcceptable", "OpenAPI v2 is not served here; use /openapi/v3")
    match parts[2:]:
        case []:
            return _json(_index(kinds))
        case ["api", version]:
            return _document("", version, kinds)
        case ["apis", group, version]:
            return _document(group, version, kinds)
    return path_not_found()


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
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": {path: item for kind in found for path, item in _paths(kind).items()},
        "components": {"schemas": {_META: _METADATA} | {_name(k): _schema(k) for k in found}},
    }


def _name(kind: SimKind) -> str:
    group = ".".join(reversed(kind.group.split("."))) if kind.is_custom else _package(kind.group)
    return f"{group}.{kind.version}.{kind.kind}"


def _package(group: str) -> str:
    return f"io.k8s.api.{group.partition('.')[0] or 'core'}"


def _schema(kind: SimKind) -> Json:
    schema: Json = dict(kind.schema or _loose(kind))
    properties = dict(schema.get("properties") or {})
    properties["apiVersion"] = {"type": "string", "description": "Versioned schema of this object."}
    properties["kind"] = {"type": "string", "description": "What this object represents."}
    properties["metadata"] = {
        "description": "Standard object's metadata.",
        "allOf": [{"$ref": f"#/components/schemas/{_META}"}],
        "default": {},
    }
    schema["properties"] = properties
    schema["type"] = "object"
    schema["x-kubernetes-group-version-kind"] = [_gvk(kind)]
    return schema


def _loose(kind: SimKind) -> Json:
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = ("spec", "status") if kind.has_status else ("spec",)
    if kind.id in ("configmaps", "secrets"):
        names = ("data", "immutable")
    return {
        "description": f"{kind.kind} of {kind.api_version}.",
        "properties": {name: {**free, "description": f"The {name}."} for name in names},
        "x-kubernetes-preserve-unknown-fields": True,
    }


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


_STRINGS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA: Final[Json] = {
    "description": "ObjectMeta is metadata that all persisted resources must have.",
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "Unique within a namespace."},
        "namespace": {
            "type": "string",
            "description": "The space within which each name is unique.",
        },
        "labels": {**_STRINGS, "description": "Keys and values to organise and select objects."},
        "annotations": {**_STRINGS, "description": "Arbitrary metadata of tools and libraries."},
        "uid": {"type": "string", "description": "Unique in time and space."},
        "resourceVersion": {"type": "string", "description": "Opaque version of this object."},
        "generation": {"type": "integer", "description": "Version of the desired state."},
        "creationTimestamp": {
            "type": "string",
            "format": "date-time",
            "description": "When it was created.",
        },
        "deletionTimestamp": {
            "type": "string",
            "format": "date-time",
            "description": "When it will go.",
        },
        "finalizers": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Who must agree to its removal.",
        },
        "generateName": {"type": "string", "description": "Prefix of a generated name."},
        "ownerReferences": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Objects this one depends on.",
        },
        "managedFields": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Which manager owns which field.",
        },
    },
}
