"""Serves an engine to other processes of the same user, on a Unix socket.

The front end asks and the engine answers; nothing is pushed, so a slow or stopped front end costs
one waiting connection and no growing memory.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import pwd
import socket
import stat
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import anyio
import msgspec
from anyio.abc import TaskStatus

from tmcconsole.config.places import private_name
from tmcconsole.contract.commands import AnyCommand
from tmcconsole.contract.link import EngineLink, LinkLost
from tmcconsole.contract.text import SafeText
from tmcconsole.contract.wire import PROTOCOL, Answer, Ask, Hello, Line, decode, encode
from tmcconsole.runtime import monotonic_clock, spawn

MAX_ASK_BYTES: Final = 1024 * 1024
MAX_CONNECTIONS: Final = 16
IDLE_S: Final = 60.0  # a front end that asks nothing for this long makes room for another
HELLO_S: Final = 5.0  # a peer that sends nothing is not one of ours
SEND_S: Final = 30.0  # a peer that does not read is disconnected
ANSWER_S: Final = 60.0  # above every time limit of the engine's own requests

_log = logging.getLogger(__name__)


class SocketTaken(Exception):
    """Another process serves this socket, or its directory cannot be used."""


@contextmanager
def claim(path: Path) -> Iterator[None]:
    """Hold the exclusive right to serve ``path``, and remove a socket left by a dead process.

    Raises ``SocketTaken``. The kernel releases the lock when the process ends, however it ends.
    """
    _own_folder(path.parent)
    if len(os.fsencode(path)) > 107:  # sun_path of Linux, with its final NUL
        raise SocketTaken(f"{path} is too long for a socket; set daemon.socket to a shorter path")
    lock = _open_lock(path.with_name(path.name + ".lock"))
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SocketTaken(
                f"an engine already runs on {path}; tmc-console attach opens it, "
                "--state-dir starts another beside it"
            ) from error
        _remove_socket(path)
        try:
            yield
        finally:
            with suppress(SocketTaken):
                _remove_socket(path)
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SocketTaken(f"{path}: {error.strerror}; choose another --state-dir") from error


def _remove_socket(path: Path) -> None:
    """Remove a socket, if there is one; anything else is not ours, and stays."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise SocketTaken(f"{path}: {error.strerror}; set daemon.socket to another path") from error
    if not stat.S_ISSOCK(mode):
        raise SocketTaken(f"{path} is there and is no socket; set daemon.socket to another path")
    path.unlink(missing_ok=True)


async def serve(
    link: EngineLink,
    path: Path,
    *,
    version: str,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve ``link`` at ``path`` until cancelled; the caller holds ``claim(path)``.

    Has started once it listens. Raises ``OSError`` if it cannot.
    """
    listener = _bound(path)
    async with anyio.create_task_group() as group:
        guests: dict[StreamWriter, float] = {}  # front ends, and when each asked last

        async def talk(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                if _makes_room(guests):
                    guests[writer] = monotonic_clock()
                    await _talk(reader, writer, link, version, guests)
            finally:
                guests.pop(writer, None)
                writer.transport.abort()

        def accept(reader: StreamReader, writer: StreamWriter) -> None:
            spawn(group, talk, reader, writer, name="front end")

        server = await asyncio.start_unix_server(accept, sock=listener, limit=MAX_ASK_BYTES)
        try:
            task_status.started()
            await anyio.sleep_forever()
        finally:
            server.close()


def _makes_room(guests: dict[StreamWriter, float]) -> bool:
    """Return whether another front end may connect; one that has long been idle is closed."""
    if len(guests) < MAX_CONNECTIONS:
        return True
    idlest = min(guests, key=lambda one: guests[one])
    if monotonic_clock() - guests[idlest] < IDLE_S:
        return False
    del guests[idlest]
    idlest.transport.abort()  # a console that was suspended; it connects again
    return True


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # before listen(): nobody can connect until then
    except BaseException:
        listener.close()
        raise
    return listener


async def _talk(
    reader: StreamReader,
    writer: StreamWriter,
    link: EngineLink,
    version: str,
    guests: dict[StreamWriter, float],
) -> None:
    actor = _peer(writer)
    if actor is None:
        return
    writer.transport.set_write_buffer_limits(high=0)  # drain() then means that everything is sent
    try:
        await _send(writer, Hello(PROTOCOL, version))
        with anyio.fail_after(HELLO_S):
            hello = decode(await reader.readuntil(b"\n"))
        if not isinstance(hello, Hello) or hello.protocol != PROTOCOL:
            return
        while True:
            ask = decode(await reader.readuntil(b"\n"))
            if not isinstance(ask, Ask) or writer not in guests:
                return
            guests[writer] = monotonic_clock()
            await _send(writer, await _answer(ask, link, actor))
    except (EOFError, ConnectionError):
        return  # the front end disconnected
    except (ValueError, asyncio.LimitOverrunError, TimeoutError) as error:
        _log.warning(
            "front end disconnected: it does not read",
            extra={"fields": {"actor": actor, "reason": str(error)}},
        )


async def _answer(ask: Ask, link: EngineLink, actor: str) -> Answer:
    try:
        with anyio.fail_after(ANSWER_S):
            if ask.command is not None:
                return Answer(ask.id, reply=await link.request(_signed(ask.command, actor)))
            if ask.since is not None:
                return Answer(ask.id, changes=await link.changes(ask.since))
    except LinkLost as error:
        return Answer(ask.id, error=SafeText(str(error) or "the engine stopped"))
    except TimeoutError:
        return Answer(ask.id, error=SafeText(f"no answer from the engine for {ANSWER_S:.0f} s"))
    raise ValueError("an empty question")


def _signed(command: AnyCommand, actor: str) -> AnyCommand:
    """Return the command with the actor that the kernel vouches for, whatever the peer claims."""
    return msgspec.structs.replace(command, actor=actor)


async def _send(writer: StreamWriter, line: Line) -> None:
    writer.write(encode(line))
    with anyio.fail_after(SEND_S):
        await writer.drain()


def _peer(writer: StreamWriter) -> str | None:
    """Return the user at the other end, or None if it is another user than ours."""
    raw = writer.get_extra_info("socket")
    credentials = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _gid = struct.unpack("3i", credentials)
    if uid != os.geteuid():
        _log.warning("refused another user", extra={"fields": {"uid": uid, "pid": pid}})
        return None
    return f"{user_name(uid)} (pid {pid})"


def user_name(uid: int) -> str:
    """Return the name of a user, or ``uid N`` if the system has none for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _own_folder(folder: Path) -> None:
    """Create the directory, or check that it is ours and nobody else can write to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
    except OSError as error:
        raise SocketTaken(f"{folder}: {error.strerror}; choose another --state-dir") from error
    if status.st_uid != os.geteuid():
        raise SocketTaken(
            f"{folder} belongs to {user_name(status.st_uid)}; choose another --state-dir"
        )
    if folder.name == private_name() and not status.st_mode & 0o002:
        folder.chmod(0o700)  # at each mount the kubelet opens a whole volume to its fsGroup
    elif status.st_mode & 0o022:
        raise SocketTaken(
            f"{folder} can be written by others; chmod 700 it or choose another --state-dir"
        )
