"""What the end-to-end tests rest on: simulated clusters, a real engine, and users' actions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import anyio

from tests.simulation.loop import virtual_runtime, virtual_wall
from tmcconsole.config.settings import ClusterAccess, Settings, SyncSettings, TargetSettings
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import NAMESPACES as NAMESPACES
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.placement.install import install
from tmcconsole.runtime import Runtime, Transport, TransportError
from tmcconsole.sim.faces.cluster import Flavour, SimCluster
from tmcconsole.sync.names.markers import LEAVE_ANYWAY
from tmcconsole.tmc.history.audit import MemoryAudit

DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
SECRETS = Kind("", "v1", "secrets", "Secret")
PLACEMENTS = Kind("scheduling.kcp.io", "v1alpha1", "placements", "Placement", namespaced=False)
SYNC_TARGETS = Kind("workload.kcp.io", "v1alpha1", "synctargets", "SyncTarget", namespaced=False)
NOWHERE = ClusterAccess()


@dataclass(slots=True)
class Side:
    """One cluster and a user's client of it. ``sim`` is None for a real API server."""

    user: Client
    sim: SimCluster | None = None

    async def apply(self, kind: Kind, tree: Json, manager: str = "user") -> Json:
        """Apply as a user does; return the server's answer."""
        tree = {"apiVersion": kind.api_version, "kind": kind.kind, **tree}
        return (await self.user.apply(kind, tree, manager=manager, force=True)).decode()

    async def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """Return an object, or None if the server says there is none."""
        try:
            return (await self.user.get(kind, ObjectKey(namespace, name))).decode()
        except NotFound:
            return None

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Json) -> Json:
        """Merge-patch as a user does."""
        key = ObjectKey(namespace, name)
        return (await self.user.merge_patch(kind, key, patch, manager="user")).decode()

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete as a user does."""
        found = await self.user.get(kind, ObjectKey(namespace, name))
        await self.user.delete(kind, found.key, uid=found.uid)


@dataclass(slots=True)
class World:
    """A hub, clusters, and the engine that syncs them."""

    PATIENCE_S: ClassVar[float] = 10.0  # virtual: passes only when nothing else is left to do
    hub: Side
    clusters: dict[str, Side]
    engine: Engine
    audit: MemoryAudit

    async def eventually(
        self, claim: Callable[[], Any], what: str = "", within_s: float = 0.0
    ) -> Any:
        """Wait until the claim (an async function) returns something true; return it."""
        last: Any = None
        within_s = within_s or self.PATIENCE_S
        with anyio.move_on_after(within_s):
            while True:
                last = await claim()
                if last:
                    return last
                await anyio.sleep(0.01)
        raise AssertionError(f"not within {within_s} s: {what or claim}; last seen {last!r}")

    async def on(self, cluster: str, kind: Kind, namespace: str, name: str) -> Json:
        """Wait until an object is on a cluster; return it."""

        async def there() -> Json | None:
            return await self.clusters[cluster].get(kind, namespace, name)

        found: Json = await self.eventually(there, f"{kind.id} {namespace}/{name} on {cluster}")
        return found

    def copies_written(self) -> int:
        """Return how many writes the engine attempted on the clusters."""
        session = self.engine.session
        targets = session.shared.targets.values() if session else ()
        return sum(target.client.writes_attempted for target in targets)

    async def settle(self) -> None:
        """Wait until nothing is left to do."""

        async def idle() -> bool:
            await anyio.sleep(0.05)
            session = self.engine.session
            if session is None or len(session.shared.targets) < len(self.clusters):
                return False
            queues = [session.shared.hub.queue, session.shared.hub.statuses]
            queues += [target.queue for target in session.shared.targets.values()]
            return all(queue.is_idle for queue in queues)

        await self.eventually(idle, "idle queues")
        await self.eventually(idle, "idle queues")


def still_runtime() -> Runtime:
    """Return a runtime whose clock stands still and which has no network."""

    async def dial(name: str) -> Transport:
        raise TransportError(f"{name} is nowhere", sent=False)

    def clock() -> float:
        return 0.0

    return Runtime(clock, clock, anyio.sleep, random.Random(1), dial, lambda _name: False)


def make_clusters(
    names: tuple[str, ...],
    now: Callable[[], float],
    wall: Callable[[], float],
    seed: int = 7,
    hub_flavour: Flavour = "hub",
) -> dict[str, SimCluster]:
    """Return a simulated hub, named ``hub``, and a workload cluster for each name."""
    return {
        name: SimCluster(
            name,
            now=now,
            wall=wall,
            rng=random.Random(f"{name} {seed}"),  # trouble on one changes nothing on another
            flavour=hub_flavour if name == "hub" else "workload",
        )
        for name in ("hub", *names)
    }


def make_settings(names: tuple[str, ...], **sync: Any) -> Settings:
    """Return settings for a hub and targets of those names."""
    targets = tuple(TargetSettings(name, NOWHERE, (("region", name),)) for name in names)
    return Settings(NOWHERE, targets, Path("/nonexistent"), replace(SyncSettings(), **sync))


@asynccontextmanager
async def open_world(
    names: tuple[str, ...] = ("east", "west"), *, hub_flavour: Flavour = "hub", **sync: Any
) -> AsyncIterator[World]:
    """Run a hub, clusters with their controllers, and an engine; all end with the context.

    Time is that of the running loop, which is virtual in tests marked ``virtual_time``.
    """
    now = asyncio.get_running_loop().time
    sims = make_clusters(names, now, virtual_wall, hub_flavour=hub_flavour)

    async def dial(name: str) -> Transport:
        return sims[name].transport()

    settings = make_settings(names, **sync)
    audit = MemoryAudit(virtual_wall)
    engine = Engine(virtual_runtime(dial, seed=1), settings, audit)
    sides = {n: Side(Client(sim.transport(), name=n), sim) for n, sim in sims.items()}
    hub = sides.pop("hub")
    async with anyio.create_task_group() as group:
        for sim in sims.values():
            group.start_soon(sim.run)
        await install(hub.user, settings.targets)
        group.start_soon(engine.run)
        yield World(hub, sides, engine, audit)
        group.cancel_scope.cancel()


async def place_everywhere(world: World, namespace: str = "shop") -> None:
    """Create a namespace and a Placement that sends its objects to every target."""
    await world.hub.apply(
        NAMESPACES, {"metadata": {"name": namespace, "labels": {"app": namespace}}}
    )
    await world.hub.apply(
        PLACEMENTS,
        {
            "metadata": {"name": namespace},
            "spec": {
                "namespaceSelector": {"matchLabels": {"app": namespace}},
                "locationSelectors": [{}],
                "strategy": "OneToMany",
            },
        },
    )


async def let_go(hub: Side, namespace: str = "shop") -> None:
    """Allow what should leave a target to go although nothing replaces it."""
    patch = {"metadata": {"annotations": {LEAVE_ANYWAY: "*"}}}
    await hub.patch(NAMESPACES, "", namespace, patch)


def make_deployment(name: str = "web", replicas: int = 2, namespace: str = "shop") -> Json:
    """Return a small Deployment."""
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.example/web:1"}]},
            },
        },
    }


def make_configmap(name: str = "settings", namespace: str = "shop", **data: str) -> Json:
    """Return a ConfigMap."""
    return {"metadata": {"name": name, "namespace": namespace}, "data": data or {"colour": "blue"}}
