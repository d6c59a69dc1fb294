"""Where bytes from an API server become values: all validation of its data is here.

An object that cannot be decoded is quarantined on its own: it is neither present nor absent.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import orjson

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.deep_lists import split_items
from tmcconsole.kube.errors import BadAnswer, error_from, error_from_status
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.runtime import Response

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
UNREADABLE: Final = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)

_Fields = dict[str, msgspec.Raw]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A received object that cannot be used. ``key`` is None if even its name is unreadable."""

    key: ObjectKey | None
    reason: SafeText
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list. ``resource_version`` is the list's, the same on all pages."""

    items: list[CachedObject]
    resource_version: str
    quarantined: tuple[Quarantined, ...] = ()
    remaining: int | None = None  # items on later pages, if the server reports it


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event: ADDED, MODIFIED, DELETED, or BOOKMARK (then ``object`` is None)."""

    type: str
    object: CachedObject | None
    resource_version: str


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str | None = msgspec.field(default=None, name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    items: list[msgspec.Raw] | None
    metadata: _ListMeta


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _NameMeta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str | None = None
    resource_version: str | None = None


class _Named(msgspec.Struct):
    metadata: _NameMeta


class _VersionMeta(msgspec.Struct, rename="camel"):
    resource_version: str


class _Versioned(msgspec.Struct):
    metadata: _VersionMeta


_fields: Final = msgspec.json.Decoder(_Fields)
_list: Final = msgspec.json.Decoder(_List)
_event: Final = msgspec.json.Decoder(_Event)
_named: Final = msgspec.json.Decoder(_Named)
_versioned: Final = msgspec.json.Decoder(_Versioned)


def json_body(response: Response) -> Json:
    """Return the decoded body of a successful response. Raises ``ApiError`` or ``BadAnswer``."""
    expect_json(response)
    try:
        document = orjson.loads(response.body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"the answer is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadAnswer("the answer is JSON, but not an object")
    return document


def expect_json(response: Response) -> None:
    """Raise the error in a response that is not a successful JSON response of an API server."""
    if not 200 <= response.status < 300:
        raise error_from(response)
    if response.content_type != "application/json":
        raise BadAnswer(
            f"HTTP {response.status} of type {response.content_type or 'none'} instead of JSON: "
            "something between us and the API server responded"
        )


def to_cached(body: bytes, kind: Kind) -> CachedObject:
    """Return the cached form of one object. Raises ``BadAnswer`` if it is not one."""
    try:
        return _repairing(lambda data: _cached(data, kind), body)
    except UNREADABLE as error:
        raise BadAnswer(f"unreadable {kind.kind}: {error}") from error


def split_page(body: bytes, kind: Kind) -> tuple[list[msgspec.Raw], str, str, int | None]:
    """Return a list's raw items, resourceVersion, continue token and remaining count."""
    try:
        page = _repairing(_list_of, body)
    except UNREADABLE as error:
        raise BadAnswer(f"unreadable list of {kind.id}: {error}") from error
    # A custom resource may call its lists otherwise; a group without a dot is built in.
    named = page.kind == f"{kind.kind}List" or ("." in kind.group and page.kind.endswith("List"))
    is_ours = named and page.api_version == kind.api_version
    if not is_ours or not page.metadata.resource_version:
        raise BadAnswer(f"received {page.kind or 'something else'} instead of a list of {kind.id}")
    meta = page.metadata
    return page.items or [], meta.resource_version, meta.continue_ or "", meta.remaining_item_count


def _list_of(body: bytes) -> _List:
    """Decode a list; an item that nests too deeply is for its own decoder to reject."""
    try:
        return _list.decode(body)
    except RecursionError:
        envelope, items = split_items(body)
        page = _list.decode(envelope)
        page.items = [msgspec.Raw(item) for item in items]
        return page


def take(data: msgspec.Raw, kind: Kind) -> CachedObject | Quarantined:
    """Return the cached form of one object among others, or why it cannot be used."""
    try:
        return _cached(data, kind)
    except UNREADABLE as error:
        return _quarantine(data, f"unreadable {kind.kind}: {error}")


def to_event(line: bytes, kind: Kind) -> WatchEvent | Quarantined:
    """Return one watch event. Raises the error in an ERROR event, ``BadAnswer`` for garbage."""
    try:
        event = _repairing(_event.decode, line)
    except RecursionError:  # the stream is intact: closing it would bring the same event again
        return Quarantined(None, SafeText(f"a {kind.kind} is nested too deeply to be read"))
    except UNREADABLE as error:
        raise BadAnswer(f"unreadable watch event of {kind.id}: {error}") from error
    match event.type:
        case "ADDED" | "MODIFIED" | "DELETED":
            taken = take(event.object, kind)
            if isinstance(taken, Quarantined):
                return taken
            return WatchEvent(event.type, taken, taken.resource_version)
        case "BOOKMARK":
            return _bookmark(event.object)
        case "ERROR":
            raise error_from_status(_status(event.object))
        case _:
            return _quarantine(event.object, f"watch event of unknown type {event.type!r}")


def _bookmark(data: msgspec.Raw) -> WatchEvent | Quarantined:
    try:
        version = _versioned.decode(data).metadata.resource_version
    except UNREADABLE as error:
        return Quarantined(None, SafeText(f"unreadable bookmark: {error}"))
    return WatchEvent("BOOKMARK", None, version)


