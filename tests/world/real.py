"""The same world on real API servers."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import anyio
from anyio.abc import TaskGroup

from tests.world.world import Side, World, make_settings
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.placement.install import install
from tmcconsole.runtime import Runtime, Transport
from tmcconsole.tmc.history.audit import MemoryAudit


@dataclass(frozen=True, slots=True)
class RealCluster:
    """One API server: the name of its target (``hub`` for the hub), and how to reach it."""

    name: str
    kubeconfig: Path  # the engine's
    around: Path | None = None  # the users' one, if the engine's leads through a proxy


@dataclass(slots=True)
class RealWorld(World):
    """The world on real API servers. Its engine can stop and another one start."""

    PATIENCE_S: ClassVar[float] = 60.0  # by the machine's clock; other work may slow the test down
    make_engine: Callable[[], Engine]
    group: TaskGroup
    life: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)

    def start(self) -> None:
        """Start the engine."""
        self.life, self.ended = anyio.CancelScope(), anyio.Event()
        self.group.start_soon(self._live, self.engine, self.life, self.ended)

    async def stop(self) -> None:
        """Stop the engine; the next one starts with nothing in memory."""
        self.life.cancel()
        await self.ended.wait()
        self.engine = self.make_engine()

    @staticmethod
    async def _live(engine: Engine, life: anyio.CancelScope, ended: anyio.Event) -> None:
        try:
            with life:
                await engine.run()
        finally:
            ended.set()


@asynccontextmanager
async def open_real_world(
    hub: RealCluster, clusters: Sequence[RealCluster], **sync: object
) -> AsyncIterator[RealWorld]:
    """Run an engine between real API servers; it stops with the context, the servers do not."""
    access = {one.name: ClusterAccess(one.kubeconfig) for one in clusters}
    access["hub"] = ClusterAccess(hub.kubeconfig)
    around = {one.name: one.around for one in (*clusters, hub)}

    async def reach(name: str) -> Transport:
        return await dial(access[name], now=time.monotonic, wall=time.time)

    async def reach_directly(name: str) -> Transport:
        there = ClusterAccess(around[name] or access[name].kubeconfig)
        return await dial(there, now=time.monotonic, wall=time.time)

    runtime = Runtime(
        time.monotonic, time.time, anyio.sleep, random.Random(1), reach, lambda _name: False
    )
    settings = make_settings(tuple(one.name for one in clusters), **sync)
    audit = MemoryAudit(time.time)

    def make_engine() -> Engine:
        return Engine(runtime, settings, audit)

    async with AsyncExitStack() as stack:
        sides: dict[str, Side] = {}
        for name in access:
            client = Client(await reach_directly(name), name=name)
            stack.push_async_callback(client.aclose)
            sides[name] = Side(client)
        await install(sides["hub"].user, settings.targets)
        group = await stack.enter_async_context(anyio.create_task_group())
        world = RealWorld(sides.pop("hub"), sides, make_engine(), audit, make_engine, group)
        world.start()
        yield world
        group.cancel_scope.cancel()
