"""An engine in the console's process: started after the first paint, stopped at the end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import anyio.from_thread
import anyio.to_thread
from anyio.abc import TaskStatus

from tmcconsole import __version__
from tmcconsole.cli.setting import runtime_of, socket_of
from tmcconsole.config.settings import Settings
from tmcconsole.contract.link import EngineLink

STOP_S: Final = 8.0  # for the engine to drain; shutdown promises 10 s in all

_log = logging.getLogger(__name__)


def start_engine(
    settings: Settings, stack: ExitStack, *, notes: tuple[str, ...] = ()
) -> EngineLink:
    """Start the engine; the stack stops it. Slow: do not call it on an event loop."""
    from tmcconsole.engine.thread import EngineThread

    engine = EngineThread(settings, runtime_of(settings), notes=notes)
    engine.start()
    stack.callback(engine.stop, STOP_S)
    return engine


def start_and_serve(settings: Settings, stack: ExitStack) -> EngineLink:
    """Start the engine and serve it on its socket, which the caller has claimed."""
    engine = start_engine(settings, stack)
    stack.enter_context(serving(engine, socket_of(settings)))
    return engine


@contextmanager
def serving(link: EngineLink, path: Path) -> Iterator[None]:
    """Serve the link from its own thread until the context ends. Raises ``OSError``."""
    from tmcconsole.daemon.socket_server import serve

    async def run(*, task_status: TaskStatus[None]) -> None:
        await serve(link, path, version=__version__, task_status=task_status)

    def ended(future: Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            _log.error("the socket is no longer served: %s", error)

    with anyio.from_thread.start_blocking_portal() as portal:
        future, _ = portal.start_task(run, name="socket")
        future.add_done_callback(ended)
        try:
            yield
        finally:
            future.cancel()


def opener(
    start: Callable[[ExitStack], EngineLink], stack: ExitStack
) -> Callable[[], Awaitable[EngineLink]]:
    """Return what a console awaits after its first paint to get its engine."""

    async def open_link() -> EngineLink:
        return await anyio.to_thread.run_sync(start, stack)

    return open_link
