"""Signals that end a process in an orderly way. Those the parent ignores (nohup) stay ignored."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(slots=True)
class Stopping:
    """Why a process should end, once a signal has asked for it."""

    event: anyio.Event = field(default_factory=anyio.Event)
    by: str = ""  # the signal's name
    is_reload: bool = False  # it should start again


def heeded() -> tuple[signal.Signals, ...]:
    """Return the signals that end this process, without those that the parent ignores."""
    return tuple(one for one in _ENDING if signal.getsignal(one) is not signal.SIG_IGN)


async def stop_on_signal(
    ending: Stopping,
    signals: tuple[signal.Signals, ...],
    may_reload: Callable[[], bool] | None = None,
) -> None:
    """Fill ``ending`` at the first signal; a second one ends the process at once.

    SIGHUP asks ``may_reload``, if there is one, and does nothing if the answer is no.
    """
    if not signals:
        return
    with anyio.open_signal_receiver(*signals) as received:
        async for number in received:
            is_reload = number == signal.SIGHUP and may_reload is not None
            if is_reload and may_reload is not None and not may_reload():
                continue
            ending.by, ending.is_reload = signal.Signals(number).name, is_reload
            ending.event.set()
            if not is_reload:  # until it restarts, another signal may end it
                return


def hold_hangups(signals: tuple[signal.Signals, ...]) -> None:
    """Keep a SIGHUP between two runs of an engine from ending the process."""
    if signal.SIGHUP in signals:
        signal.signal(signal.SIGHUP, lambda *_: None)
