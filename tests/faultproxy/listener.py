"""A TLS listener on loopback that can also refuse, stall the handshake and reset connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, 0 s: closing sends RST instead of FIN


@dataclass(frozen=True, slots=True)
class ServingCertificate:
    """What the listener presents: PEM files with a certificate chain and its key."""

    certificate: Path
    key: Path


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Reset one connection; what is unsent is lost."""
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        return
    endpoint = transport.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


class Listener:
    """Owns the listening socket. Its port stays the same in every mode."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        shown: ServingCertificate,
    ) -> None:
        self.port = 0  # 0 until the first open
        self._http = web.Server(
            handler,
            handler_cancellation=True,  # a request that hangs ends with its connection
            auto_decompress=False,
            access_log=None,
        )
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["http/1.1"])
        self.show(shown)
        self._socket: asyncio.Server | None = None
        self._stalled: set[asyncio.BaseTransport] = set()

    def show(self, shown: ServingCertificate) -> None:
        """Present another certificate from the next handshake on."""
        self._tls.load_cert_chain(shown.certificate, shown.key)

    async def serve(self) -> None:
        """Accept connections and answer on them."""
        await self.refuse()
        await self._listen(self._http, self._tls)

    async def stall(self) -> None:
        """Accept connections and never answer their TLS handshake."""
        await self.refuse()
        await self._listen(lambda: _Mute(self._stalled), None)

    async def refuse(self) -> None:
        """Accept no new connections; open ones stay."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            await asyncio.sleep(0)  # the loop lets go of the port

    def reset_connections(self) -> None:
        """Reset every open connection."""
        for connection in self._http.connections:
            reset(connection.transport)
        for transport in tuple(self._stalled):
            reset(transport)

    async def close(self) -> None:
        """Refuse, and end every connection and request."""
        await self.refuse()
        self.reset_connections()
        await self._http.shutdown(timeout=0)

    async def _listen(
        self, protocol: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        self._socket = await loop.create_server(protocol, "127.0.0.1", self.port, ssl=tls)
        self.port = self._socket.sockets[0].getsockname()[1]


class _Mute(asyncio.Protocol):
    def __init__(self, connected: set[asyncio.BaseTransport]) -> None:
        self._connected = connected
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._connected.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._transport is not None:
            self._connected.discard(self._transport)
