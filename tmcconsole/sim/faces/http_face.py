"""The HTTP face: a simulated cluster on loopback, for kubectl, for clients and for the demo."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

import anyio
from aiohttp import web

from tmcconsole.runtime import Request, Response, TransportError
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.faces.exchange import exchange
from tmcconsole.sim.handlers.watch import Watch
from tmcconsole.sim.request.bodies import MAX_BODY
from tmcconsole.sim.request.request_info import ADMIN, User
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    path_not_found,
    too_large,
    unauthorized,
)

_SHUTDOWN_S: Final = 0.1  # open watches would block a graceful shutdown for ever
_NO_TIMEOUT: Final = 0.0  # requests end by the client's timeout, not the server's
_HOP_BY_HOP: Final = ("connection", "transfer-encoding", "content-length")


class Served:
    """One cluster served over HTTP. ``close`` ends it; so does leaving the context."""

    def __init__(self, cluster: SimCluster, token: str) -> None:
        self.cluster = cluster
        self.token = token
        self.url = ""
        self._users: dict[str, User] = {token: ADMIN}
        self._server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._switched = anyio.Event()
        self._host, self._port = "", 0
        self._stop_listening: Callable[[], None] = _nothing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def admit(self, token: str, user: User) -> None:
        """Accept another token, as ``user``."""
        self._users[token] = user

    async def open(self, host: str, port: int) -> None:
        """Start listening. Port 0 picks a free port, which is kept through outages."""
        self._host, self._port = host, port
        self._runner = web.ServerRunner(self._server, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await self._listen()
        self.url = f"http://{host}:{self._port}{self.cluster.base_path}"
        self._stop_listening = self.cluster.faults.listen(lambda _: self._switched.set())
        # A cancel scope here would have to close before any that our caller opened earlier; a
        # task of our own, awaited in close(), needs no such order.
        self._keeper = asyncio.get_running_loop().create_task(
            self._follow_outages(), name=f"outages of {self.cluster.name}"
        )

    async def close(self) -> None:
        """Stop listening and close every connection."""
        self._stop_listening()
        with anyio.CancelScope(shield=True):  # or a cancelled owner would leave sockets open
            if self._keeper is not None:
                self._keeper.cancel()
                await asyncio.wait([self._keeper])
                self._keeper = None
            if self._runner is not None:
                await self._runner.cleanup()
                self._runner = None

    async def _listen(self) -> None:
        if self._runner is None:
            return
        self._site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await self._site.start()
        if not self._port:
            self._port = self._runner.addresses[0][1]

    async def _follow_outages(self) -> None:
        """Make outages real: nothing listens, and open connections are reset."""
        while True:
            await self._switched.wait()
            self._switched = anyio.Event()
            is_out = self.cluster.faults.outage
            if is_out and self._site is not None:
                site, self._site = self._site, None
                await site.stop()
                for connection in self._server.connections:
                    if connection.transport is not None:
                        connection.transport.abort()
            elif not is_out and self._site is None:
                await self._listen()

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        token, path = _credentials(http)
        user = self._user_of(token)
        if user is None:
            return _whole(unauthorized().response())
        prefix = self.cluster.base_path
        if prefix and not path.startswith(prefix + "/"):
            return _whole(path_not_found())
        try:
            answer = await self._answer(http, user, path.removeprefix(prefix))
            if isinstance(answer, Response):
                return _whole(answer)
            return await _stream(http, answer)
        except TransportError:
            if http.transport is not None:
                http.transport.abort()
            return web.Response(status=503)

    async def _answer(self, http: web.BaseRequest, user: User, path: str) -> Response | Watch:
        body = await _body(http)
        if body is None:
            return too_large(f"Request entity too large: limit is {MAX_BODY}").response()
        request = Request(
            method=http.method,
            path=path,
            query=tuple(http.rel_url.query.items()),
            body=body,
            content_type=http.headers.get("content-type", ""),
            accept=http.headers.get("accept", ""),
            headers=tuple((key.lower(), value) for key, value in http.headers.items()),
            timeout_s=_NO_TIMEOUT,
        )
        return await exchange(self.cluster.server, request, user)

    def _user_of(self, token: str) -> User | None:
        for known, user in self._users.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                return user
        return None


def _credentials(http: web.BaseRequest) -> tuple[str, str]:
    """Return the token and the path of a request; the token may prefix the path."""
    path = http.rel_url.raw_path
    if path.startswith("/as/"):
        token, slash, rest = path.removeprefix("/as/").partition("/")
        return token, slash + rest
    scheme, _, token = http.headers.get("authorization", "").partition(" ")
    return (token.strip() if scheme.lower() == "bearer" else ""), path


async def _body(http: web.BaseRequest) -> bytes | None:
    """Return the body of a request, or None if it is larger than the server accepts."""
    if (http.content_length or 0) > MAX_BODY:
        return None
    parts, size = [], 0
    async for part in http.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            return None
    return b"".join(parts)


def _nothing() -> None:
    """Placeholder while there is nothing to undo."""


async def serve(cluster: SimCluster, *, host: str = "127.0.0.1", port: int = 0) -> Served:
    """Serve a cluster over HTTP; the result has its ``url`` and ``token``."""
    rng = cluster.server.rng
    served = Served(cluster, f"{rng.getrandbits(160):040x}")
    await served.open(host, port)
    return served


def _whole(answer: Response) -> web.Response:
    headers = {key: value for key, value in answer.headers.items() if key not in _HOP_BY_HOP}
    is_json = headers.get("content-type") == JSON_HEADERS["content-type"]
    end = b"\n" if is_json and not answer.body.endswith(b"\n") else b""  # as Go's encoder does
    return web.Response(status=answer.status, headers=headers, body=answer.body + end)


async def _stream(http: web.BaseRequest, watch: Watch) -> web.StreamResponse:
    response = web.StreamResponse(headers=JSON_HEADERS)
    response.enable_chunked_encoding()
    await response.prepare(http)
    try:
        async with aclosing(watch.lines()) as lines:
            async for line in lines:
                await response.write(line)
    except ConnectionResetError:
        return response  # the client has gone
    await response.write_eof()
    return response
