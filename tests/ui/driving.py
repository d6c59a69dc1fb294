"""How tests drive the console: a fixed clock, the made-up fleet, and the screen's content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot
from textual.screen import Screen

from tests.ui.fixture_link import NOW, FixtureLink
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.ui.app import ConsoleApp
from tmcconsole.ui.terminal.input import InputReader


@dataclass
class Desk:
    """One running console, and what a test does to it."""

    app: CountingApp
    link: FixtureLink
    pilot: Pilot[str]
    clock: list[float]
    reader: InputReader
    monotonic: list[float]

    async def press(self, *keys: str) -> None:
        """Press keys one second apart, and let everything settle."""
        for key in keys:
            self.monotonic[0] += 1
            await self.pilot.press(key)
            await self.pilot.pause()

    async def send(self, *reads: str, after: float = 1.0) -> None:
        """Send what a terminal sends, read by read, the given seconds apart."""
        for data in reads:
            self.monotonic[0] += after
            for message in [*self.reader.tick(), *self.reader.feed(data)]:
                self.app.post_message(message)
        await self.pilot.pause()
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        """Type text."""
        await self.press(*text)

    async def command(self, line: str) -> None:
        """Run a command line."""
        await self.press("colon")
        await self.write(line)
        await self.press("enter")

    async def frame(self) -> None:
        """Pull and draw once."""
        await self.app.pull()
        self.app.draw()
        await self.pilot.pause()

    async def later(self, seconds: float) -> None:
        """Advance our clock while the engine is silent, and draw."""
        self.clock[0] += seconds
        self.app.draw()
        await self.pilot.pause()

    @property
    def lines(self) -> list[str]:
        """Return the lines that the screen shows."""
        return [
            "".join(segment.text for segment in strip)
            for strip in self.app.screen._compositor.render_strips()
        ]

    @property
    def text(self) -> str:
        """Return what the screen shows as one text."""
        return "\n".join(self.lines)


class CountingApp(ConsoleApp):
    """A console that counts what it would send to the terminal."""

    written = 0  # bytes
    terminal = Console(color_system="256", force_terminal=True, file=StringIO())

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        update: object = renderable
        if isinstance(update, CompositorUpdate) and not self._batch_count:
            self.written += len(update.render_segments(self.terminal).encode())
        super()._display(screen, renderable)


def make_app(
    link: FixtureLink | None,
    clock: list[float] | None = None,
    monotonic: list[float] | None = None,
    **options: object,
) -> CountingApp:
    """Return a console whose frame timer never fires by itself during a test."""
    wall, ticks = clock or [NOW], monotonic or [0.0]
    values: dict[str, Any] = {"link_mode": "demo", "on_quit": "stop"} | options
    settings = values.pop("settings", ConsoleSettings(refresh_hz=0.2))
    return CountingApp(
        link, settings, clock=lambda: wall[0], monotonic=lambda: ticks[0], **values
    )  # fmt: skip


@asynccontextmanager
async def console(
    link: FixtureLink | None = None, *, size: tuple[int, int] = (120, 35), **options: object
) -> AsyncIterator[Desk]:
    """Run a console on a link and yield its desk once the first snapshot is drawn."""
    clock, monotonic = [NOW], [0.0]
    used = link or FixtureLink()
    app = make_app(used, clock, monotonic=monotonic, **options)
    async with app.run_test(size=size) as pilot:
        desk = Desk(app, used, pilot, clock, InputReader(lambda: monotonic[0]), monotonic)
        await desk.frame()
        yield desk
