"""Logging that never blocks an event loop: a bounded queue, one writer thread, text or JSON.

Secrets are removed where data enters; the filter here is the second safety net.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO, TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, WatchedFileHandler
from pathlib import Path
from typing import Final, TextIO

import orjson

from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.contract.text import SafeText

QUEUE_SIZE: Final = 10_000  # records; when full, new ones are dropped and counted
MAX_BYTES: Final = 64 << 20  # of a log file; the previous one is kept
MAX_FIELD: Final = 2048  # characters of one field


@contextmanager
def logging_to(
    target: Path | TextIO | None, *, level: str, log_format: str
) -> Iterator[logging.Logger]:
    """Log to a file (created 0600), an open stream, or stderr for None, until the context ends.

    Yields the program's logger. Raises ``OSError`` if the file cannot be opened.
    """
    writer = (
        _File(target) if isinstance(target, Path) else logging.StreamHandler(target or sys.stderr)
    )
    writer.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    feed = _Feed(queue.Queue(QUEUE_SIZE))
    listener = QueueListener(feed.queue, writer)
    root = logging.getLogger()
    root.addHandler(feed)
    root.setLevel(level.upper())
    logging.raiseExceptions = False  # a full disk must not print tracebacks over the screen
    listener.start()
    try:
        yield logging.getLogger("tmcconsole")
    finally:
        root.removeHandler(feed)
        listener.stop()
        with suppress(OSError, ValueError):  # a full or closed log must not stop us from ending
            if feed.dropped and writer.stream is not None:
                slow = f"{feed.dropped} log records were dropped: the log was too slow\n"
                writer.stream.write(slow)
            writer.flush()
        if isinstance(writer, _File):
            writer.close()


class _File(WatchedFileHandler):
    """A private log file: reopened when it was moved away, and moved to NAME.1 when full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(path)

    def _open(self) -> TextIOWrapper:
        return _open_private(self._path)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
            if self.stream is not None and self.stream.tell() > MAX_BYTES:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        except (OSError, ValueError):
            self.handleError(record)  # a full disk, or a folder that is gone: the next one retries


class JsonFormatter(logging.Formatter):
    """One JSON object per line: at, level, logger, message, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its newline."""
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _inert(record.getMessage()),
            **{name: _field(value) for name, value in _fields(record).items()},
        }
        if record.exc_text:
            line["error"] = _inert(record.exc_text, multiline=True)
        return orjson.dumps(line).decode()


class TextFormatter(logging.Formatter):
    """Time, level, message, then the record's fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its newline."""
        pairs = [f"{name}={_quoted(value)}" for name, value in _fields(record).items()]
        head = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():<8}"
        line = " ".join([head, _inert(record.getMessage()), *pairs])
        return f"{line}\n{_inert(record.exc_text, multiline=True)}" if record.exc_text else line


class _Feed(QueueHandler):
    """Hands records over without waiting; renders at once what would change before it is
    written.
    """

    def __init__(self, records: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(records)
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            error = record.exc_info[1]
            # Frames without their locals, which may hold a token.
            record.exc_text = "".join(_causes(error)) if error else ""
            record.exc_info = None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


def _causes(error: BaseException) -> Iterator[str]:
    import traceback

    yield from traceback.format_exception(error, limit=-8)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields = getattr(record, "fields", {})
    return fields if isinstance(fields, Mapping) else {}


def _field(value: object) -> object:
    return value if isinstance(value, bool | int | float) else _inert(str(value))


def _quoted(value: object) -> str:
    shown = str(_field(value))
    return f'"{shown}"' if " " in shown or not shown else shown


def _inert(text: str, *, multiline: bool = False) -> str:
    return SafeText(cut_and_hide(text, MAX_FIELD), multiline=multiline)[:MAX_FIELD]


def _open_private(path: Path) -> TextIOWrapper:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return TextIOWrapper(FileIO(os.open(path, flags, 0o600), "a"), "utf-8", write_through=True)
