"""The terminal's two directions: a writer that never waits, and a reader that knows its reads.

Textual's own writer blocks the event loop once thirty writes are queued; a terminal stopped with
ctrl+S then stops everything. Here a frame that finds the queue half full is dropped, and once the
terminal has caught up the whole screen is repainted.
"""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Callable
from queue import Full
from typing import TYPE_CHECKING, Any, ClassVar

from textual.drivers.linux_driver import LinuxDriver

from tmcconsole.ui.terminal.input import InputReader

if TYPE_CHECKING:
    from textual.app import App

ROOM = 15  # writes that may wait; half of the queue, the rest is kept for leaving in order
CLOSE_S = 1.0  # how long leaving waits for a terminal that does not read
READ_S = 0.1  # how long reading waits before it looks whether to end
READ_BYTES = 4096


def driver_for(clock: Callable[[], float]) -> type[PatientDriver]:
    """Return the driver with a clock of monotonic seconds: Textual makes the driver itself."""

    return type("ClockedDriver", (PatientDriver,), {"clock": staticmethod(clock)})


class PatientDriver(LinuxDriver):
    """Textual's driver with a writer that drops frames instead of waiting."""

    clock: ClassVar[Callable[[], float]]

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.is_behind = False  # frames were dropped since the last whole one

    def write(self, data: str) -> None:
        """Queue output; drop it if the terminal lags behind."""
        writer = self._writer_thread
        assert writer is not None, "the driver is in application mode"
        if self.is_behind or writer._queue.qsize() >= ROOM:
            self.is_behind = True
            return
        writer.write(data)

    def caught_up(self) -> bool:
        """Return whether the terminal has just caught up, so that a full frame is due."""
        writer = self._writer_thread
        if not self.is_behind or writer is None or writer._queue.qsize():
            return False
        self.is_behind = False
        return True

    def stop_application_mode(self) -> None:
        """Restore the terminal: these writes are never dropped while there is room."""
        self.is_behind = False
        super().stop_application_mode()

    def close(self) -> None:
        """Stop the writer without waiting for a terminal that does not read."""
        writer = self._writer_thread
        if writer is None:
            return
        try:
            writer._queue.put(None, timeout=CLOSE_S)
        except Full:
            return  # the thread is a daemon: it ends with the process
        writer.join(CLOSE_S)

    def _enable_mouse_support(self) -> None:
        """Ask for clicks and the wheel, not for every motion."""
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1006h")
            self.flush()

    def run_input_thread(self) -> None:
        """Read until told to end or nobody is there. Bytes that are no UTF-8 are no keys."""
        reader = InputReader(type(self).clock, debug=self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                found = reader.tick()
                if not found and selector.select(READ_S):
                    data = self._read()
                    if not data:
                        return  # hung up: the signal of that ends the console
                    found = reader.feed(decode(data).replace("\ufffd", ""))
                for message in found:
                    self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:  # a pseudo-terminal whose other side has gone
            return b""
