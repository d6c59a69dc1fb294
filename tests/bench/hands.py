"""What a user does on a fleet: write objects, and watch for their arrival."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import anyio

from tests.bench.fleet import Fleet
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    make_configmap,
    make_deployment,
)
from tmcconsole.config.settings import Settings
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.ingest import WatchEvent
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.placement.install import install
from tmcconsole.runtime import Runtime, Transport, real_runtime
from tmcconsole.tmc.history.audit import MemoryAudit


@dataclass(slots=True)
class Hands:
    """Clients of all a fleet's servers."""

    hub: Client
    clusters: dict[str, Client]

    async def apply(self, client: Client, kind: Kind, tree: Json) -> None:
        """Apply as a user."""
        document = {"apiVersion": kind.api_version, "kind": kind.kind, **tree}
        await client.apply(kind, document, manager="bench", force=True)

    async def make_namespace(self, name: str, *, labels: dict[str, str] | None = None) -> None:
        """Create or relabel a namespace in the hub."""
        await self.apply(self.hub, NAMESPACES, {"metadata": {"name": name, "labels": labels or {}}})

    async def place(self, name: str) -> None:
        """Send the objects of namespaces labelled app=``name`` to every target."""
        spec = {
            "namespaceSelector": {"matchLabels": {"app": name}},
            "locationSelectors": [{}],
            "strategy": "OneToMany",
        }
        await self.apply(self.hub, PLACEMENTS, {"metadata": {"name": name}, "spec": spec})

    async def fill(self, namespace: str, configmaps: int, deployments: int) -> None:
        """Create objects in the hub, 16 at once."""
        jobs: list[tuple[Kind, Json]] = [
            (CONFIGMAPS, make_configmap(f"cm-{n}", namespace, payload="x" * 1024))
            for n in range(configmaps)
        ]
        jobs += [
            (DEPLOYMENTS, make_deployment(f"web-{n}", 1, namespace)) for n in range(deployments)
        ]
        await in_parallel(16, [partial(self.apply, self.hub, *job) for job in jobs])


async def in_parallel(width: int, jobs: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Run awaitable-returning jobs, ``width`` at once, in order."""
    remaining = iter(jobs)

    async def work() -> None:
        for job in remaining:
            await job()

    async with anyio.create_task_group() as group:
        for _ in range(width):
            group.start_soon(work)


@asynccontextmanager
async def open_hands(fleet: Fleet) -> AsyncIterator[Hands]:
    """Connect to every server of a fleet."""
    async with AsyncExitStack() as stack:
        clients: dict[str, Client] = {}
        for name in ("hub", *fleet.clusters):
            transport = await dial(fleet.access(name), now=time.monotonic, wall=time.time)
            clients[name] = Client(transport, name=name)
            stack.push_async_callback(clients[name].aclose)
        yield Hands(clients.pop("hub"), clients)


@asynccontextmanager
async def running_engine(fleet: Fleet, hands: Hands) -> AsyncIterator[Engine]:
    """Run an engine on the fleet in this loop, and wait until its targets are connected."""
    settings: Settings = fleet.settings("state")
    await install(hands.hub, settings.targets)
    ways = {name: fleet.access(name) for name in ("hub", *fleet.clusters)}

    async def reach(name: str) -> Transport:
        return await dial(ways[name], now=time.monotonic, wall=time.time)

    runtime: Runtime = real_runtime(reach)
    engine = Engine(runtime, settings, MemoryAudit(time.time))
    async with anyio.create_task_group() as group:
        group.start_soon(engine.run)
        await until(lambda: is_ready(engine, len(fleet.clusters)))
        yield engine
        group.cancel_scope.cancel()


def is_ready(engine: Engine, targets: int) -> bool:
    """True once every target is connected and listed."""
    session = engine.session
    if session is None or len(session.shared.targets) < targets:
        return False
    watched = [w for target in session.shared.targets.values() for w in target.kinds.values()]
    hub = list(session.shared.hub.kinds.values())
    return bool(watched) and all(one.informer.synced for one in watched + hub)


async def until(claim: Callable[[], bool], within_s: float = 120.0) -> None:
    """Wait until a claim about this process holds."""
    with anyio.fail_after(within_s):
        while not claim():  # noqa: ASYNC110 - a claim has no event to wait for
            await anyio.sleep(0.005)


async def arrivals(client: Client, kind: Kind, namespace: str) -> AsyncGenerator[WatchEvent, None]:
    """Return events of a kind in a namespace from now on, even if they are read later."""
    version = ""
    async for page in client.list_pages(kind, namespace=namespace):
        version = page.resource_version
    return _events(client, kind, namespace, version)


async def _events(
    client: Client, kind: Kind, namespace: str, version: str
) -> AsyncGenerator[WatchEvent, None]:
    stream = client.watch(
        kind, namespace=namespace, resource_version=version, timeout_s=600, idle_s=600
    )
    async for event in stream:
        if isinstance(event, WatchEvent) and event.object is not None:
            yield event
