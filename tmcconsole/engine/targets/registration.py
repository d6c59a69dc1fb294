"""A target's SyncTarget as the hub has it now: its fields, and what operators ask."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.contract.records import Pause
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.placement.api import SyncTarget, read_sync_target
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.names.markers import is_bookkeeping
from tmcconsole.sync.state.target import Orders


@dataclass(slots=True)
class Registration(Orders):
    """Reads the SyncTarget of one target from the hub's cache, and remembers nothing older."""

    session: HubSession
    name: str  # the SyncTarget's
    _read: tuple[CachedObject, SyncTarget] | None = None

    @property
    def key(self) -> str:
        """The SyncTarget's key: the duty in whose name all is written on the target."""
        return target_key(self.session.identity.cluster, self.name)

    @property
    def is_ours(self) -> bool:
        """True if this replica writes there at this moment."""
        return self.session.shared.duties.holds(self.key)

    @property
    def holder(self) -> str:
        """Return the replica that writes there, "" if none is known, or we are alone."""
        return self.session.leases.view.holder_of(self.key) if self.session.leases else ""

    def found(self) -> SyncTarget | None:
        """Return the SyncTarget, None if the hub has none."""
        cached = self.session.sources.targets.get(ObjectKey("", self.name))
        if cached is None:
            return None
        # Asked before every write: decoded once per version.
        if self._read is None or self._read[0] is not cached:
            read = read_sync_target(cached.decode(), self.session.shared.hub.cluster)
            self._read = cached, read
        return self._read[1]

    def pause(self) -> Pause | None:
        """See ``Orders``."""
        found = self.found()
        return found.pause_at(self._wall) if found else None

    def is_draining(self) -> bool:
        """See ``Orders``."""
        found = self.found()
        return found is not None and found.is_evicting(self._wall)

    def labels(self) -> tuple[tuple[str, str], ...]:
        """See ``Orders``; for a deleted one, its last labels."""
        found = self.found() or (self._read[1] if self._read else None)
        pairs = found.labels.items() if found else ()
        return tuple(sorted((name, value) for name, value in pairs if not is_bookkeeping(name)))

    def deletes_allowed_until(self) -> float:
        """See ``Orders``."""
        found = self.found()
        return found.allow_deletes_until if found else 0.0

    def holding(self) -> tuple[Pause | None, bool, bool]:
        """Return what holds writes or lets them pass: when it changes, held writes may proceed,
        or are held for another reason.
        """
        allowed = self.deletes_allowed_until() > self._wall
        return self.pause(), allowed, self.is_draining()

    @property
    def _wall(self) -> float:
        return self.session.context.runtime.wall()
