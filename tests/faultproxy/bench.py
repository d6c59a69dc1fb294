"""A small upstream server, a proxy in front of it, and a client of the proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import anyio
import trustme
from aiohttp import web

from tests.faultproxy.certificates import trusting
from tests.faultproxy.proxy import Proxy, abandon


@dataclass(slots=True)
class Upstream:
    """A server with one versioned document, writes to count and a stream to feed."""

    version: int = 7
    writes: list[bytes] = field(default_factory=list)
    written: anyio.Event = field(default_factory=anyio.Event)
    lines: anyio.abc.ObjectSendStream[bytes] = field(init=False)
    fed: anyio.abc.ObjectReceiveStream[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.lines, self.fed = anyio.create_memory_object_stream[bytes](100)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a write, a watch or a read."""
        if request.method != "GET":
            self.writes.append(await request.read())
            self.written.set()
            return web.json_response({"written": len(self.writes)})
        if request.query.get("watch") == "true":
            return await self._watch(request)
        return web.json_response(
            {"metadata": {"resourceVersion": str(self.version)}, "text": "grüße"},
            headers={"X-Upstream": "yes"},
        )

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for line in self.fed:
            await response.write(line)
        return response


@dataclass(frozen=True, slots=True)
class Bench:
    """All three, connected."""

    upstream: Upstream
    proxy: Proxy
    client: aiohttp.ClientSession
    authority: trustme.CA
    folder: Path

    @asynccontextmanager
    async def new_client(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Open a client that has no connections yet."""
        async with open_client(self.proxy, self.authority) as client:
            yield client

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a stream through the proxy."""
        async with self.client.get("/things?watch=true") as answer:
            try:
                yield answer
            finally:
                abandon(answer)


@asynccontextmanager
async def open_client(proxy: Proxy, authority: trustme.CA) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=trusting(authority))
    async with aiohttp.ClientSession(proxy.url, connector=connector) as client:
        yield client


@asynccontextmanager
async def serving(upstream: Upstream) -> AsyncIterator[str]:
    """Serve on loopback and yield the address."""
    server = web.Server(upstream.handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
