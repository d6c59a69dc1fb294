"""The console: connects the session, the screens and the frame timer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

import anyio
from rich.segment import Segments
from rich.traceback import Traceback
from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from tmcconsole.backoff import Backoff
from tmcconsole.config.settings import ConsoleSettings
from tmcconsole.contract.link import EngineLink
from tmcconsole.contract.records import QueueRecord
from tmcconsole.ui.actions import ACTIONS
from tmcconsole.ui.drill import drill_screen, drill_view
from tmcconsole.ui.help import help_lines
from tmcconsole.ui.orders import command_line as command_words
from tmcconsole.ui.orders import dead_letters as letters
from tmcconsole.ui.orders import operate
from tmcconsole.ui.picture import export_svg
from tmcconsole.ui.rows.health import HEALTH_TREE
from tmcconsole.ui.rows.history import HISTORY
from tmcconsole.ui.rows.queues import QUEUES
from tmcconsole.ui.rows.resources import RESOURCES
from tmcconsole.ui.rows.targets import TARGETS
from tmcconsole.ui.screens.frame import FrameScreen
from tmcconsole.ui.screens.key_order import KeyOrder
from tmcconsole.ui.screens.listing import ListScreen
from tmcconsole.ui.screens.overview import OverviewScreen
from tmcconsole.ui.screens.text_screen import TextScreen
from tmcconsole.ui.session import ConsoleOptions, Session
from tmcconsole.ui.style.ink import Lines
from tmcconsole.ui.style.themes import FALLBACK, bundled_dir, load_themes, variables_of
from tmcconsole.ui.subject import Subject
from tmcconsole.ui.terminal.clipboard import copy_sequence
from tmcconsole.ui.terminal.driver import PatientDriver, driver_for
from tmcconsole.ui.widgets.bottom import KeyChoice, Question

RECONNECT: Final = Backoff(first_s=1.0, cap_s=30.0)  # of an attached console
AGES_S: Final = 2.0  # how often ages are redrawn while nothing else changes
HZ_LEAST, HZ_MOST = 0.2, 10.0


class ConsoleApp(App[str], inherit_bindings=False):
    """The console application. Its result is ``stop``, ``detach`` or ``lost``."""

    CSS_PATH = Path(__file__).with_name("console.tcss")
    TITLE = "tmc-console"
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "ask_quit", show=False, priority=True, id="app.quit"),
        Binding("ctrl+p", "command_palette", show=False, priority=True, id="app.palette"),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual declares it as an instance's
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (15, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        link: EngineLink | None,
        settings: ConsoleSettings,
        *,
        link_mode: str,
        on_quit: str,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        open_link: Callable[[], Awaitable[EngineLink]] | None = None,
        theme_dirs: tuple[Path, ...] = (),
    ) -> None:
        self.session = Session(
            link,
            ConsoleOptions(
                settings=settings,
                link_mode=link_mode,
                on_quit=on_quit,
                clock=clock,
                monotonic=monotonic,
                open_link=open_link,
            ),
        )
        self._keys = KeyOrder(self, super().on_event)
        self.failure = ""  # printed once the terminal is restored
        self._drawn_at = 0.0  # our clock at the last frame
        super().__init__(driver_class=driver_for(monotonic) if sys.platform != "win32" else None)
        self.animation_level = "none"
        self._loaded = load_themes((bundled_dir(), *theme_dirs))
        for theme in self._loaded.themes.values():
            self.register_theme(theme)
        wanted = settings.theme
        self._theme_missing = "" if wanted in self.available_themes else wanted
        self.theme = FALLBACK if self._theme_missing else wanted
        self._hz = min(HZ_MOST, max(HZ_LEAST, settings.refresh_hz))
        self._add_modes()

    @property
    def unknown_theme(self) -> str:
        """Return why the wanted theme cannot be had, "" where it can or its file is at fault."""
        if not self._theme_missing or self._loaded.problems:
            return ""
        return f"no theme {self._theme_missing!r}: there are {', '.join(sorted(self.own_themes))}"

    def _add_modes(self) -> None:
        listings = {"targets": TARGETS, "queues": QUEUES, "health": HEALTH_TREE,
                    "history": HISTORY, "resources": RESOURCES}  # fmt: skip
        self.add_mode("overview", partial(OverviewScreen, self.session))
        for mode, listing in listings.items():
            self.add_mode(mode, partial(ListScreen, self.session, listing, name=mode))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our variables for themes that do not name them."""
        return variables_of(self.current_theme)

    def on_mount(self) -> None:
        """Show the first frame, then open the link."""
        self.switch_mode("overview")
        self._frames = self.set_interval(1 / self._hz, self.tick, name="frame")
        self._listen_to_signals()
        self.call_after_refresh(self._after_first_paint)

    def _after_first_paint(self) -> None:
        problems = list(self._loaded.problems)
        if self._theme_missing:
            problems.append(f"no theme {self._theme_missing!r}: using {FALLBACK}")
        if problems:
            self.say(f"themes: {'; '.join(problems)}", "drift")
        if self.session.link is None and self.session.options.open_link is not None:
            self.run_worker(self._open_link(), name="open", exit_on_error=False)
        self.tick()

    async def _open_link(self) -> None:
        open_link = self.session.options.open_link
        assert open_link is not None, "the caller has looked"
        self.session.reopen(await open_link())
        await self.pull()

    async def on_event(self, event: events.Event) -> None:
        """Carry keys and pastes out in their order, everything else Textual's way."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def tick(self) -> None:
        """One frame: ask for changes without waiting, and draw what is known."""
        if isinstance(self._driver, PatientDriver) and self._driver.caught_up():
            self.action_repaint()
        if self.session.link is not None and not self.session.lost:
            self.run_worker(self.pull(), name="pull", group="pull", exit_on_error=False)
        session = self.session
        if session.is_late or session.held_at or session.clock - self._drawn_at >= AGES_S:
            self.draw()

    async def pull(self) -> None:
        """Apply changes and draw them; if the engine is lost, reconnect or quit."""
        if await self.session.pull():
            self.draw()
        if self.session.lost:
            self._lost()

    def draw(self) -> None:
        """Draw the top screen."""
        if self.is_running and isinstance(self.screen, FrameScreen):
            self._drawn_at = self.session.clock
            self.screen.frame()

    def _lost(self) -> None:
        options = self.session.options
        if options.link_mode == "attached" and options.open_link is not None:
            self.run_worker(self._reconnect(), group="reconnect", exclusive=True,
                            name="reconnect", exit_on_error=False)  # fmt: skip
            return
        self.leave("lost", f"the engine is gone: {self.session.lost}")

    async def _reconnect(self) -> None:
        """Retry until the engine answers, with growing delays."""
        open_link = self.session.options.open_link
        assert open_link is not None, "the caller has looked"
        failures = 1
        while True:
            await anyio.sleep(RECONNECT.ceiling(failures))
            try:
                link = await open_link()
            except Exception as error:  # noqa: BLE001  # any error is shown and retried
                failures += 1
                wait = RECONNECT.ceiling(failures)
                self.session.lost = f"{error} (next attempt in {wait:.0f} s)"
            else:
                self.session.reopen(link)
                self.say("attached again", "synced")
                return

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what failed. Only a failed start ends the console: syncing must not depend on it."""
        if event.state is not WorkerState.ERROR:
            return
        error = event.worker.error
        text = f"{type(error).__name__}: {error}"
        if event.worker.name == "open":
            attached = self.session.options.link_mode == "attached"
            what = "cannot attach" if attached else "the engine did not start"
            self.leave("lost", f"{what}: {error}")
        else:
            self.say(f"console error in {event.worker.name}: {text}", "failed")

    def say(self, text: str, tone: str = "text") -> None:
        """Show a message on the top screen."""
        if isinstance(self.screen, FrameScreen):
            self.screen.say(text, tone)

    def flash_back(self, text: str, tone: str) -> None:
        """Show a message on the screen below the top one, which is about to close."""
        below = self.screen_stack[-2] if len(self.screen_stack) > 1 else self.screen
        if isinstance(below, FrameScreen):
            below.say(text, tone)

    def open_mode(self, mode: str, filter: str = "") -> None:
        """Show a screen, with a filter if one is given."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.switch_mode(mode)
        if filter:
            self.call_after_refresh(self._narrow, filter)

    def action_open_mode(self, mode: str) -> None:
        """Show one of the six screens."""
        self.open_mode(mode)

    def _narrow(self, source: str) -> None:
        if isinstance(self.screen, ListScreen):
            self.screen.narrow(source)

    def drill(self, record: object) -> None:
        """Open what a row leads to."""
        screen = self.screen
        if not isinstance(screen, FrameScreen):
            return
        view = drill_view(record)
        if isinstance(record, QueueRecord):
            screen.begin(letters.queue_items(screen, record), "prompt")
        elif view is not None:
            self.open_mode(*view)
        else:
            self.push_screen(drill_screen(self.session, record))

    def operate(self, act: str, subject: Subject) -> None:
        """Start one of the operator's actions on the screen on top."""
        if isinstance(self.screen, FrameScreen):
            self.screen.begin(operate.run(act, self.screen, subject), "prompt")

    def obey(self, line: str) -> None:
        """Execute a command line."""
        if isinstance(self.screen, FrameScreen):
            command_words.obey(self, self.screen, line)

    def completions(self, line: str) -> tuple[str, ...]:
        """Return possible completions of a command line."""
        return command_words.completions(self, line)

    @property
    def own_themes(self) -> tuple[str, ...]:
        """Return the names of the themes read from files."""
        return tuple(self._loaded.themes)

    @property
    def all_themes(self) -> tuple[str, ...]:
        """Return the names of all themes, Textual's too."""
        return tuple(self.available_themes)

    def choose_theme(self, name: str) -> None:
        """Draw in another theme."""
        self.theme = name

    def export_picture(self, path: Path) -> None:
        """Write the screen as SVG. Raises ``OSError``."""
        export_svg(self, path)

    def copy(self, text: str) -> None:
        """Give a text to the terminal's clipboard. Raises ``ValueError`` where it is too long."""
        sequence = copy_sequence(text, os.environ)
        if self._driver is not None:
            self._driver.write(sequence)

    def show_text(self, title: str, lines: Callable[[int], Lines]) -> None:
        """Open a screen of text."""
        self.push_screen(TextScreen(self.session, title, lines))

    def set_rate(self, hz: float) -> None:
        """Draw this often, within the limits."""
        self._hz = min(HZ_MOST, max(HZ_LEAST, hz))
        self._frames.stop()
        self._frames = self.set_interval(1 / self._hz, self.tick, name="frame")

    def action_help(self) -> None:
        """Show the keys of this screen."""
        screen = self.screen
        if isinstance(screen, FrameScreen):
            lines = help_lines(screen)
            self.show_text(f"Help: {screen.name}", lambda _width: lines)

    def action_clear(self) -> None:
        """Clear filter and marks of the top list."""
        if isinstance(self.screen, ListScreen):
            self.screen.view.marked.clear()
            self.screen.narrow("")

    def action_hold(self) -> None:
        """Hold the display, or release it."""
        held = self.session.toggle_hold()
        self.say(
            "display held; the engine keeps running; z resumes" if held else "live again", "paused"
        )
        self.tick()

    def action_repaint(self) -> None:
        """Repaint everything."""
        self._display(self.screen, self.screen._compositor.render_update(full=True))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Return our actions for the palette; the titles are ours, never a cluster's."""
        for action in ACTIONS:
            if not isinstance(screen, FrameScreen) or screen.WHERE not in action.where:
                continue
            if not action.demo or self.session.options.link_mode == "demo":
                run = partial(screen.run_action, action.call)
                yield SystemCommand(action.title.capitalize(), f"key {action.shown}", run)

    async def ask_quit(self) -> None:
        """Ask before stopping a running engine; leave an attached one running without asking."""
        options = self.session.options
        if options.link_mode == "attached" or self.session.link is None:
            self.leave("detach" if options.link_mode == "attached" else "stop")
            return
        screen = self.screen
        assert isinstance(screen, FrameScreen), "all our screens are"
        detach = (KeyChoice("d", "leave it running"),) if options.on_quit == "detach" else ()
        choices = (KeyChoice("s", "stop it and quit"), *detach, KeyChoice("escape", "stay"))
        answers = await screen.ask(Question("the engine is running here:", choices, tone="drift"))
        match answers:
            case {"choice": "s"}:
                self.leave("stop")
            case {"choice": "d"}:
                self.leave("detach")

    def action_ask_quit(self) -> None:
        """Ask to quit, from anywhere, even while another question is open."""
        screen = self.screen
        if isinstance(screen, FrameScreen):
            screen.begin(self.ask_quit(), "prompt")
        else:
            self.pop_screen()  # the palette: the user means to close it

    def leave(self, outcome: str, failure: str = "") -> None:
        """Quit in order. ``failure`` is printed once the terminal is restored."""
        self.failure = failure
        self.exit(outcome, return_code=1 if failure else 0)

    def _listen_to_signals(self) -> None:
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        gone = "detach" if self.session.options.on_quit == "detach" else "stop"
        for one, outcome in ((signal.SIGTERM, "stop"), (signal.SIGHUP, gone)):
            if signal.getsignal(one) is not signal.SIG_IGN:  # nohup: what is ignored stays ignored
                loop.add_signal_handler(one, self.leave, outcome)

    def _fatal_error(self) -> None:
        """Keep a traceback without local variables: they may hold secrets."""
        traceback = Traceback(show_locals=False, width=None)
        segments = Segments(self.console.render(traceback, self.console.options))
        self._exit_renderables.append(segments)
        self._close_messages_no_wait()


def run_console(app: ConsoleApp) -> int:
    """Run the console until it is left; return the exit code.

    ``app.return_value`` says how: stop, detach or lost.
    """
    app.run(mouse=app.session.options.settings.mouse)
    if app.failure:
        print(f"tmc-console: {app.failure}", file=sys.stderr)
    return app.return_code or 0
