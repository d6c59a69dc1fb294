"""The same world on real API servers."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from tests.world.world import Side, World, make_settings
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.client import Client
from tmcconsole.kube.credentials import dial
from tmcconsole.placement.install import install
from tmcconsole.runtime import Runtime, Transport
from tmcconsole.tmc.audit import MemoryAudit


@dataclass(frozen=True, slots=True)
class RealCluster:
    """One API server: the name of its target (``hub`` for the hub), and how to reach it."""

    name: str
    kubeconfig: Path  # the engine's
    around: Path | None = None  # the users', where the engine's leads through a proxy


@asynccontextmanager
async def open_real_world(
    hub: RealCluster, clusters: Sequence[RealCluster], **sync: object
) -> AsyncIterator[World]:
    """Run an engine between real API servers; it ends with the context, they do not."""
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
    engine = Engine(runtime, settings, audit)
    async with AsyncExitStack() as stack:
        sides: dict[str, Side] = {}
        for name in access:
            client = Client(await reach_directly(name), name=name)
            stack.push_async_callback(client.aclose)
            sides[name] = Side(client)
        await install(sides["hub"].user, settings.targets)
        group = await stack.enter_async_context(anyio.create_task_group())
        group.start_soon(engine.run)
        yield World(sides.pop("hub"), sides, engine, audit)
        group.cancel_scope.cancel()
