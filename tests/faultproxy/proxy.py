"""A TLS proxy in front of a real API server that makes its network as bad as a test wants.

It speaks HTTP/1.1 to the client, presents the certificate it is given, passes bytes unchanged
unless a rule says otherwise, and accepts new rules while requests and streams run.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import anyio
from aiohttp import web
from yarl import URL

from tests.faultproxy.answer import Head, edited, reset_request, send
from tests.faultproxy.faults import FrozenReplica, Outcome, Replace
from tests.faultproxy.listener import Listener, ServingCertificate
from tests.faultproxy.replica import Remembered, Replica, asks_for_the_newest
from tests.faultproxy.rules import Exchange, Rules
from tmcconsole.kube.access.http import ABORT_LINGERING

SEEN_REQUESTS = 10_000  # the oldest is forgotten first
NOT_PASSED_ON = frozenset(  # headers that belong to one connection
    ("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding")
)
NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # only the client's own


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that reached the proxy."""

    method: str
    path: str  # with the query
    is_stream: bool  # a watch
    acts_as: str = ""  # the impersonated user


class Proxy:
    """One proxy for one server. ``rules`` make faults, ``listener`` refuses and resets."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession, shown: ServingCertificate):
        self.seen: deque[Seen] = deque(maxlen=SEEN_REQUESTS)
        self.rules = Rules()
        self.listener = Listener(self._handle, shown)
        self._upstream = URL(upstream)
        self._session = session
        self._replica = Replica()

    @property
    def url(self) -> str:
        """The address to give to clients, with the upstream's path."""
        return f"https://127.0.0.1:{self.listener.port}{self._upstream.raw_path.rstrip('/')}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        exchange = self.rules.begin(request.method, request.rel_url)
        whom = request.headers.get("Impersonate-User", "")
        self.seen.append(Seen(request.method, request.path_qs, exchange.is_stream, whom))
        body = await request.content.read()
        try:
            return await self._answer(request, exchange, body)
        except aiohttp.ClientError:
            return reset_request(request)  # like a load balancer whose server is gone

    async def _answer(
        self, request: web.BaseRequest, exchange: Exchange, body: bytes
    ) -> web.StreamResponse:
        await anyio.sleep(exchange.plan().delay_s)
        begun = await exchange.until_forwarded()
        if begun.outcome is Outcome.RESET:
            return reset_request(request)
        if begun.replace is not None and not begun.replace.forward:
            return await _send_instead(request, exchange, begun.replace)
        if begun.frozen is not None and _is_stale(exchange, begun.frozen):
            past = self._replica.recall(exchange.url, request.headers.get("Accept", ""))
            if past is not None:
                return await _send_whole(request, exchange, past)
        return await self._forward(request, exchange, body)

    async def _forward(
        self, request: web.BaseRequest, exchange: Exchange, body: bytes
    ) -> web.StreamResponse:
        async with self._session.request(
            request.method,
            URL(f"{self._upstream.origin()}{request.path_qs}", encoded=True),
            data=body or None,
            headers=_passed_on(request.headers.items(), plain=request.method == "GET"),
            skip_auto_headers=NOT_ADDED,
            allow_redirects=False,
        ) as answer:
            try:
                return await self._relay(request, exchange, answer)
            finally:
                abandon(answer)

    async def _relay(
        self, request: web.BaseRequest, exchange: Exchange, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        now = exchange.plan()
        if now.outcome is Outcome.LOSE:
            await answer.read()
            return reset_request(request)
        if now.replace is not None:
            await answer.read()
            return await _send_instead(request, exchange, now.replace)
        headers = tuple(_passed_on(answer.headers.items()))
        if exchange.is_read:
            whole = Remembered(answer.status, headers, await answer.read())
            self._remember(request, exchange, whole)
            return await _send_whole(request, exchange, whole, edits=now.edits)
        head = Head(answer.status, answer.reason, headers, answer.content_length)
        pieces: AsyncIterator[bytes] = answer.content.iter_any()
        if exchange.is_stream:
            pieces = edited(exchange, pieces)
        return await send(request, exchange, head, pieces)

    def _remember(self, request: web.BaseRequest, exchange: Exchange, answer: Remembered) -> None:
        accept = request.headers.get("Accept", "")
        is_known = self._replica.recall(exchange.url, accept) is not None
        if answer.status == 200 and not (exchange.plan().frozen and is_known):
            self._replica.remember(exchange.url, accept, answer)


def _is_stale(exchange: Exchange, frozen: FrozenReplica) -> bool:
    asks_truth = asks_for_the_newest(exchange.url) and not frozen.quorum_reads_too
    return exchange.is_read and not asks_truth


async def _send_whole(
    request: web.BaseRequest,
    exchange: Exchange,
    answer: Remembered,
    *,
    edits: tuple[Callable[[bytes], bytes], ...] = (),
) -> web.StreamResponse:
    body = answer.body
    for edit in edits:
        body = edit(body)
    head = Head(answer.status, None, answer.headers, len(body))
    return await send(request, exchange, head, _one_chunk(body))


async def _send_instead(
    request: web.BaseRequest, exchange: Exchange, instead: Replace
) -> web.StreamResponse:
    headers = (("Content-Type", instead.content_type), *instead.headers)
    return await _send_whole(request, exchange, Remembered(instead.status, headers, instead.body))


def _passed_on(headers: Iterable[tuple[str, str]], *, plain: bool = False) -> list[tuple[str, str]]:
    """Return the end-to-end headers; ``plain`` asks for an uncompressed body."""
    dropped = NOT_PASSED_ON | {"accept-encoding"} if plain else NOT_PASSED_ON
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def abandon(answer: aiohttp.ClientResponse) -> None:
    """Drop the connection of an answer that was not read to the end.

    Otherwise the TLS connection would close gracefully, and nothing waits for that.
    """
    if answer.connection is not None and answer.connection.transport is not None:
        answer.connection.transport.abort()


async def _one_chunk(body: bytes) -> AsyncIterator[bytes]:
    yield body


@asynccontextmanager
async def open_proxy(
    upstream: str, *, trust: ssl.SSLContext | bool, shown: ServingCertificate
) -> AsyncIterator[Proxy]:
    """Serve a proxy on loopback; ``trust`` is how it verifies the server behind it."""
    connector = aiohttp.TCPConnector(ssl=trust, limit=0, enable_cleanup_closed=ABORT_LINGERING)
    timeout = aiohttp.ClientTimeout(total=None, connect=10)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False
    ) as session:
        proxy = Proxy(upstream, session, shown)
        await proxy.listener.serve()
        try:
            yield proxy
        finally:
            with anyio.CancelScope(shield=True):
                await proxy.listener.close()
