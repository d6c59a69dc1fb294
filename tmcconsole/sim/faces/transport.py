"""The in-process face: a ``Transport`` straight into the request core, without sockets.

Time comes from the running loop, so a loop with virtual time works as well.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio

from tmcconsole.runtime import Request, Response, TransportError
from tmcconsole.sim.faces.exchange import exchange
from tmcconsole.sim.handlers.watch import Watch
from tmcconsole.sim.request.request_info import User
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import JSON_HEADERS


class InProcessStream:
    """A ``ByteStream`` over a watch or a complete answer."""

    def __init__(self, answer: Response | Watch) -> None:
        self._answer = answer

    @property
    def head(self) -> Response:
        """Return status and headers, and the body if the request was refused."""
        if isinstance(self._answer, Response):
            return self._answer
        return Response(200, dict(JSON_HEADERS), b"")

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield bytes as they come. Raises TransportError when the connection breaks."""
        if isinstance(self._answer, Response):
            yield self._answer.body
            return
        async with aclosing(self._answer.lines()) as lines:
            async for line in lines:
                yield line


class InProcessTransport:
    """A ``Transport`` to one simulated server, as one user."""

    def __init__(self, server: Server, user: User) -> None:
        self._server = server
        self._user = user
        self.requests = 0  # sent so far

    async def request(self, request: Request) -> Response:
        """Return the complete answer. Raises TransportError if there is none."""
        answer = await self._within(request)
        if isinstance(answer, Response):
            return answer
        async with aclosing(answer.lines()) as lines:
            body = b"".join([line async for line in lines])
        return Response(200, dict(JSON_HEADERS), body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[InProcessStream]:
        """Open a streaming answer; leaving the context ends it."""
        yield InProcessStream(await self._within(request))

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def _within(self, request: Request) -> Response | Watch:
        self.requests += 1
        try:
            with anyio.fail_after(request.timeout_s):
                return await exchange(self._server, request, self._user)
        except TimeoutError as error:
            message = f"{self._server.name}: no answer within {request.timeout_s:g} s"
            raise TransportError(message, sent=True, reason="Timeout") from error
