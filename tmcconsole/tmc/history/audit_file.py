"""The audit log in a file: append-only, private, durable before an action starts.

Concurrent callers share one write and one fsync. One process at a time holds the file. A full file
is renamed and the chain continues in a new one.
"""

from __future__ import annotations

import fcntl
import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from tmcconsole.tmc.history.audit import (
    AuditEntry,
    AuditUnavailable,
    ChainEnd,
    ChainVerdict,
    Recalled,
    announcement,
    chained,
    digest_of,
    parsed,
    recalled,
    result,
    torn,
    verify,
)

MAX_BYTES: Final = 64 * 1024 * 1024  # then the file is renamed
KEPT_FILES: Final = 16  # full ones, 1 GiB together
KEPT_S: Final = 400 * 86400.0  # counted from the last line of a full file
_TAIL: Final = 256 * 1024  # bytes; more than the two longest lines


@dataclass(slots=True, eq=False)
class _Ticket:
    """A caller's entry on its way to the disk."""

    entry: AuditEntry
    at: float
    seq: int = 0  # > 0 once durable
    failed: str = ""  # why it could not be made durable

    @property
    def is_settled(self) -> bool:
        return self.seq > 0 or bool(self.failed)


class FileAudit:
    """An ``AuditLog`` at ``path``, opened for the first record and again after a failure."""

    def __init__(
        self, path: Path, wall: Callable[[], float], *, max_bytes: int = MAX_BYTES
    ) -> None:
        self._path = path
        self._wall = wall
        self._max_bytes = max_bytes
        self._file: int | None = None
        self._end = ChainEnd()
        self._waiting: list[_Ticket] = []  # one per waiting caller
        self._lock = anyio.Lock()

    async def before(
        self, action: str, *, actor: str, target: str, subject: str, uid: str, detail: str
    ) -> int:
        """See ``AuditLog``."""
        return await self._record(announcement(action, actor, target, subject, uid, detail))

    async def after(self, seq: int, outcome: str) -> None:
        """See ``AuditLog``."""
        await self._record(result(seq, outcome))

    async def recall(self, actions: frozenset[str]) -> tuple[Recalled, ...]:
        """See ``AuditLog``. Reads the current file and the full one before it."""
        try:
            return await anyio.to_thread.run_sync(self._recall, actions)
        except OSError as error:
            said = error.strerror or error
            raise AuditUnavailable(f"audit log {self._path} cannot be read: {said}") from error

    def _recall(self, actions: frozenset[str]) -> tuple[Recalled, ...]:
        files = full_files(self._path)[-1:]
        if self._path.exists():
            files.append(self._path)
        return recalled(_lines(files), actions)

    async def check(self) -> None:
        """Open the file, so that a problem shows before it is needed. Raises
        ``AuditUnavailable``.
        """
        async with self._lock:
            try:
                await anyio.to_thread.run_sync(self._open)
            except OSError as error:
                raise AuditUnavailable(self._refusal(error)) from error

    async def aclose(self) -> None:
        """Close the file so that another process can take it."""
        async with self._lock:
            await anyio.to_thread.run_sync(self._close)

    async def _record(self, entry: AuditEntry) -> int:
        ticket = _Ticket(entry, self._wall())
        self._waiting.append(ticket)
        try:
            async with self._lock:
                if not ticket.is_settled:  # by whoever held the lock before
                    await anyio.to_thread.run_sync(self._settle, tuple(self._waiting))
        finally:
            self._waiting.remove(ticket)  # a cancelled caller's entry is not written
        if ticket.failed:
            raise AuditUnavailable(ticket.failed)
        return ticket.seq

    def _settle(self, tickets: tuple[_Ticket, ...]) -> None:
        """Make all tickets durable, or mark them failed. Runs in a thread, under the lock."""
        tickets = tuple(ticket for ticket in tickets if not ticket.is_settled)
        try:
            self._write(tickets)
        except OSError as error:
            self._close()  # the next record examines the file again: its end may be torn
            for ticket in tickets:
                if not ticket.seq:
                    ticket.failed = self._refusal(error)

    def _write(self, tickets: tuple[_Ticket, ...]) -> None:
        file = self._open()
        end, lines, numbers = self._end, [], []
        for ticket in tickets:
            line, end = chained(ticket.entry, end, ticket.at)
            lines.append(line)
            numbers.append(end.seq)
        _append(file, b"".join(lines))
        self._end = end
        for ticket, number in zip(tickets, numbers, strict=True):
            ticket.seq = number
        if os.fstat(file).st_size >= self._max_bytes:
            self._path.rename(self._path.with_name(f"{self._path.name}.{end.seq:012d}"))
            self._close()
            _remove_old(full_files(self._path), self._wall())

    def _open(self) -> int:
        """Return the open, locked file, with the end of its chain known. Raises ``OSError``."""
        if self._file is not None and _is_same(self._file, self._path):
            return self._file
        self._close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = file = os.open(self._path, flags, 0o600)
        try:
            _check_ours(file, self._path)
            self._end = self._resume(file)
        except OSError:
            self._close()
            raise
        return file

    def _resume(self, file: int) -> ChainEnd:
        """Return the end of the chain in the file, in the last full file, or as remembered."""
        full = full_files(self._path)
        before = _end_of(_tail_of_file(full[-1]))[0] if full else self._end
        if os.fstat(file).st_size == 0:
            _sync_folder(self._path.parent)  # the file's name must survive a crash, too
            return before
        tail = _tail_of(file)
        if not tail.endswith(b"\n"):  # now the line is complete, or recognisably not
            _append(file, b"\n")
            tail += b"\n"
        end, last = _end_of(tail, before.seq if full else 0)
        if parsed(last) is None:
            line, end = chained(torn(), end, self._wall())
            _append(file, line)
        return end

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)  # releases the lock, too

    def _refusal(self, error: OSError) -> str:
        return f"audit log {self._path} cannot be written: {error.strerror or error}"


