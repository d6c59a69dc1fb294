"""An engine in another process, reached over its Unix socket."""

from __future__ import annotations

import asyncio
import os
import pwd
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio

from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.commands import AnyCommand, AnyReply
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.wire import PROTOCOL, Answer, Ask, Hello, Line, decode, encode

CONNECT_S: Final = 5.0
ANSWER_S: Final = 70.0  # above the server's own limit, so that its answer arrives first
MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024  # a snapshot of 100,000 objects is near 100 MB


class RemoteEngine:
    """An ``EngineLink`` over a socket; one question at a time, in order.

    Once lost it stays lost: open another. As an async context it closes its socket.
    """

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = anyio.Lock()
        self._last_id = 0
        self._lost: LinkLost | None = None

    @classmethod
    async def open(cls, path: Path, *, version: str) -> RemoteEngine:
        """Connect to the engine at ``path``. Raises ``LinkLost`` with the reason."""
        try:
            with anyio.fail_after(CONNECT_S):
                streams = await asyncio.open_unix_connection(path, limit=MAX_ANSWER_BYTES)
        except PermissionError as error:
            raise LinkLost(f"{path} cannot be opened: {_forbidden(path)}") from error
        except (OSError, TimeoutError) as error:
            raise LinkLost(f"no engine answers at {path}") from error
        remote = cls(*streams)
        try:
            with anyio.fail_after(CONNECT_S):
                await remote._greet(path, version)
        except BaseException:
            remote._writer.transport.abort()
            raise
        return remote

    async def changes(self, since: Revision) -> Changes:
        """Return what changed after ``since``. Raises ``LinkLost``."""
        answer = await self._ask(since, None)
        if answer.changes is None:
            raise self._lose("the engine sent an unexpected answer")
        return answer.changes

    async def request(self, command: AnyCommand) -> AnyReply:
        """Pass a command on. Raises ``LinkLost``."""
        answer = await self._ask(None, command)
        if answer.reply is None:
            raise self._lose("the engine's answer makes no sense")
        return answer.reply

    async def aclose(self) -> None:
        """Close the socket; the engine keeps running."""
        self._lose("detached")
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _greet(self, path: Path, version: str) -> None:
        try:
            self._writer.write(encode(Hello(PROTOCOL, version)))
            hello = await self._line()
        except (EOFError, ConnectionError) as error:
            raise LinkLost(
                f"the engine at {path} refused the connection: "
                "it belongs to another user, or has too many clients"
            ) from error
        except (ValueError, TimeoutError) as error:
            raise LinkLost(f"the server at {path} is not an engine") from error
        if not isinstance(hello, Hello) or hello.protocol != PROTOCOL:
            raise LinkLost(f"the engine at {path} has another version; restart it or this program")

    async def _ask(self, since: Revision | None, command: AnyCommand | None) -> Answer:
        async with self._turn:
            if self._lost is not None:
                raise LinkLost(*self._lost.args)
            self._last_id += 1
            ask = Ask(self._last_id, since, command)
            try:
                with anyio.fail_after(ANSWER_S):
                    self._writer.write(encode(ask))
                    await self._writer.drain()
                    answer = await self._answer_to(ask.id)
            except (EOFError, ConnectionError) as error:
                raise self._lose("the engine closed the connection") from error
            except (asyncio.LimitOverrunError, ValueError) as error:
                raise self._lose(f"the engine's answer is unusable: {error}") from error
            except TimeoutError as error:
                raise self._lose(f"no answer for {ANSWER_S:.0f} s") from error
        if answer.error:
            raise LinkLost(answer.error)
        return answer

    async def _answer_to(self, ask_id: int) -> Answer:
        """Return the answer; late answers to abandoned questions are skipped."""
        while True:
            line = await self._line()
            if not isinstance(line, Answer) or line.id > ask_id:
                raise ValueError("it answers another question")
            if line.id == ask_id:
                return line

    async def _line(self) -> Line:
        return decode(await self._reader.readuntil(b"\n"))

    def _lose(self, reason: str) -> LinkLost:
        self._lost = self._lost or LinkLost(reason)
        return self._lost


def _forbidden(path: Path) -> str:
    """Return who owns the socket: somebody else's engine may be running there."""
    for place in (path, *path.parents):
        try:
            uid = place.stat().st_uid
        except OSError:
            continue
        if uid != os.geteuid():
            try:
                owner = pwd.getpwuid(uid).pw_name
            except KeyError:
                owner = f"uid {uid}"
            what = "it" if place == path else str(place)
            return f"permission denied, {what} belongs to {owner}"
    return "permission denied"
