"""Keys and pastes one by one, each carried out whole before the next.

Textual hands them from queue to queue: a second key overtakes what the first one opens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from textual import events
from textual.app import App

from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.terminal.input import ReadKey

EARLY_S: Final = 0.02  # how soon a dialog that is being built is looked at again
MAX_EARLY: Final = 500  # keys kept for it meanwhile

TypedEvent = events.Key | events.Paste


class KeyOrder:
    """Owner of whose the keys of the present read are."""

    def __init__(self, app: App[Any], pass_on: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._pass_on = pass_on  # Textual's own way, for screens that are Textual's own
        self._line_read = 0  # the read whose keys belong to a line that one of them opened
        self._early: list[TypedEvent] = []  # came before a dialog could take them

    async def take(self, event: TypedEvent) -> None:
        """Carry one out."""
        screen = self._app.screen
        if not isinstance(screen, FrameScreen):
            await self._take_in_dialog(event)
        elif isinstance(event, events.Paste):
            screen.take_paste(event)
        elif isinstance(event, ReadKey) and event.read == self._line_read:
            screen.bottom.take_key(event)
        else:
            await screen.take_key(event)
        if isinstance(event, ReadKey) and self._is_line_open:
            self._line_read = event.read

    @property
    def _is_line_open(self) -> bool:
        """Return whether keys are text for a line or a dialog now."""
        screen = self._app.screen
        return not isinstance(screen, FrameScreen) or screen.bottom.is_asking

    async def _take_in_dialog(self, event: TypedEvent) -> None:
        """Give the palette what is its own; what comes before it can take it waits."""
        if isinstance(event, ReadKey) and event.later and not event.is_printable:
            if event.key not in ("enter", "tab"):
                return  # amid what came in one go it is no order to leave
            event = events.Key("space", " ")
        if self._early or self._app.focused is None:
            self._early = [*self._early, event][:MAX_EARLY]
            self._app.set_timer(EARLY_S, self._give_early)
        else:
            await self._pass_on(event)

    async def _give_early(self) -> None:
        if self._app.focused is None and not isinstance(self._app.screen, FrameScreen):
            self._app.set_timer(EARLY_S, self._give_early)
            return
        waiting, self._early = self._early, []
        for event in waiting:
            if not isinstance(self._app.screen, FrameScreen):
                await self._pass_on(event)
