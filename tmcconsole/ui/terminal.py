"""A terminal writer that never waits: a terminal that does not read costs frames, not the loop.

Textual's own writer blocks the event loop once thirty writes are queued; a terminal stopped with
ctrl+S then stops everything. Here a frame that finds the queue half full is dropped, and once the
terminal has caught up the whole screen is painted anew.
"""

from __future__ import annotations

from queue import Full
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

ROOM = 15  # writes that may wait; half of the queue, the rest is kept for leaving in order
CLOSE_S = 1.0  # how long leaving waits for a terminal that does not read


class PatientDriver(LinuxDriver):
    """Textual's driver with a writer that drops frames instead of waiting."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.is_behind = False  # frames were dropped since the last whole one

    def write(self, data: str) -> None:
        """Queue output; drop it where the terminal lags behind."""
        writer = self._writer_thread
        assert writer is not None, "the driver is in application mode"
        if self.is_behind or writer._queue.qsize() >= ROOM:
            self.is_behind = True
            return
        writer.write(data)

    def caught_up(self) -> bool:
        """Return whether the terminal has just caught up, so that a whole frame is due."""
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
        """Stop the writer; a terminal that does not read is not waited for."""
        writer = self._writer_thread
        if writer is None:
            return
        try:
            writer._queue.put(None, timeout=CLOSE_S)
        except Full:
            return  # the thread is a daemon: it ends with the process
        writer.join(CLOSE_S)