def full_files(path: Path) -> list[Path]:
    """Return the renamed files of the chain that continues in ``path``, oldest first."""
    found = path.parent.glob(f"{path.name}.*")
    return sorted(file for file in found if file.suffix[1:].isdigit())


def verify_files(path: Path) -> ChainVerdict:
    """Check the chain in ``path`` and the full files before it. Blocks; raises ``OSError``.

    A chain whose oldest files were removed continues from what the first of the others says.
    """
    full = full_files(path)
    files = full if full and not path.exists() else [*full, path]
    return verify(_lines(files), _start_of(next(_lines(files), b"")) if full else None)


def _start_of(line: bytes) -> ChainEnd | None:
    entry = parsed(line)
    if entry is None or entry.get("seq") == 1:
        return None
    return ChainEnd(int(str(entry["seq"])) - 1, str(entry.get("prev")))


def _remove_old(full: list[Path], wall: float) -> None:
    """Remove full files beyond ``KEPT_FILES`` or older than ``KEPT_S``; the newest always stays."""
    for number, file in enumerate(reversed(full)):
        if number and (number >= KEPT_FILES or wall - file.stat().st_mtime > KEPT_S):
            file.unlink()


def _lines(files: list[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as stream:
            yield from stream


def _append(file: int, data: bytes) -> None:
    """Write all of ``data`` and make it durable."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _check_ours(file: int, path: Path) -> None:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
        raise OSError("it is not a regular file of this user alone; move it away")
    if stat.S_IMODE(found.st_mode) & 0o007:
        raise OSError(f"others can read it; run: chmod 600 {path}")
    if stat.S_IMODE(found.st_mode) & 0o070:
        os.fchmod(file, 0o600)  # at each mount the kubelet opens a volume to its fsGroup
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OSError("another process holds it; stop that one first") from error
    if not _is_same(file, path):
        raise OSError("it was just renamed; try again")


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def _tail_of_file(path: Path) -> bytes:
    with path.open("rb") as stream:
        return _tail_of(stream.fileno())


def _tail_of(file: int) -> bytes:
    size = os.fstat(file).st_size
    return os.pread(file, _TAIL, max(0, size - _TAIL))


def _end_of(tail: bytes, seq: int = 0) -> tuple[ChainEnd, bytes]:
    """Return the end of the chain and its last line; ``seq`` is used if no line is complete."""
    lines = io.BytesIO(tail).readlines()
    last = lines[-1] if lines else b""
    for line in reversed(lines):
        entry = parsed(line)
        if entry is not None:
            return ChainEnd(int(str(entry["seq"])), digest_of(last)), last
    return ChainEnd(seq, digest_of(last)), last


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
