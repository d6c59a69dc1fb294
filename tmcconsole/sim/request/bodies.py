"""Request bodies: JSON, YAML and protobuf; other types are refused."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson
import yaml

from tmcconsole.kube.objects import Json
from tmcconsole.sim.request import protobuf
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.status_errors import bad_request, too_large, unsupported_media_type

MAX_BODY: Final = 3 * 1024 * 1024  # bytes, kube-apiserver's limit
MAX_OBJECT: Final = 1_572_864  # bytes, etcd's limit for one request

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
APPLY_PATCHES: Final = (APPLY_PATCH, "application/apply-patch+cbor")
_DEEPEST: Final = 200  # levels: orjson can write 254
# What YAML reads as a line break or refuses and JSON reads as it is: U+007F to U+009F, U+2028,
# U+2029, U+FFFE and U+FFFF; and keys too long to be simple keys in YAML.
_UNLIKE_JSON: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbf[\xbe\xbf]")
_LONG_KEY: Final = re.compile(rb'"(?:[^"\\]|\\.){1020,}"\s*:')
_JSON_TYPES: Final = ("application/json", "", MERGE_PATCH, STRATEGIC_PATCH)


def decode(asked: RequestInfo) -> Json:
    """Return the object in the body. Raises StatusError 400, 413 or 415."""
    _check_size(asked.body)
    if asked.content_type == protobuf.MEDIA_TYPE:
        return _mapping(protobuf.decode(asked.body))
    if asked.content_type in ("application/yaml", APPLY_PATCH):
        return _mapping(_yaml(asked.body))
    if asked.content_type not in ("application/json", ""):
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include:"
            f" application/json, application/yaml ({asked.content_type})"
        )
    return _mapping(_json(asked.body))


def decode_patch(asked: RequestInfo) -> Any:
    """Return the JSON document in a patch's body. Raises StatusError 400 or 413."""
    _check_size(asked.body)
    return _json(asked.body)


def named_twice(asked: RequestInfo) -> list[str]:
    """Return the paths of the fields that a JSON body names more than once."""
    if asked.content_type not in _JSON_TYPES:
        return []
    twice: list[str] = []
    _look_for_twice(json.loads(asked.body, object_pairs_hook=_Pairs), "", twice)
    return twice


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys as written, duplicates included."""


def _look_for_twice(value: Any, path: str, twice: list[str]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, child in value:
            place = f"{path}.{key}" if path else key
            if key in seen:
                twice.append(place)
            seen.add(key)
            _look_for_twice(child, place, twice)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _look_for_twice(item, f"{path}[{index}]", twice)


def _check_size(body: bytes) -> None:
    if len(body) > MAX_BODY:
        raise too_large(f"Request entity too large: limit is {MAX_BODY}")


def _json(body: bytes) -> Any:
    try:
        return _shallow(orjson.loads(body), body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the object provided is unrecognized or malformed: {error}") from error


def _shallow(document: Any, body: bytes) -> Any:
    """Return a document. Raises StatusError 400 if it is nested too deep to be written again."""
    if body.count(b"{") + body.count(b"[") > _DEEPEST and _depth(document) > _DEEPEST:
        raise bad_request("the object provided is malformed: exceeded max depth")
    return document


def _depth(document: Any) -> int:
    """Return how deep a document is nested, up to the limit: YAML may contain itself."""
    level, depth = [document] if isinstance(document, (dict, list)) else [], 0
    while level and depth <= _DEEPEST:
        depth += 1
        children = (list(v.values()) if isinstance(v, dict) else v for v in level)
        level = [c for found in children for c in found if isinstance(c, (dict, list))]
    return depth


def _yaml(body: bytes) -> Any:
    if not _UNLIKE_JSON.search(body) and not _LONG_KEY.search(body):
        try:
            return _shallow(orjson.loads(body), body)  # JSON is YAML, and much faster to read
        except orjson.JSONDecodeError:
            pass
    try:
        document = yaml.safe_load(body)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if _depth(document) > _DEEPEST:
        raise bad_request("error decoding YAML: exceeded max depth")
    return document


def _mapping(document: Any) -> Json:
    if not isinstance(document, dict):
        raise bad_request("the object provided is unrecognized: it must be a map")
    metadata = document.get("metadata")
    if metadata is None:
        document["metadata"] = {}
    elif not isinstance(metadata, dict):
        raise bad_request("the object provided is malformed: metadata must be a map")
    return document
