"""Several engines: from Leases to what this engine does and what it leaves to others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.settings import Settings, SyncSettings
from tmcconsole.engine.connection.connect import HubIdentity
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.replicas.election import Timing
from tmcconsole.engine.replicas.fence import Holds
from tmcconsole.engine.replicas.leases import Leases
from tmcconsole.kube.client.client import Client
from tmcconsole.placement.scheduler import Scheduler
from tmcconsole.runtime import Runtime
from tmcconsole.sync.assignment.duties import HUB, Duties
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.state.context import SyncContext

LOOK_S: Final = 1.0


def timing_of(sync: SyncSettings) -> Timing:
    """Return the configured durations."""
    return Timing(sync.lease_duration_s, sync.lease_renew_deadline_s, sync.lease_retry_s)


@dataclass(frozen=True, slots=True)
class ThisReplica:
    """This engine, among those that share the targets."""

    replica: str = ""
    is_ready: Callable[[str], bool] = lambda _duty: True  # whether it could carry out a duty now


def make_leases(
    myself: ThisReplica,
    runtime: Runtime,
    settings: Settings,
    client: Client,
    identity: HubIdentity,
    holds: Holds,
    probe: Probe,
) -> Leases:
    """Return the keeper of this engine's Leases, which competes for the targets in its config."""
    default = "default" if identity.flavour == "kcp" else "kube-system"
    names = (target.name for target in settings.targets)
    titles = {target_key(identity.cluster, name): name for name in names}
    return Leases(
        client=client,
        runtime=runtime,
        me=myself.replica,
        namespace=settings.sync.lease_namespace or default,
        holds=holds,
        titles={HUB: "the hub", **titles},
        is_ready=myself.is_ready,
        probe=probe,
    )


@dataclass(slots=True)
class DutyWatch:
    """Queues the hub's objects again when duties have come and gone.

    It compares what was told of the duties with what is so, not one moment with another: a Lease
    that lapses and is renewed between two looks has stopped those who asked in between.
    """

    shared: SyncContext
    scheduler: Scheduler
    leases: Leases
    reassign_all: Callable[[], None]
    report_all: Callable[[], None]

    def begin(self) -> None:
        """From now on, write only what is this replica's."""
        self.shared.duties = self.scheduler.duties = Duties(self.leases)
        self.shared.ready = frozenset()

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self.leases.wait_change(LOOK_S)
            self._look()

    def _look(self) -> None:
        shared = self.shared
        ready = frozenset(target.key for target in self.scheduler.targets() if target.ready)
        outdated = shared.duties.take_outdated()
        if outdated:
            shared.ready = ready
            self.scheduler.wake()
            self.reassign_all()
            self.report_all()
            for key in outdated & shared.targets.keys():
                shared.targets[key].look_again()
        elif ready != shared.ready:  # another target's holder may now report
            shared.ready = ready
            self.report_all()
