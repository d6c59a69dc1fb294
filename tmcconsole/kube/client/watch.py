"""A watch stream, cut into lines and read as events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Final

import anyio
import anyio.lowlevel

from tmcconsole.kube.client.ingest import Quarantined, WatchEvent, to_event
from tmcconsole.kube.errors import BadAnswer, Unreachable
from tmcconsole.kube.objects import Kind

MAX_LINE: Final = 32 << 20  # bytes; etcd stores 1.5 MB, and JSON may be several times larger
EVENTS_PER_TURN: Final = 64  # then yield to other tasks: about 2 ms of decoding


class LineSplitter:
    """Splits chunks of any size into complete lines; an unfinished last line is never returned."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def unfinished(self) -> int:
        """The size in bytes of the unfinished line."""
        return self._size

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that ``chunk`` completes. Raises ``BadAnswer`` on an endless line."""
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._pieces, whole[0]))
            self._pieces, self._size = [], 0
        if rest:
            self._pieces.append(rest)
            self._size += len(rest)
        if self._size > MAX_LINE:
            raise BadAnswer(f"a watch event of more than {MAX_LINE >> 20} MiB")
        yield from (line for line in whole if line.strip())


async def read_events(
    chunks: AsyncIterator[bytes], kind: Kind, *, idle_s: float, count: Callable[[int], None]
) -> AsyncGenerator[WatchEvent | Quarantined, None]:
    """Yield events until the stream ends; ``count`` receives the size of every chunk.

    Raises ``Unreachable`` (Timeout) after ``idle_s`` seconds without a byte, and the error in an
    ERROR event.
    """
    lines = LineSplitter()
    given = 0
    try:
        while (chunk := await _next(chunks, idle_s)) is not None:
            count(len(chunk))
            for line in lines.feed(chunk):
                yield to_event(line, kind)
                given += 1
                if given % EVENTS_PER_TURN == 0:
                    await anyio.lowlevel.checkpoint()
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


async def _next(chunks: AsyncIterator[bytes], idle_s: float) -> bytes | None:
    try:
        with anyio.fail_after(idle_s):
            return await anext(chunks, None)
    except TimeoutError as error:
        message = f"the watch was silent for {idle_s:.0f} s"
        raise Unreachable(message, sent=True, reason="Timeout") from error
