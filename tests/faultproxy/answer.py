"""How an answer goes back to the client under a plan: slowly, corrupted, cut, or unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, replace

import anyio
from aiohttp import web

from tests.faultproxy.faults import CutBody, Plan
from tests.faultproxy.listener import reset
from tests.faultproxy.rules import Exchange

STEPS_PER_S = 20  # how finely a limited bandwidth is spread over time
SLICE_PAUSE_S = 0.001  # so that pieces are not joined again on the way
NOT_UTF8 = 0xFF


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of an answer, without those of the connection."""

    status: int
    reason: str | None  # None: the usual one of the status
    headers: tuple[tuple[str, str], ...]
    length: int | None  # of the body; None: not known in advance


class BrokenOffError(Exception):
    """The plan says that the body ends here; ``cut.clean`` says how."""

    def __init__(self, cut: CutBody) -> None:
        super().__init__(f"cut after {cut.after_bytes} bytes")
        self.cut = cut


async def send(
    request: web.BaseRequest, exchange: Exchange, head: Head, chunks: AsyncIterable[bytes]
) -> web.StreamResponse:
    """Send an answer according to the exchange's plan, which is read again for each chunk."""
    begun = await exchange.until_answered(head=True)
    if begun.cut is not None and begun.cut.clean:
        head = replace(head, length=None)
    if begun.head_s_per_byte:
        return await _send_by_hand(request, exchange, head, chunks)
    response = _response(head)
    await response.prepare(request)
    try:
        async for piece in _shaped(exchange, chunks):
            await response.write(piece)
    except BrokenOffError as end:
        if not end.cut.clean:
            return reset_request(request)
    await response.write_eof()
    return response


def reset_request(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection of a request; the answer returned is never sent."""
    reset(request.transport)
    return web.Response()


def _response(head: Head) -> web.StreamResponse:
    response = web.StreamResponse(status=head.status, reason=head.reason)
    for name, value in head.headers:
        response.headers.add(name, value)
    response.content_length = head.length
    return response


async def _send_by_hand(
    request: web.BaseRequest, exchange: Exchange, head: Head, chunks: AsyncIterable[bytes]
) -> web.StreamResponse:
    """Write the head byte by byte; the end of the connection is the end of the body."""
    lines = [f"HTTP/1.1 {head.status} {head.reason or ''}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in head.headers]
    for byte in "\r\n".join([*lines, "", ""]).encode("latin-1"):
        await anyio.sleep(exchange.plan().head_s_per_byte)
        _write(request, bytes([byte]))
    try:
        async for piece in _shaped(exchange, chunks):
            _write(request, piece)
    except BrokenOffError as end:
        if not end.cut.clean:
            return reset_request(request)
    if request.transport is not None:
        request.transport.close()  # what was written is still sent
    return web.Response()


def _write(request: web.BaseRequest, content: bytes) -> None:
    if request.transport is not None and not request.transport.is_closing():
        request.transport.write(content)


async def _shaped(exchange: Exchange, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    sent = 0
    async for chunk in chunks:
        now = await exchange.until_answered()
        if exchange.is_stream:
            await anyio.sleep(now.delay_s)
        whole = corrupted(chunk, now.corrupt_every, offset=sent)
        content = whole if now.cut is None else whole[: max(0, now.cut.after_bytes - sent)]
        for piece, pause_s in _pieces(content, now):
            yield piece
            await anyio.sleep(pause_s)
        sent += len(content)
        if now.cut is not None and len(content) < len(whole):
            raise BrokenOffError(now.cut)


async def edited(exchange: Exchange, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield a watch's lines, edited by the present plan; without edits, unchanged."""
    unfinished = b""
    async for piece in pieces:
        edits = exchange.plan().event_edits
        if not edits and not unfinished:
            yield piece
            continue
        *lines, unfinished = (unfinished + piece).split(b"\n")
        for line in lines:
            whole = line + b"\n"
            for edit in edits:
                whole = edit(whole)
            yield whole
    if unfinished:
        yield unfinished


def corrupted(chunk: bytes, every: int, *, offset: int) -> bytes:
    """Return the chunk, with bytes at multiples of ``every`` in the body made bad."""
    if not every:
        return chunk
    bad = bytearray(chunk)
    for position in range(-offset % every, len(bad), every):
        bad[position] = NOT_UTF8
    return bytes(bad)


def _pieces(chunk: bytes, now: Plan) -> list[tuple[bytes, float]]:
    """Return pieces and the seconds to wait after each."""
    if now.bytes_per_s is not None:
        size = max(1, int(now.bytes_per_s / STEPS_PER_S))
        pause = size / now.bytes_per_s
    elif now.slice_size:
        size, pause = now.slice_size, SLICE_PAUSE_S
    else:
        size, pause = max(1, len(chunk)), 0.0
    return [(chunk[at : at + size], pause) for at in range(0, len(chunk), size)]
