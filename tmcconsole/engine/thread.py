"""The engine in its own thread and event loop: no slow screen can stop it from syncing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError as FutureCancelled
from contextlib import AsyncExitStack
from typing import Final, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from tmcconsole.config.settings import Settings
from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.commands import AnyCommand, AnyReply
from tmcconsole.contract.link import LinkLost
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.engine import Engine
from tmcconsole.engine.history_on_disk import keep_history, load_history
from tmcconsole.engine.replicas.replica_identity import replica_identity
from tmcconsole.runtime import Runtime, spawn
from tmcconsole.tmc.history.audit_file import FileAudit
from tmcconsole.tmc.history.history_store import HistoryStore

log = logging.getLogger(__name__)

T = TypeVar("T")
START_TIMEOUT_S: Final = 10.0


class EngineThread:
    """An ``EngineLink`` to an engine in this process. ``start``, use, ``stop``."""

    def __init__(
        self, settings: Settings, runtime: Runtime, *, notes: tuple[str, ...] = ()
    ) -> None:
        self._settings = settings
        self._runtime = runtime
        self._notes = tuple(SafeText(note) for note in notes)
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._ready = threading.Event()
        self._portal: BlockingPortal | None = None
        self._scope: anyio.CancelScope | None = None
        self._engine: Engine | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the thread; connecting continues in the background."""
        self._thread.start()
        self._ready.wait(START_TIMEOUT_S)
        if self._error is not None:
            raise LinkLost("the engine could not start") from self._error

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop the engine in order: running requests finish or are cancelled, nothing is half
        done.
        """
        portal, scope = self._portal, self._scope
        if portal is not None and scope is not None and self._thread.is_alive():
            portal.start_task_soon(_cancel, scope)
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                log.error("the engine did not end within %.0f s", timeout_s)

    async def changes(self, since: Revision) -> Changes:
        """See ``EngineLink``."""
        engine = self._living()
        return await self._there(lambda: engine.changes(since))

    async def request(self, command: AnyCommand) -> AnyReply:
        """See ``EngineLink``."""
        engine = self._living()
        return await self._there(lambda: engine.request(command))

    def _living(self) -> Engine:
        if self._engine is None or not self._thread.is_alive():
            raise LinkLost("the engine has ended") from self._error
        return self._engine

    async def _there(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run on the engine's loop, wait on ours."""
        assert self._portal is not None
        future = self._portal.start_task_soon(work)
        try:
            return await asyncio.wrap_future(future)
        except (FutureCancelled, RuntimeError) as error:
            raise LinkLost("the engine has ended") from (self._error or error)

    def _main(self) -> None:
        try:
            anyio.run(self._run)
        except BaseException as error:
            self._error = error
            log.exception("the engine failed")
        finally:
            self._ready.set()

    async def _run(self) -> None:
        state_dir = self._settings.state_dir
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            audit = FileAudit(state_dir / "audit.jsonl", wall=self._runtime.wall)
            stack.push_async_callback(audit.aclose)
            replica = stack.enter_context(replica_identity(state_dir, self._runtime))
            engine = Engine(
                self._runtime, self._settings, audit, notes=self._notes, replica=replica
            )
            self._portal = await stack.enter_async_context(BlockingPortal())
            with anyio.CancelScope() as self._scope:
                store = HistoryStore(state_dir / "history.sqlite")
                await load_history(engine.history, store)
                async with anyio.create_task_group() as group:
                    spawn(group, keep_history, engine.history, store, self._runtime, name="history")
                    self._engine = engine
                    self._ready.set()
                    await engine.run()


async def _cancel(scope: anyio.CancelScope) -> None:
    scope.cancel()
