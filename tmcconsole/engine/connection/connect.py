"""First contact: who is at the other end of a connection."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery, discover
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import Forbidden, KubeError, NotFound, Unreachable
from tmcconsole.kube.objects import NAMESPACES, Json, Kind, ObjectKey
from tmcconsole.placement.api import LOCATIONS, PLACEMENTS, SYNC_TARGETS
from tmcconsole.runtime import Runtime, Transport, TransportError

log = logging.getLogger(__name__)

IDENTIFY_S: Final = 5.0  # another cluster behind an address goes unnoticed for this long at most
_LOGICAL_CLUSTER: Final = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
_CONTROLLER_LEASE: Final = (
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager"
)
NODES: Final = Kind("", "v1", "nodes", "Node", namespaced=False)


class SetupError(KubeError):
    """The cluster responds, but is not what it should be; the message names the remedy."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(SafeText(message))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """The hub's flavour, and its name in keys and locators."""

    flavour: str  # kcp | kubernetes
    cluster: str  # logical cluster name, or the UID of kube-system
    workspace: str  # kcp's path, for people; "" on Kubernetes
    runs_pods: bool  # it has nodes or a controller manager of its own


async def dial(
    runtime: Runtime, name: str, fenced: Callable[[Transport], Transport] = lambda open: open
) -> Client:
    """Return a client of the configured cluster. Raises ``Unreachable``."""
    return Client(fenced(await open_transport(runtime, name)), name=name)


async def open_transport(runtime: Runtime, name: str) -> Transport:
    """Open the transport of the configured cluster. Raises ``Unreachable``."""
    try:
        return await runtime.dial(name)
    except TransportError as error:
        raise Unreachable(str(error), sent=False, reason=error.reason) from error


async def identify_hub(client: Reader) -> HubIdentity:
    """Return the hub's identity (kcp: ``logicalclusters/cluster``; else ``kube-system``)."""
    flavour, cluster, workspace = await _hub_names(client)
    runs_pods = flavour == "kubernetes" and await _runs_pods(client)
    return HubIdentity(flavour, cluster, workspace, runs_pods)


async def _hub_names(client: Reader) -> tuple[str, str, str]:
    """Return (flavour, cluster, workspace)."""
    try:
        tree = await client.get_json(_LOGICAL_CLUSTER)
    except (NotFound, Forbidden):  # an account that may not ask is that of a plain hub
        return "kubernetes", await cluster_uid(client), ""
    notes: Json = tree["metadata"].get("annotations") or {}
    cluster = notes.get("kcp.io/cluster") or tree["metadata"].get("name") or ""
    return "kcp", str(cluster), str(notes.get("kcp.io/path", ""))


async def hub_cluster(client: Reader) -> str:
    """Return the hub's name in keys and locators."""
    return (await _hub_names(client))[1]


def require_same(was: str, now: str, name: str) -> None:
    """Raise ``SetupError`` if a different cluster answers under a name."""
    if was != now:
        raise SetupError(
            "IdentityChanged",
            f"{name} was cluster {was} and is now {now}: if that is intended, delete and "
            "recreate the SyncTarget; nothing is written until then",
        )


async def watch_identity(
    who: Callable[[], Awaitable[str]],
    was: str,
    name: str,
    runtime: Runtime,
    wait_up: Callable[[], Awaitable[None]],
) -> None:
    """Check repeatedly who is at the other end; raise ``SetupError`` if it is a different cluster.

    An address that is pointed elsewhere shows no outage. During an outage nothing is asked, and
    failures are not judged here: that is the probe's task.
    """
    while True:
        await runtime.sleep(IDENTIFY_S)
        await wait_up()
        try:
            now = await who()
        except KubeError as error:
            log.debug("the identity of %s could not be checked: %s", name, error)
            continue
        require_same(was, now, name)


async def cluster_uid(client: Reader) -> str:
    """Return the UID of ``kube-system``, which exists as long as the cluster's store."""
    found = await client.get(NAMESPACES, ObjectKey("", "kube-system"))
    return found.uid


async def discover_hub(client: Reader) -> Discovery:
    """Return what the hub serves. Raises ``SetupError`` where our APIs are not installed."""
    found = await discover(client)
    missing = [
        kind.id
        for kind in (SYNC_TARGETS, LOCATIONS, PLACEMENTS)
        if found.find(kind.id, kind.version) is None and not _unknown(found, kind)
    ]
    if missing:
        raise SetupError(
            "APIsNotInstalled",
            f"the hub does not serve {', '.join(missing)}: run tmc-console init --install",
        )
    return found


def _unknown(found: Discovery, kind: Kind) -> bool:
    return any(group_version == kind.api_version for group_version, _ in found.failed)


async def _runs_pods(client: Reader) -> bool:
    """True if the hub itself runs workloads: copies would duplicate them."""
    try:
        await client.get_json(_CONTROLLER_LEASE)
        lease = True
    except KubeError:
        lease = False
    try:
        nodes = await client.get_json(f"{NODES.base_path}/nodes", query=(("limit", "1"),))
    except KubeError:
        return False
    return bool(nodes.get("items")) or (lease and await _has_replica_sets(client))


async def _has_replica_sets(client: Reader) -> bool:
    try:
        found = await client.get_json("/apis/apps/v1/replicasets", query=(("limit", "1"),))
    except KubeError:
        return False
    return bool(found.get("items"))
