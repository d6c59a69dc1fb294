"""Requests to one API server over HTTP/1.1: one pool for requests, one for streams.

Streams have their own pool so that watches never starve writes. Proxy variables and netrc are
ignored and redirects are not followed: credentials only go where the kubeconfig says.
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import anyio
from yarl import URL

from tmcconsole import __version__
from tmcconsole.kube.access.kubeconfig import KubeContext
from tmcconsole.kube.access.renewal import Renewal
from tmcconsole.kube.access.server_url import ServerUrl
from tmcconsole.kube.access.tls import Certificates
from tmcconsole.kube.access.tokens import TokenSource, basic
from tmcconsole.kube.access.transport_errors import as_transport_error
from tmcconsole.kube.secret import CredentialsError, Secret
from tmcconsole.runtime import ByteStream, Request, Response, Transport, TransportError

POOL: Final = 64  # connections for requests; the engine's own concurrency limit is lower
CONNECT_S: Final = 10.0
NAME_BELIEVED_S: Final = 10  # how long a resolved address is reused: an API server may move
RECHECK_S: Final = 30.0  # how often certificate files are checked, whatever errors they cause
MAX_BODY: Final = 256 << 20  # bytes, unpacked
MAX_ERROR: Final = 64 << 10  # bytes read from the body of a rejected stream
# The TLS shutdown left by a cancelled request is aborted after 2 s, or by close(). Later Pythons do
# this themselves, and aiohttp then warns about the option.
ABORT_LINGERING: Final = sys.version_info < (3, 12, 8)
USER_AGENT: Final = f"tmc-console/{__version__}"


class EndpointInfo(Protocol):
    """What the transport needs to know about an API server."""

    @property
    def source(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def tokens(self) -> TokenSource: ...
    @property
    def server_name(self) -> str: ...
    @property
    def proxy(self) -> ServerUrl | None: ...
    @property
    def impersonation(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def context(self) -> KubeContext | None: ...

    async def certificates(self) -> Certificates: ...
    async def tls(self, certificates: Certificates) -> ssl.SSLContext | None: ...


@dataclass(frozen=True, slots=True)
class _Pools:
    requests: aiohttp.ClientSession
    streams: aiohttp.ClientSession
    fingerprint: bytes  # of the certificates they were made with

    async def close(self) -> None:
        # Also when cancelled: nobody else would close them.
        with anyio.CancelScope(shield=True):
            await self.streams.close()
            await self.requests.close()


class HttpTransport(Transport):
    """Owns the connections to one API server, and replaces them when certificates change."""

    def __init__(
        self,
        endpoint: EndpointInfo,
        *,
        now: Callable[[], float],
        reopen: Callable[[], Awaitable[EndpointInfo]],
    ) -> None:
        self._renewal = Renewal(now, reopen)
        self._endpoint = endpoint
        self._where = urlsplit(endpoint.server).netloc  # a path may hold a token
        if endpoint.proxy is not None:
            self._where += f" through proxy {urlsplit(endpoint.proxy.url).netloc}"
        self._now = now
        self._pools: _Pools | None = None
        self._retired: _Pools | None = None
        self._checked_at = float("-inf")
        self._lock = anyio.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"HttpTransport({self._where})"

    async def prepare(self) -> None:
        """Read certificates and get a token. Raises ``CredentialsError``."""
        await self._check_certificates()
        await self._endpoint.tokens.header()

    async def request(self, request: Request) -> Response:
        """Return the whole response; a 401 is retried once with fresh credentials."""
        try:
            with anyio.fail_after(request.timeout_s):
                response, used = await self._exchange(request)
                if response.status == 401 and await self._renew(used):
                    response, _ = await self._exchange(request)
                return response
        except TimeoutError as error:
            message = f"{self._where}: no answer within {request.timeout_s:g} s"
            raise TransportError(message, sent=True, reason="Timeout") from error

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[ByteStream]:
        """Open a streaming response; leaving the context closes the connection."""
        async with AsyncExitStack() as stack:
            try:
                with anyio.fail_after(request.timeout_s):
                    answer = await self._open_stream(stack, request)
            except TimeoutError as error:
                message = f"{self._where}: no answer within {request.timeout_s:g} s"
                raise TransportError(message, sent=True, reason="Timeout") from error
            yield answer

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        for pools in (self._pools, self._retired):
            if pools is not None:
                await pools.close()
        self._pools = self._retired = None

    async def _exchange(self, request: Request) -> tuple[Response, Secret | None]:
        pools, token = await self._ready()
        try:
            async with self._send(pools.requests, request, token) as answer:
                body = await _read(answer, MAX_BODY)
                return Response(answer.status, _headers(answer), body), token
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error

    async def _open_stream(self, stack: AsyncExitStack, request: Request) -> ByteStream:
        pools, token = await self._ready()
        answer = await self._enter(stack, self._send(pools.streams, request, token))
        if answer.status == 401 and await self._renew(token):
            _cut(answer)
            pools, token = await self._ready()
            answer = await self._enter(stack, self._send(pools.streams, request, token))
        try:
            body = b"" if answer.status == 200 else await answer.content.read(MAX_ERROR)
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error
        return _Stream(Response(answer.status, _headers(answer), body), answer, self._failure)

    async def _enter(
        self,
        stack: AsyncExitStack,
        sending: aiohttp.client._RequestContextManager,
    ) -> aiohttp.ClientResponse:
        try:
            answer = await stack.enter_async_context(sending)
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error
        stack.callback(_cut, answer)
        return answer

    def _send(
        self, session: aiohttp.ClientSession, request: Request, token: Secret | None
    ) -> aiohttp.client._RequestContextManager:
        endpoint = self._endpoint
        _require_one_impersonation(endpoint, request)
        query = f"?{_encoded(request.query)}" if request.query else ""
        headers = [("Accept", request.accept), *endpoint.impersonation, *request.headers]
        if token is not None:
            headers.append(("Authorization", token.reveal()))
        if request.content_type:
            headers.append(("Content-Type", request.content_type))
        return session.request(
            request.method,
            URL(f"{endpoint.server}{request.path}{query}", encoded=True),
            data=request.body or None,
            headers=headers,
            allow_redirects=False,
            server_hostname=endpoint.server_name or None,
            proxy=endpoint.proxy.url if endpoint.proxy else None,
            proxy_headers=_proxy_headers(endpoint.proxy),
        )

    async def _ready(self) -> tuple[_Pools, Secret | None]:
        """Return open pools and an unexpired token."""
        try:
            if self._pools is None or self._now() - self._checked_at >= RECHECK_S:
                await self._check_certificates()
            if self._renewal.is_due:
                await self._take_up()
            endpoint: EndpointInfo | None = None
            token: Secret | None = None
            while endpoint is not self._endpoint:  # no user's token with another's impersonation
                endpoint = self._endpoint
                token = await endpoint.tokens.header()
        except CredentialsError as error:
            raise TransportError(str(error), sent=False, reason="Credentials") from error
        if self._pools is None:
            raise TransportError("the connection is closed", sent=False)
        return self._pools, token

    async def _renew(self, used: Secret | None) -> bool:
        """After a 401: take up a changed kubeconfig, token or certificate files."""
        try:
            if await self._take_up():
                return True
            renewed = await self._endpoint.tokens.renew(used)
            return await self._check_certificates() or renewed
        except CredentialsError as error:
            raise TransportError(str(error), sent=False, reason="Credentials") from error

    async def _take_up(self) -> bool:
        """Read the kubeconfig again; use a changed user and return True."""
        renewed = await self._renewal.look(self._endpoint)
        return renewed is not None and await self._check_certificates(renewed)

    async def _check_certificates(self, renewed: EndpointInfo | None = None) -> bool:
        """Read the certificates; if they or the user changed, use them and return True."""
        async with self._lock:
            self._checked_at = self._now()
            endpoint = renewed or self._endpoint
            try:
                if renewed is not None:
                    await renewed.tokens.header()
                certificates = await endpoint.certificates()
                fingerprint = certificates.fingerprint()
                is_same = self._pools is not None and self._pools.fingerprint == fingerprint
                if self._closed or (is_same and renewed is None):
                    return False
                context = None if is_same else await endpoint.tls(certificates)
            except CredentialsError as error:
                if self._pools is None:
                    raise
                # being replaced just now, or broken: the old ones may still be valid
                self._renewal.tell(str(error))
                return False
            self._endpoint = endpoint
            if not is_same:
                await self._replace_pools(context, fingerprint)
            return True

    async def _replace_pools(self, context: ssl.SSLContext | None, fingerprint: bytes) -> None:
        """Open new pools. Watches break at once and resume; requests in flight may finish."""
        oldest, self._retired = self._retired, self._pools
        self._pools = _Pools(_session(context, POOL), _session(context, 0), fingerprint)
        with anyio.CancelScope(shield=True):
            if self._retired is not None:
                await self._retired.streams.close()
            if oldest is not None:
                await oldest.close()

    def _failure(self, error: Exception) -> TransportError:
        endpoint = self._endpoint
        proxy = endpoint.proxy.url if endpoint.proxy else ""
        failure = as_transport_error(error, endpoint.server, endpoint.source, proxy)
        if failure.reason == "Certificate":
            self._checked_at = float("-inf")  # the files may have been corrected meanwhile
        return failure


class _Stream:
    """An open response, read as its bytes arrive."""

    def __init__(
        self,
        head: Response,
        answer: aiohttp.ClientResponse,
        failure: Callable[[Exception], TransportError],
    ) -> None:
        self._head = head
        self._answer = answer
        self._failure = failure

    @property
    def head(self) -> Response:
        return self._head

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._answer.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk


def _require_one_impersonation(endpoint: EndpointInfo, request: Request) -> None:
    """An API server uses the first of two users: a tenant's request would run as somebody else."""
    if not endpoint.impersonation:
        return
    if any(name.lower().startswith("impersonate-") for name, _ in request.headers):
        raise TransportError(
            "the kubeconfig already impersonates a user, so no other can be: remove its as, as-uid "
            "and as-groups, or sync.impersonate from the config",
            sent=False,
            reason="Credentials",
        )


