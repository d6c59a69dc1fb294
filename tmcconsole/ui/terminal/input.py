"""What a terminal sends, as events: keys that know their read, and pastes that are text.

Textual's parser gives out as keys what follows an escape character inside a paste. Here the paste
is taken out of the stream before that parser sees it. Every key is told how many more came in the
same read: what arrives together was not typed in answer to anything that one of them opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from textual import constants, events
from textual._xterm_parser import BRACKETED_PASTE_END as END
from textual._xterm_parser import BRACKETED_PASTE_START as BEGIN
from textual._xterm_parser import XTermParser
from textual.message import Message

from tmcconsole.ui.terminal.pasted import pasted_line

MAX_PASTED: Final = 100_000  # characters kept of one paste; the rest is dropped
ENDLESS_S: Final = 30.0  # a paste that says nothing for so long has lost its end
TOGETHER_S: Final = 0.01  # reads this close are one: no hand and no key repeat is as fast


class ReadKey(events.Key):
    """A key with the read it came in."""

    __slots__ = ["later", "read", "read_at"]

    def __init__(
        self, key: str, character: str | None, *, read: int, later: int, read_at: float
    ) -> None:
        super().__init__(key, character)
        self.read = read  # number of the read, from 1
        self.later = later  # keys that came after it in the same read
        self.read_at = read_at  # monotonic seconds


ReadKey.handler_name = events.Key.handler_name  # it is handled wherever a key is


class InputReader:
    """Owner of what has come and is not yet an event."""

    def __init__(self, clock: Callable[[], float], *, debug: bool = False) -> None:
        self._clock = clock
        self._parser = XTermParser(debug)
        self._read = 0
        self._read_at = float("-inf")
        self._held = ""  # the start of what may become BEGIN
        self._let_go = ""  # the same, given up as keys: it may still become BEGIN
        self._pasted: str | None = None  # what was pasted so far; None outside a paste
        self._tail = ""  # the start of what may become END

    def feed(self, data: str) -> list[Message]:
        """Return the events of one read."""
        now = self._clock()
        if now - self._read_at > TOGETHER_S:
            self._read += 1
        self._read_at = now
        return self._as_one_read(self._events(data))

    def tick(self) -> list[Message]:
        """Return what was only waited for: a lone escape, the end of an endless paste."""
        waited = self._clock() - self._read_at
        if self._pasted is not None:
            return [self._end_paste()] if waited >= ENDLESS_S else []
        if self._held:
            if waited < constants.ESCAPE_DELAY:
                return []
            held, self._held = self._held, ""
            self._let_go += held
            return self._as_one_read([*self._parser.feed(held), *self._settle()])
        return self._as_one_read(self._parser.tick())

    def _as_one_read(self, found: Iterable[Message]) -> list[Message]:
        messages = list(found)
        later = sum(isinstance(one, events.Key) for one in messages)
        told: list[Message] = []
        for one in messages:
            if isinstance(one, events.Key):
                later -= 1
                told.append(
                    ReadKey(
                        one.key, one.character, read=self._read, later=later, read_at=self._read_at
                    )
                )
            else:
                told.append(one)
        return told

    def _events(self, data: str) -> Iterator[Message]:
        text = self._held + data
        self._held = ""
        if self._pasted is None and self._let_go:
            whole = self._let_go + text
            if BEGIN.startswith(whole):
                self._held = text
                return
            if whole.startswith(BEGIN):
                text = BEGIN + whole.removeprefix(BEGIN)
            self._let_go = ""
        while text:
            if self._pasted is None:
                before, begin, text = text.partition(BEGIN)
                self._held = "" if begin else _start_of_begin(before)
                yield from self._keys(before.removesuffix(self._held))
                if begin:
                    yield from self._settle()
                    self._pasted = ""
            else:
                body, end, text = (self._tail + text).partition(END)
                keep = len(body) if end else max(0, len(body) - len(END) + 1)
                self._tail = "" if end else body[keep:]
                self._pasted += body[:keep][: MAX_PASTED - len(self._pasted)]
                if not end:
                    return
                yield self._end_paste()

    def _keys(self, text: str) -> Iterable[Message]:
        return self._parser.feed(text) if text else ()  # nothing means the end to Textual

    def _settle(self) -> Iterable[Message]:
        """Return what the parser keeps back in case more comes: it does not."""
        if self._parser._timeout_time is not None:
            self._parser._timeout_time = 0.0
        return self._parser.tick()

    def _end_paste(self) -> Message:
        pasted, self._pasted, self._tail = (self._pasted or "") + self._tail, None, ""
        return events.Paste(pasted_line(pasted))


def _start_of_begin(text: str) -> str:
    """Return the end of ``text`` with which BEGIN may begin."""
    sizes = range(min(len(BEGIN) - 1, len(text)), 0, -1)
    return next((text[-size:] for size in sizes if BEGIN.startswith(text[-size:])), "")
