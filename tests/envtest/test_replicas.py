"""E2, E3 with real processes: two daemons on real API servers, one of them killed or stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from tests.envtest.planes import Plane
from tests.envtest.processes import Process
from tests.scenarios.workspaces import LOCATIONS, make_location
from tests.world.world import CONFIGMAPS, NAMESPACES, PLACEMENTS, Side, make_configmap
from tmcconsole.config.settings import ClusterAccess, TargetSettings
from tmcconsole.engine.replicas.election import lease_name
from tmcconsole.engine.replicas.lease_form import LEASES
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.placement.install import install
from tmcconsole.sync.names.identity import target_key

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

SPACE = "replicas"
PATIENCE_S = (
    120.0  # that it takes 20 s is tested in virtual time, in tests/faults/test_e_replicas.py
)


@dataclass(slots=True)
class Fleet:
    """Two daemons, and what a user does on hub and cluster."""

    hub: Side
    cluster: Side
    name: str  # of the target
    daemons: dict[str, Process] = field(default_factory=dict)

    async def lease(self) -> Json:
        """Return the spec of the target's Lease."""
        system = await self.hub.user.get(NAMESPACES, ObjectKey("", "kube-system"))
        key = ObjectKey("kube-system", lease_name(target_key(system.uid, self.name)))
        found = await self.hub.get(LEASES, key.namespace, key.name)
        return dict(found["spec"]) if found else {}

    async def holder(self) -> str:
        """Return which daemon holds the target's Lease, "" for none."""
        identity = str((await self.lease()).get("holderIdentity") or "")
        found = [name for name in self.daemons if _token_of(self.daemons[name]) in identity]
        return found[0] if identity and found else ""

    async def copy(self) -> Json:
        """Return the copy, or {} if there is none."""
        return await self.cluster.get(CONFIGMAPS, SPACE, "settings") or {}

    async def paint(self, colour: str) -> None:
        """Change the desired state, and wait until the cluster has it."""
        await self.hub.patch(CONFIGMAPS, SPACE, "settings", {"data": {"colour": colour}})
        with anyio.fail_after(PATIENCE_S):
            while True:
                if (await self.copy()).get("data") == {"colour": colour}:
                    return
                await anyio.sleep(0.1)

    async def held(self, by: str = "") -> str:
        """Wait until a daemon, or the named one, holds the Lease; return which."""
        with anyio.fail_after(PATIENCE_S):
            while True:
                found = await self.holder()
                if found and by in ("", found):
                    return found
                await anyio.sleep(0.2)


def _token_of(process: Process) -> str:
    file = process.log.parent / "state" / "replica"
    return file.read_text().strip() if file.exists() else "none"


async def test_E2_E3_a_daemon_that_is_killed_or_stopped_is_replaced_and_nothing_made_twice(
    real_hub: Plane, real_clusters: tuple[Plane, Plane], tmp_path: Path
) -> None:
    async with fleet_on(real_hub, real_clusters[0]) as fleet:
        with daemons(fleet, real_hub, real_clusters[0], tmp_path):
            first = await fleet.held()
            await fleet.paint("red")
            made = (await fleet.copy())["metadata"]["uid"]

            os.kill(fleet.daemons[first].pid, signal.SIGKILL)
            await fleet.paint("green")
            second = await fleet.held()
            assert second != first

            fleet.daemons[first].stop()  # cleans up after the killed process
            fleet.daemons[first].start()
            await anyio.sleep(8)  # until it has seen the others, and they it
            os.kill(fleet.daemons[second].pid, signal.SIGSTOP)
            await fleet.paint("blue")
            assert await fleet.holder() == first
            transitions = (await fleet.lease())["leaseTransitions"]
            os.kill(fleet.daemons[second].pid, signal.SIGCONT)
            version = (await fleet.copy())["metadata"]["resourceVersion"]
            await anyio.sleep(8)

            copy = await fleet.copy()
            assert copy["metadata"]["resourceVersion"] == version
            assert copy["metadata"]["uid"] == made
            assert await fleet.holder() == first
            assert (await fleet.lease())["leaseTransitions"] == transitions
            await fleet.paint("white")


@asynccontextmanager
async def fleet_on(hub: Plane, cluster: Plane) -> AsyncIterator[Fleet]:
    """Install a hub with one target and a namespace that is placed on it."""
    name = f"{cluster.name}-shared"
    async with AsyncExitStack() as stack:
        sides = []
        for plane in (hub, cluster):
            access = ClusterAccess(plane.kubeconfig)
            client = Client(await dial(access, now=time.monotonic, wall=time.time), name=plane.name)
            stack.push_async_callback(client.aclose)
            sides.append(Side(client))
        labels = (("pool", SPACE),)
        await install(sides[0].user, (TargetSettings(name, ClusterAccess(), labels),))
        await sides[0].apply(NAMESPACES, {"metadata": {"name": SPACE, "labels": {"app": SPACE}}})
        # The hub may have targets of other tests that nobody serves any more.
        await sides[0].apply(LOCATIONS, make_location(SPACE, **dict(labels)))
        pool = {"matchLabels": dict(labels)}
        spec = {"namespaceSelector": {"matchLabels": {"app": SPACE}}, "locationSelectors": [pool]}
        await sides[0].apply(PLACEMENTS, {"metadata": {"name": SPACE}, "spec": spec})
        await sides[0].apply(CONFIGMAPS, make_configmap("settings", SPACE))
        yield Fleet(sides[0], sides[1], name)


@contextmanager
def daemons(fleet: Fleet, hub: Plane, cluster: Plane, folder: Path) -> Iterator[None]:
    """Run two daemons; they never outlive the test."""
    with ExitStack() as stack:
        for name in ("one", "two"):
            home = folder / name
            home.mkdir()
            config = home / "config.toml"
            config.write_text(
                f'state_dir = "{home / "state"}"\n'
                f'[hub]\nkubeconfig = "{hub.kubeconfig}"\n'
                f'[[targets]]\nname = "{fleet.name}"\nkubeconfig = "{cluster.kubeconfig}"\n'
                f'[sync]\nkinds_allow = ["configmaps"]\n[daemon]\nsocket = "{home / "s"}"\n'
            )
            command = (sys.executable, "-m", "tmcconsole", "run", "--config", str(config))
            process = fleet.daemons[name] = Process(name, command, home / "log")
            process.start()
            stack.callback(_end, process)
        yield


def _end(process: Process) -> None:
    os.kill(process.pid, signal.SIGCONT)
    process.stop()
