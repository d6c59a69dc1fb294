"""What a scenario acts on: the hub, the clusters, and users of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import anyio

from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.runtime import Random
from tmcconsole.sim.faces.cluster import SimCluster

CONFIG_MAPS: Final = Kind("", "v1", "configmaps", "ConfigMap")
SECRETS: Final = Kind("", "v1", "secrets", "Secret")
SERVICES: Final = Kind("", "v1", "services", "Service")
DEPLOYMENTS: Final = Kind("apps", "v1", "deployments", "Deployment")
PLACEMENTS: Final = Kind(
    "scheduling.kcp.io", "v1alpha1", "placements", "Placement", namespaced=False
)
SYNC_TARGETS: Final = Kind(
    "workload.kcp.io", "v1alpha1", "synctargets", "SyncTarget", namespaced=False
)


class Hand:
    """A user inside one cluster, not affected by its faults."""

    def __init__(self, cluster: SimCluster, user: str) -> None:
        self._client = Client(cluster.inside(), name=cluster.name)
        self._user = user

    async def apply(self, kind: Kind, tree: Json) -> None:
        """Apply an object; ``tree`` needs no apiVersion and kind."""
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **tree}
        await self._client.apply(kind, whole, manager=self._user, force=True)

    async def change(self, kind: Kind, namespace: str, name: str, patch: Json) -> bool:
        """Apply a merge patch to an object; return whether the object exists."""
        key = ObjectKey(namespace, name)
        try:
            await self._client.merge_patch(kind, key, patch, manager=self._user)
        except NotFound:
            return False
        return True

    async def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete an object, if it exists."""
        key = ObjectKey(namespace, name)
        try:
            found = await self._client.get(kind, key)
            await self._client.delete(kind, key, uid=found.uid)
        except NotFound:
            return


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything a scenario acts on."""

    hub: Hand
    clusters: Mapping[str, SimCluster]  # by name; the scenario may switch their faults
    hands: Mapping[str, Hand]  # a user at each cluster
    rng: Random
    wall: Callable[[], float]  # Unix seconds
    say: Callable[[str], None]  # narration: one line each
    pace: float = 1.0  # factor for pauses

    @property
    def names(self) -> list[str]:
        """The clusters' names, in order."""
        return sorted(self.clusters)

    async def pause(self, seconds: float) -> None:
        """Wait, scaled by the pace."""
        await anyio.sleep(seconds * self.pace)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scripted sequence of events in the simulated clusters."""

    name: str
    title: str
    story: Callable[[Stage], Awaitable[None]]


def make_world(
    hub: SimCluster,
    clusters: Mapping[str, SimCluster],
    *,
    say: Callable[[str], None],
    pace: float = 1.0,
) -> Stage:
    """Return the stage for a scenario on these clusters. The hub must have the APIs installed."""
    hands = {name: Hand(cluster, "kubectl-edit") for name, cluster in clusters.items()}
    server = hub.server
    rng = Random(server.rng.getrandbits(32))
    return Stage(
        hub=Hand(hub, "kubectl"),
        clusters=clusters,
        hands=hands,
        rng=rng,
        wall=server.wall,
        say=say,
        pace=pace,
    )