def _status(data: msgspec.Raw) -> Json:
    try:
        document = orjson.loads(bytes(data))
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"unreadable ERROR event: {error}") from error
    if not isinstance(document, dict):
        raise BadAnswer("an ERROR event without a Status")
    return document


def _quarantine(data: bytes, reason: str) -> Quarantined:
    try:
        meta = _named.decode(data).metadata
    except UNREADABLE:
        return Quarantined(None, SafeText(reason))
    return Quarantined(
        ObjectKey(meta.namespace or "", meta.name), SafeText(reason), meta.resource_version or ""
    )


def _cached(data: bytes, kind: Kind) -> CachedObject:
    fields = _fields.decode(data)
    meta = _metadata(fields.pop("metadata", None))
    typed = _typed(fields, kind)
    status = fields.get("status")
    if status is not None and bytes(memoryview(status)[:4]) == b"null":
        status = None
    if status is not None and bytes(memoryview(status)[:1]) != b"{":
        raise TypeError("status is not an object")
    raw = _encoder.encode(typed | {"metadata": msgspec.Raw(orjson.dumps(meta))} | fields)
    orjson.loads(raw)  # what cannot be decoded later is rejected now, with its name
    key = _key(meta, kind)
    return CachedObject(
        namespace=sys.intern(key.namespace),
        name=key.name,
        uid=_string(meta, "uid"),
        resource_version=_string(meta, "resourceVersion"),
        generation=meta["generation"] if isinstance(meta.get("generation"), int) else 0,
        deleting=bool(meta.get("deletionTimestamp")),
        content_digest=_content_digest(meta, fields),
        status_digest=b"" if status is None else _digest_of(status),
        raw=bytes(memoryview(raw)),  # exact size: the encoder's buffer is up to twice as large
    )


def _metadata(data: msgspec.Raw | None) -> Json:
    """Decode metadata except managedFields, which is half of an object and never read."""
    if data is None:
        raise ValueError("no metadata")
    fields = _fields.decode(data)
    fields.pop("managedFields", None)
    meta = {name: orjson.loads(memoryview(value)) for name, value in fields.items()}
    for name in ("labels", "annotations"):
        _expect_strings(meta, name)
    names = meta.get("finalizers") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("metadata.finalizers is not a list of strings")
    _drop_last_applied(meta)
    return meta


def _expect_strings(meta: Json, name: str) -> None:
    found = meta.get(name)
    if found is None:
        return
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f"metadata.{name} is not a map of strings")


def _drop_last_applied(meta: Json) -> None:
    annotations = meta.get("annotations")
    if annotations and annotations.pop(LAST_APPLIED, None) is not None and not annotations:
        del meta["annotations"]


def _typed(fields: _Fields, kind: Kind) -> Json:
    """Check apiVersion and kind, and return them: items of a list lack them."""
    typed: Json = {"apiVersion": kind.api_version, "kind": kind.kind}
    for name, expected in typed.items():
        found = fields.pop(name, None)
        if found is not None and orjson.loads(memoryview(found)) != expected:
            raise ValueError(f"{name} is {bytes(found)[:80]!r}, expected {expected!r}")
    return typed


def _key(meta: Json, kind: Kind) -> ObjectKey:
    key = ObjectKey(_string(meta, "namespace"), _string(meta, "name"))
    if not key.name or (kind.namespaced and not key.namespace):
        raise ValueError("metadata has no name or no namespace")
    return key


def _string(meta: Json, name: str) -> str:
    value = meta.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"metadata.{name} is not a string")
    return value


def _content_digest(meta: Json, fields: _Fields) -> bytes:
    """Digest the bytes as received: an API server serialises equal content equally.

    Not decoding what is only compared halves the cost of ingest.
    """
    stable = {name: value for name, value in meta.items() if name not in _UNSTABLE}
    notes = stable.get("annotations")
    if isinstance(notes, dict) and not STATUS_NOTES.isdisjoint(notes):
        rest = {name: value for name, value in notes.items() if name not in STATUS_NOTES}
        stable["annotations"] = rest
        if not rest:
            del stable["annotations"]
    content = hashlib.blake2b(orjson.dumps(stable, option=orjson.OPT_SORT_KEYS), digest_size=8)
    for name in sorted(fields):
        if name != "status":
            content.update(name.encode())
            content.update(memoryview(fields[name]))
    return content.digest()


def _digest_of(value: msgspec.Raw) -> bytes:
    return hashlib.blake2b(memoryview(value), digest_size=8).digest()


_encoder: Final = msgspec.json.Encoder()
# Annotations that say how to read the status: like the status, they are not content.
STATUS_NOTES: Final = frozenset({"syncer.kcp.io/stale-status", "syncer.kcp.io/kept-status"})
_UNSTABLE: Final = frozenset({"resourceVersion", "generation"})


_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"  # a lone surrogate
    rb"|\\."
)


def mended(data: bytes) -> bytes:
    """Return JSON with lone surrogates replaced by U+FFFD, as Go's decoder does."""
    return _ESCAPE.sub(lambda m: b"\\ufffd" if len(m[0]) == 6 else m[0], data)


def _repairing(read: Callable[[bytes], _T], data: bytes) -> _T:
    """Decode; if that fails, once more with broken characters repaired."""
    try:
        return read(data)
    except UNREADABLE:
        repaired = mended(data)
        if repaired == data:
            raise
        return read(repaired)
