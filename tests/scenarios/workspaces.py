"""The stage of kcp's scenarios: workspaces, clusters, and an engine for each workspace.

A workspace is a simulated kcp hub below ``/clusters/``, to which the engine and the users come as
kcp-admin, who is no member of system:masters. It has CRDs for the workload kinds, as kcp's own
end-to-end tests do. The same stories run on a plain hub.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from tests.simulation.loop import run_virtual, virtual_runtime, virtual_wall
from tests.world.world import PLACEMENTS, SYNC_TARGETS, Side, World, make_settings
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.placement.install import install
from tmcconsole.runtime import Transport
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.request.request_info import ADMIN, User
from tmcconsole.sync.names.identity import target_key
from tmcconsole.tmc.history.audit import MemoryAudit

KCP_ADMIN = User("kcp-admin", ("system:kcp:admin", "system:authenticated"))
CRDS = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
BINDINGS = Kind(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
LOCATIONS = Kind("scheduling.kcp.io", "v1alpha1", "locations", "Location", namespaced=False)
SERVICES = Kind("", "v1", "services", "Service")
VOLUMES = Kind("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
WIDGETS = Kind("example.com", "v1", "widgets", "Widget")

# group, plural, Kind, namespaced: the kinds that kcp's own fixtures add to a workspace.
_WORKLOADS = (
    ("core", "services", "Service", True),
    ("core", "endpoints", "Endpoints", True),
    ("core", "pods", "Pod", True),
    ("core", "persistentvolumes", "PersistentVolume", False),
    ("apps", "deployments", "Deployment", True),
)

on_both_hubs = pytest.mark.parametrize("hub", ["kcp", "hub"])


@dataclass(slots=True)
class Stage:
    """One or several workspaces, with the clusters they share."""

    workspaces: dict[str, World]
    runtime: Any = field(default=None)

    @property
    def world(self) -> World:
        """The first workspace."""
        return next(iter(self.workspaces.values()))


def make_crd(group: str, plural: str, kind: str, *, namespaced: bool = True) -> Json:
    """Return a definition that accepts any spec and has a status subresource."""
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {
                "plural": plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
            },
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }


@asynccontextmanager
async def open_stage(
    hub: str, clusters: tuple[str, ...], workspaces: tuple[str, ...], sync: Mapping[str, Any]
) -> AsyncIterator[Stage]:
    """Run all of it on the running virtual loop."""
    sims = {name: _cluster(name, "workload") for name in clusters}
    stage = Stage({})
    async with anyio.create_task_group() as group:
        for sim in sims.values():
            group.start_soon(sim.run)
        for workspace in workspaces:
            world = await _workspace(workspace, hub, sims, sync)
            stage.workspaces[workspace] = world
            assert world.hub.sim is not None
            group.start_soon(world.hub.sim.run)
            group.start_soon(world.engine.run)
            stage.runtime = world.engine.runtime
        yield stage
        group.cancel_scope.cancel()


async def _workspace(
    name: str, hub: str, sims: dict[str, SimCluster], sync: Mapping[str, Any]
) -> World:
    path = f"/clusters/root:org:{name}" if hub == "kcp" else ""
    sim = _cluster(name, hub, path)
    user = KCP_ADMIN if hub == "kcp" else ADMIN
    admin = Side(Client(sim.transport(), name="admin"), sim)
    if hub == "kcp":
        await admin.apply(BINDINGS, _binding())
        for group, plural, kind, namespaced in _WORKLOADS:
            await admin.apply(CRDS, make_crd(group, plural, kind, namespaced=namespaced))

    async def dial(wanted: str) -> Transport:
        return sim.transport(user) if wanted == "hub" else sims[wanted].transport()

    settings = make_settings(tuple(sims), **sync)
    audit = MemoryAudit(virtual_wall)
    engine = Engine(virtual_runtime(dial, seed=1), settings, audit)
    side = Side(Client(sim.transport(user), name="hub"), sim)
    await install(side.user, settings.targets)
    sides = {one: Side(Client(sims[one].transport(), name=one), sims[one]) for one in sims}
    return World(side, sides, engine, audit)


def _cluster(name: str, flavour: str, path: str = "") -> SimCluster:
    now = asyncio.get_running_loop().time
    known: Any = flavour
    return SimCluster(
        name, now=now, wall=virtual_wall, rng=random.Random(name), flavour=known, base_path=path
    )


def _binding() -> Json:
    return {
        "metadata": {"name": "kcp-admin"},
        "roleRef": {
            "apiGroup": BINDINGS.group,
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [
            {"apiGroup": BINDINGS.group, "kind": "Group", "name": "system:kcp:admin"},
        ],
    }


def play(
    story: Callable[[World], Awaitable[None]], hub: str = "kcp", *clusters: str, **sync: Any
) -> None:
    """Play a scenario in one workspace; it may take at most an hour of virtual time."""

    async def one(stage: Stage) -> None:
        await story(stage.world)

    play_in(one, ("ws",), hub, *clusters, **sync)


def play_in(
    story: Callable[[Stage], Awaitable[None]],
    workspaces: tuple[str, ...],
    hub: str = "kcp",
    *clusters: str,
    **sync: Any,
) -> None:
    """Play a scenario in several workspaces that share clusters."""

    async def main() -> None:
        async with open_stage(hub, clusters or ("east",), workspaces, sync) as stage:
            await story(stage)

    run_virtual(main, seed=1, limit_s=3600)


def key_of(world: World, cluster: str) -> str:
    """Return the target key of a cluster."""
    session = world.engine.session
    assert session is not None
    return target_key(session.identity.cluster, cluster)


def space(world: World, cluster: str, namespace: str = "shop") -> str:
    """Return the name of a namespace on a cluster."""
    session = world.engine.session
    assert session is not None
    return session.shared.targets[key_of(world, cluster)].names.on_target(namespace)


async def connected(world: World) -> None:
    """Wait until every cluster is served."""

    async def all_here() -> bool:
        session = world.engine.session
        return session is not None and len(session.shared.targets) == len(world.clusters)

    await world.eventually(all_here, "connected", 60)


async def below(
    world: World, cluster: str, kind: Kind, name: str, namespace: str = "shop"
) -> Json | None:
    """Return the copy of a hub object, None where there is none."""
    place = space(world, cluster, namespace) if namespace else ""
    return await world.clusters[cluster].get(kind, place, name)


async def until_below(
    world: World, cluster: str, kind: Kind, name: str, namespace: str = "shop"
) -> Json:
    """Wait for the copy of a hub object."""

    async def there() -> Json | None:
        return await below(world, cluster, kind, name, namespace)

    found: Json = await world.eventually(there, f"{kind.id} {name} on {cluster}", 120)
    return found


async def until_gone_below(
    world: World, cluster: str, kind: Kind, name: str, namespace: str = "shop"
) -> None:
    """Wait until there is no copy."""

    async def gone() -> bool:
        return await below(world, cluster, kind, name, namespace) is None

    await world.eventually(gone, f"{kind.id} {name} gone from {cluster}", 120)


async def until(world: World, claim: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Wait until a claim holds, for at most two minutes of virtual time."""
    return await world.eventually(claim, what, 120)


async def select(world: World, name: str, locations: Json | None = None, **labels: str) -> None:
    """Write a Placement of namespaces with the first labels on Locations with the second."""
    await world.hub.apply(
        PLACEMENTS,
        {
            "metadata": {"name": name},
            "spec": {
                "namespaceSelector": {"matchLabels": labels},
                "locationSelectors": [{"matchLabels": locations} if locations else {}],
            },
        },
    )


def make_location(name: str, **labels: str) -> Json:
    """Return a Location of the SyncTargets with these labels; it has the labels itself, too."""
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "resource": {
                "group": SYNC_TARGETS.group,
                "version": SYNC_TARGETS.version,
                "resource": SYNC_TARGETS.resource,
            },
            "instanceSelector": {"matchLabels": labels},
        },
    }
