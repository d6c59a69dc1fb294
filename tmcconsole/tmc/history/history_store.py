"""The history on disk: one SQLite file that survives restarts, bounded, written off the loop.

All SQLite work runs in a worker thread, one call at a time. An unreadable file is set aside, never
repaired or deleted; ``set_aside`` tells where it went and why.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
import msgspec

from tmcconsole.contract.records import HistoryRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.tmc.history.history import KEEP, History

VERSION: Final = 1  # of the schema, in PRAGMA user_version
SAVE_EVERY_S: Final = 2.0
BUSY_S: Final = 5.0  # wait for another process that reads the file
MAX_SET_ASIDE: Final = 9  # then the disk needs attention, and no more files are made

_SCHEMA: Final = """
create table if not exists history (
    id text primary key, last_at real not null, record blob not null
) without rowid;
create index if not exists history_last_at on history (last_at);
create table if not exists open_error (
    id text primary key, subjects blob not null
) without rowid;
"""
_SUFFIXES: Final = ("", "-wal", "-shm")  # SQLite's own files of one database

_T = TypeVar("_T")


class HistoryUnavailable(Exception):
    """The history cannot be read or written now; says why. Nothing else depends on it."""


class HistoryStore:
    """One SQLite file, opened on first use and again after an error."""

    def __init__(self, path: Path, *, keep: int = KEEP) -> None:
        self._path = path
        self._keep = keep
        self._database: sqlite3.Connection | None = None
        self._lock = anyio.Lock()  # one writer
        self.set_aside = SafeText()

    async def load(self) -> tuple[HistoryRecord, ...]:
        """Return the records of earlier runs, the latest last. Raises ``HistoryUnavailable``."""
        return await self._in_thread(self._load)

    async def load_subjects(self) -> dict[str, dict[str, float]]:
        """Return the subjects of each open error, each with since when, by the record's id.

        Since 0 stands for the beginning of the record: earlier versions saved no other.

        Raises ``HistoryUnavailable``.
        """
        return await self._in_thread(self._load_subjects)

    async def save(
        self,
        records: Iterable[HistoryRecord],
        subjects: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    ) -> None:
        """Write records and forget the oldest beyond the bound. Raises ``HistoryUnavailable``.

        ``subjects`` has those of the open errors and since when, by the record's id.
        """
        written = list(records)
        rows = [(record.id, record.last_at, _encoder.encode(record)) for record in written]
        open_ = [(id, _encoder.encode(dict(found))) for id, found in subjects.items()]
        over = [(record.id,) for record in written if record.id not in subjects]
        await self._in_thread(lambda: self._save(rows, open_, over))

    async def aclose(self) -> None:
        """Close the file, if it is open."""
        await self._in_thread(self._close)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        async with self._lock:
            try:
                return await anyio.to_thread.run_sync(work)
            except (sqlite3.Error, OSError) as error:
                # Whatever is wrong, the next call reopens the file and checks whether it is
                # readable.
                await anyio.to_thread.run_sync(self._close)
                raise HistoryUnavailable(f"history file {self._path}: {error}") from error

    def _load(self) -> tuple[HistoryRecord, ...]:
        database = self._open()
        try:
            return _read(database, self._keep)
        except msgspec.MsgspecError as error:
            self._put_aside(str(error))
            return _read(self._open(), self._keep)

    def _load_subjects(self) -> dict[str, dict[str, float]]:
        rows = self._open().execute("select id, subjects from open_error").fetchall()
        found = {}
        for id, subjects in rows:
            try:
                read = _subjects.decode(subjects)
            except msgspec.MsgspecError:
                continue  # its record names one of them
            found[id] = read if isinstance(read, dict) else dict.fromkeys(read, 0.0)
        return found

    def _save(
        self,
        rows: list[tuple[str, float, bytes]],
        subjects: list[tuple[str, bytes]],
        over: list[tuple[str]],
    ) -> None:
        database = self._open()
        with database:
            database.executemany("delete from open_error where id = ?", over)
            database.executemany("insert or replace into open_error values (?, ?)", subjects)
            database.executemany("insert or replace into history values (?, ?, ?)", rows)
            database.execute(
                "delete from history where id in "
                "(select id from history order by last_at desc, id limit -1 offset ?)",
                (self._keep,),
            )
            database.execute("delete from open_error where id not in (select id from history)")

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            try:
                self._database = _connect(self._path)
            except _Unreadable as error:
                self._put_aside(str(error))
                self._database = _connect(self._path)
        return self._database

    def _put_aside(self, why: str) -> None:
        self._close()
        for number in range(1, MAX_SET_ASIDE + 1):
            aside = self._path.with_name(f"{self._path.name}.unreadable-{number}")
            if not aside.exists():
                break
        else:
            raise OSError(f"{why}; {MAX_SET_ASIDE} unreadable files already exist")
        for suffix in _SUFFIXES:
            found = self._path.with_name(self._path.name + suffix)
            if found.exists():
                found.rename(aside.with_name(aside.name + suffix))
        self.set_aside = SafeText(f"history file was unreadable ({why}); it is now {aside}")


class _Unreadable(sqlite3.DatabaseError):
    """Not a database, damaged, or of another version."""


async def keep_saved(
    history: History,
    store: HistoryStore,
    sleep: Callable[[float], Awaitable[None]],
    report: Callable[[SafeText], None],
) -> None:
    """Save what is new every ``SAVE_EVERY_S`` until cancelled, and then once more.

    What cannot be saved is kept for the next time; ``report`` gets the reason, "" when saving works
    again.
    """
    try:
        while True:
            await sleep(SAVE_EVERY_S)
            report(await save_pending(history, store))
    finally:
        with anyio.move_on_after(SAVE_EVERY_S, shield=True):
            report(await save_pending(history, store))
            await store.aclose()


async def save_pending(history: History, store: HistoryStore) -> SafeText:
    """Save what is new and return "", or put it back and return why it could not be saved."""
    changed = history.pending()
    if not changed:
        return SafeText()
    try:
        open_now = ((record.id, history.subjects_of(record.id)) for record in changed)
        await store.save(changed, {id: found for id, found in open_now if found})
    except HistoryUnavailable as error:
        history.unsaved(changed)
        return SafeText(error)
    return SafeText()


def _connect(path: Path) -> sqlite3.Connection:
    """Return the open, checked database. Raises ``_Unreadable`` if it is not one of ours."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    # The lock ensures that one thread at a time uses the connection.
    database = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    try:
        version = database.execute("pragma user_version").fetchone()[0]
        sound = database.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError:
        raise  # locked, read-only or full: the file itself is fine
    except sqlite3.DatabaseError as error:
        raise _Unreadable(str(error)) from error
    if sound != "ok":
        raise _Unreadable(sound)
    if version not in (0, VERSION):
        raise _Unreadable(f"version {version}, this program writes {VERSION}")
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = normal")  # the last second may be lost, never the file
    database.executescript(_SCHEMA)
    database.execute(f"pragma user_version = {VERSION}")


def _read(database: sqlite3.Connection, keep: int) -> tuple[HistoryRecord, ...]:
    rows = database.execute(
        "select record from history order by last_at desc, id limit ?", (keep,)
    ).fetchall()
    return tuple(_decoder.decode(row[0]) for row in reversed(rows))


def _text_in(kind: type[Any], value: Any) -> Any:
    if kind is SafeText:
        return SafeText(value, multiline=True)
    raise NotImplementedError(kind)


_encoder = msgspec.json.Encoder(enc_hook=str)
_subjects = msgspec.json.Decoder(dict[str, float] | tuple[str, ...])
_decoder: msgspec.json.Decoder[HistoryRecord] = msgspec.json.Decoder(
    HistoryRecord, dec_hook=_text_in
)
