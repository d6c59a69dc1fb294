"""``tmc-console run``: the engine without a console."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from tmcconsole import __version__
from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line, with_cause
from tmcconsole.cli.setting import loaded, runtime_of, socket_of
from tmcconsole.cli.signals import Stopping, heeded, hold_hangups, stop_on_signal
from tmcconsole.config.settings import Settings
from tmcconsole.contract.link import LinkLost
from tmcconsole.daemon.headless import run_headless
from tmcconsole.daemon.logs import logging_to
from tmcconsole.daemon.notify import notify
from tmcconsole.daemon.socket_server import SocketTaken, claim, serve
from tmcconsole.runtime import spawn

if TYPE_CHECKING:
    from tmcconsole.engine.thread import EngineThread

STOP_S: Final = 8.0  # for the engine to drain; shutdown promises 10 s in all


def run(arguments: Arguments) -> int:
    """Run the engine until a signal arrives; logs go to stderr or the configured file.

    After SIGHUP it starts again with the config as it is now.
    """
    signals = heeded()
    while _run_once(arguments, signals):
        hold_hangups(signals)
    return 0


def _run_once(arguments: Arguments, signals: tuple[signal.Signals, ...]) -> bool:
    """Run one engine; return whether another is to follow."""
    settings = loaded(arguments).settings
    daemon = settings.daemon
    try:
        with (
            claim(socket_of(settings)),
            logging_to(
                daemon.log_file, level=daemon.log_level, log_format=daemon.log_format
            ) as log,
        ):
            return anyio.run(_run, settings, log, signals, partial(_may_reload, arguments, log))
    except (SocketTaken, LinkLost, OSError) as error:
        raise CommandFailure(with_cause(error)) from error


def _may_reload(arguments: Arguments, log: logging.Logger) -> bool:
    """Return whether the config can be used; if not, the engine goes on as it is."""
    try:
        loaded(arguments)
    except CommandFailure as error:
        log.error("not reloaded: %s", one_line(error))
        return False
    return True


async def _run(
    settings: Settings,
    log: logging.Logger,
    signals: tuple[signal.Signals, ...],
    may_reload: Callable[[], bool],
) -> bool:
    """Return whether a reload ended the engine."""
    ending = Stopping()
    async with running_engine(settings) as engine, anyio.create_task_group() as group:
        spawn(group, stop_on_signal, ending, signals, may_reload, name="signals")
        await group.start(partial(serve, engine, socket_of(settings), version=__version__))
        notify("READY=1", os.environ)
        log.info("started", extra={"fields": {"socket": str(socket_of(settings))}})
        await run_headless(engine, stop=ending.event, log=log)
        notify("RELOADING=1" if ending.is_reload else "STOPPING=1", os.environ)
        what = "reloading" if ending.is_reload else "stopping"
        log.info(what, extra={"fields": {"signal": ending.by}})
        group.cancel_scope.cancel()
    return ending.is_reload


@asynccontextmanager
async def running_engine(settings: Settings) -> AsyncIterator[EngineThread]:
    """Run the engine in its own thread; leaving the context drains and stops it."""
    from tmcconsole.engine.thread import EngineThread

    engine = EngineThread(settings, runtime_of(settings))
    engine.start()
    try:
        yield engine
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(engine.stop, STOP_S)


def refuse_core_dumps() -> None:
    """Disable core dumps, which would write tokens in memory to disk."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
