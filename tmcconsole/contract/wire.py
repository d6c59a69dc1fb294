"""Contract values as JSON lines, for the socket between a daemon and its front ends."""

from __future__ import annotations

from typing import Any

import msgspec

from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.commands import AnyCommand, AnyReply
from tmcconsole.contract.text import SafeBody, SafeText

PROTOCOL = 1  # raised when an older peer could misread what we send


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The first line from each side. A different ``protocol`` ends the conversation."""

    protocol: int
    version: str


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A front end's question: exactly one of the two fields is set."""

    id: int
    since: Revision | None = None
    command: AnyCommand | None = None


class Answer(msgspec.Struct, frozen=True, tag=True):
    """The engine's answer to the question with the same id."""

    id: int
    changes: Changes | None = None
    reply: AnyReply | None = None
    error: SafeText = SafeText()


Line = Hello | Ask | Answer


def _text_in(kind: type[Any], value: Any) -> Any:
    if kind is SafeBody:
        return SafeBody(value)
    if kind is SafeText:
        return SafeText(value, multiline=True)
    raise NotImplementedError(kind)


def _text_out(value: Any) -> str:
    if isinstance(value, SafeText):
        return str(value)
    raise NotImplementedError(type(value))


_encoder = msgspec.json.Encoder(enc_hook=_text_out)
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line, dec_hook=_text_in)


def encode(line: Line) -> bytes:
    """Return ``line`` as one JSON document and a newline."""
    return _encoder.encode(line) + b"\n"


def decode(data: bytes) -> Line:
    """Return the line in ``data``. Raises ``ValueError`` if it is not one of ours."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a line of protocol {PROTOCOL}: {error}") from error
