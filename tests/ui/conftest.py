"""A pause in the console's tests ends when the console has nothing left to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

SOON_S = 0.02  # timers due within this time are waited for: a key or a message has set them
QUIET_TURNS = 3  # of the loop, one after the other
MOST_TURNS = 200  # a timer that fires again and again is not waited for


@pytest.fixture(autouse=True)
def _pauses_end_when_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the event loop, not for an idle processor.

    Textual takes a process for idle if it has used no processor time for a moment. On a busy
    machine it may just not have been given any, and a picture was taken before the theme was drawn.
    """
    monkeypatch.setattr("textual.pilot.wait_for_idle", wait_until_done)


async def wait_until_done(_least: float = 0.0, _most: float = 0.0) -> None:
    """Return when no callback is ready and no timer is due soon, or after ``MOST_TURNS`` turns."""
    loop: Any = asyncio.get_running_loop()
    quiet = 0
    for _ in range(MOST_TURNS):
        soon = loop.time() + SOON_S
        is_due = any(timer.when() <= soon for timer in loop._scheduled if not timer.cancelled())
        await asyncio.sleep(SOON_S / 10 if is_due else 0)
        quiet = 0 if is_due or loop._ready else quiet + 1
        if quiet == QUIET_TURNS:
            return
