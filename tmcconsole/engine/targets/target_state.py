"""How one target stands with this engine, as its record and the history tell it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from tmcconsole.config.settings import TargetSettings
from tmcconsole.contract.records import TargetState
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.placement.api import SyncTarget, read_sync_target
from tmcconsole.sync.names.identity import target_key

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stance:
    """Owns a target's state. The fields are read for the target's record."""

    session: HubSession
    settings: TargetSettings
    state: TargetState = TargetState.CONNECTING
    reason: str = ""
    message: SafeText = field(default_factory=SafeText)
    since: float = 0.0
    next_try_at: float = 0.0
    _read: tuple[CachedObject, SyncTarget] | None = None

    @property
    def name(self) -> str:
        """The SyncTarget's name."""
        return self.settings.name

    @property
    def key(self) -> str:
        """The SyncTarget's key: the duty in whose name all is written there."""
        return target_key(self.session.identity.cluster, self.name)

    @property
    def is_connected(self) -> bool:
        """True while the cluster answers, whether we write there or not."""
        return self.state in (TargetState.SYNCING, TargetState.STANDBY)

    @property
    def holder(self) -> str:
        """The replica that writes there, "" where none is known, or we are alone."""
        return self.session.leases.view.holder_of(self.key) if self.session.leases else ""

    def _holds(self) -> bool:
        return self.session.shared.duties.holds(self.key)

    def sync_target(self) -> SyncTarget | None:
        """Return the SyncTarget as the hub has it, None where it has none."""
        cached = self.session.sources.targets.get(ObjectKey("", self.name))
        if cached is None:
            return None
        # Asked before every write: read once for each version there is.
        if self._read is None or self._read[0] is not cached:
            read = read_sync_target(cached.decode(), self.session.shared.hub.cluster)
            self._read = cached, read
        return self._read[1]

    def _orders(self, found: SyncTarget) -> tuple[bool, bool, bool]:
        """What an operator may have changed, or time: what was held may pass now."""
        wall = self.session.context.runtime.wall()
        return (
            found.pause_at(wall) is None,
            found.allow_deletes_until > wall,
            found.is_evicting(wall),
        )

    async def _wait(self, at_most_s: float) -> None:
        if self.session.leases is None:
            await self.session.context.runtime.sleep(at_most_s)
        else:
            await self.session.leases.wait_change(at_most_s)

    def _enter_work(self) -> None:
        """Say what we do with a cluster that answers."""
        leases = self.session.leases
        if leases is None or self._holds():
            self._enter(TargetState.SYNCING, "", "")
        elif leases.problem is not None:
            self._enter(TargetState.REFUSED, leases.problem.reason, str(leases.problem))
        elif self.holder not in ("", leases.me):
            self._enter(TargetState.STANDBY, "HeldByAnother", f"{self.holder} syncs it")
        else:
            told = "the hub has not renewed our Lease: nothing is written until it has"
            self._enter(TargetState.STANDBY, "AwaitingLease", told)

    def _enter(self, state: TargetState, reason: str, message: str) -> None:
        context = self.session.context
        if (state, reason) != (self.state, self.reason):
            self.since = context.runtime.wall()
            log.debug("target %s: %s %s", self.name, state.value, reason)
            self._chronicle(state, reason, message)
        if state in (TargetState.SYNCING, TargetState.STANDBY):
            self.next_try_at = 0.0
        self.state, self.reason, self.message = state, reason, SafeText(message)
        context.changed()

    def _chronicle(self, state: TargetState, reason: str, message: str) -> None:
        context = self.session.context
        wall = context.runtime.wall()
        if state in (TargetState.SYNCING, TargetState.STANDBY):
            context.history.record_recovery(self.name, "", wall)
        context.history.record(
            "lifecycle", state.value, at=wall, target=self.name, message=message or reason
        )