def _proxy_headers(proxy: ServerUrl | None) -> dict[str, str] | None:
    """Return what is for the proxy only; aiohttp makes it Proxy-Authorization."""
    if proxy is None or not proxy.user:
        return None
    return {"Authorization": basic(proxy.user, proxy.password.reveal()).reveal()}


@lru_cache(maxsize=512)  # queries repeat, except for versions and continue tokens
def _encoded(query: tuple[tuple[str, str], ...]) -> str:
    return urlencode(query)


async def _read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while chunk := await answer.content.readany():
        pieces.append(chunk)
        size += len(chunk)
        if size > most:
            raise aiohttp.ClientPayloadError(f"a response larger than {most >> 20} MiB")
    return b"".join(pieces)


def _cut(answer: aiohttp.ClientResponse) -> None:
    """Close a stream at once without draining it: the rest of a watch is endless.

    A TLS shutdown waits up to 30 s for the peer, when nobody is waiting for it any more.
    """
    connection = answer.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    answer.close()


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _session(context: ssl.SSLContext | None, limit: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=limit,
        ssl=context if context is not None else True,
        keepalive_timeout=60.0,
        ttl_dns_cache=NAME_BELIEVED_S,
        enable_cleanup_closed=ABORT_LINGERING,
        socket_factory=_open_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=CONNECT_S),
        headers={"User-Agent": USER_AGENT},
        trust_env=False,
        auto_decompress=True,
        read_bufsize=1 << 20,
    )


# A peer that vanished is noticed after about 30 s, whatever the kernel's defaults.
_KEEPALIVE: Final = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)


def _open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        option = getattr(socket, name, None)  # not every system has all of them
        if option is not None:
            opened.setsockopt(socket.IPPROTO_TCP, option, value)
    return opened
