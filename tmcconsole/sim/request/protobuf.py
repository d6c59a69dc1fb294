"""Decodes Kubernetes' protobuf bodies, for every built-in kind except definitions.

Fields that the table does not list are refused, never dropped.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.request.protobuf_fields import WireField, message_of, messages
from tmcconsole.sim.storage.status_errors import StatusError, bad_request, unsupported_media_type

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"
_EPOCH: Final = datetime(1970, 1, 1)  # UTC, and written as such
_LONGEST_VARINT: Final = 10  # bytes
_FIXED: Final = {1: 8, 5: 4}  # wire types of fixed size, in bytes
_ZEROS: Final[tuple[object, ...]] = ("", 0, False, {})

Value = int | bytes


def decode(body: bytes) -> Json:
    """Return the object in a protobuf body. Raises StatusError 400 or 415."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body is not Kubernetes protobuf: its first bytes are not k8s")
    try:
        envelope = dict(_entries(body[len(_MAGIC) :]))
        head = dict(_entries(_bytes(envelope.get(1, b""))))
        version, kind = (_bytes(head.get(number, b"")).decode() for number in (1, 2))
        message = message_of(version, kind)
        if message is None:
            raise _refused(f"a {kind} in protobuf")
        tree = _message(_bytes(envelope.get(2, b"")), message)
        return {"apiVersion": version, "kind": kind, **tree}
    except (IndexError, ValueError, OverflowError, struct.error) as error:
        raise bad_request(f"the protobuf body is malformed: {error}") from error


def _message(data: bytes, message: str) -> Json:
    fields = messages()[message]
    tree: Json = {}
    for number, value in _entries(data):
        if number not in fields:
            if value in (0, b""):
                continue
            raise _refused(f"field {number} of {message}")
        _put(tree, fields[number], value)
    return tree


def _put(tree: Json, field: WireField, value: Value) -> None:
    name, type_ = field.name, field.type
    if type_.startswith("[]"):
        tree.setdefault(name, []).append(_value(type_[2:], value))
    elif not name:
        tree.update(_message(_bytes(value), type_))
    elif type_.startswith("{}"):
        pair = dict(_entries(_bytes(value)))
        key = _value("s", pair.get(1, b""))
        tree.setdefault(name, {})[key] = _value(type_[2:], pair.get(2, b""))
    else:
        found = _value(type_, value)
        # Go writes empty strings, zeros and empty structs; JSON leaves them out.
        if found is not None and (field.tells_zero or found not in _ZEROS):
            tree[name] = found


def _value(type_: str, value: Value) -> Any:
    read = _READERS.get(type_)
    if read is not None:
        return read(value)
    tree = _message(_bytes(value), type_)
    return tree.get("", tree)


def _integer(value: Value) -> int:
    if not isinstance(value, int):
        raise ValueError("a number has a length")  # noqa: TRY004  # of the body, not ours
    return value - (1 << 64) if value >= 1 << 63 else value


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a text or message is a number")  # noqa: TRY004  # of the body, not ours
    return value


def _number_or_text(value: Value) -> int | str:
    parts = dict(_entries(_bytes(value)))
    return _text(parts.get(3, b"")) if parts.get(1) else _integer(parts.get(2, 0))


def _text(value: Value) -> str:
    return _bytes(value).decode()


def _time(value: Value) -> str | None:
    moment, _ = _moment(value)
    return f"{moment.isoformat()}Z" if moment else None


def _micro_time(value: Value) -> str | None:
    moment, nanoseconds = _moment(value)
    return f"{moment.isoformat()}.{nanoseconds // 1000:06}Z" if moment else None


def _moment(value: Value) -> tuple[datetime | None, int]:
    """Return a time to the second, or None if it is not set, and the nanoseconds."""
    parts = dict(_entries(_bytes(value)))
    seconds, nanoseconds = (_integer(parts.get(number, 0)) for number in (1, 2))
    if not seconds and not nanoseconds:
        return None, 0
    return _EPOCH + timedelta(seconds=seconds), nanoseconds


def _raw(value: Value) -> Any:
    raw = _bytes(dict(_entries(_bytes(value))).get(1, b""))
    return orjson.loads(raw) if raw else None


_READERS: Final[Mapping[str, Callable[[Value], Any]]] = {
    "s": _text,
    "i": _integer,
    "b": bool,
    "x": lambda value: base64.b64encode(_bytes(value)).decode(),
    "d": lambda value: struct.unpack("<d", _bytes(value))[0],
    "Q": lambda value: _text(dict(_entries(_bytes(value))).get(1, b"0")),
    "P": _number_or_text,
    "T": _time,
    "M": _micro_time,
    "R": _raw,
}


def _entries(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield field numbers with their values: integers, and bytes for anything else."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield number, value
            continue
        if wire == 2:
            size, place = _varint(data, place)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise ValueError(f"wire type {wire}")
        if place + size > len(data):
            raise IndexError("a field is longer than the body")
        yield number, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        byte = data[place + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & (1 << 64) - 1, place + index + 1
    raise ValueError("a number is too long")


def _refused(what: str) -> StatusError:
    return unsupported_media_type(
        f"this server does not read {what}: use `kubectl create -f FILE` or `kubectl apply -f"
        " FILE`, e.g. add `--dry-run=client -o yaml | kubectl create -f -`"
    )
