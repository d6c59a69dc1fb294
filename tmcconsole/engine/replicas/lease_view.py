"""What is known of the Leases in the hub, and which replicas are alive. Sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from tmcconsole.engine.replicas.election import ObservedLease, Replica, lease_name, replica_name
from tmcconsole.engine.replicas.lease_form import read_lease
from tmcconsole.kube.cache.cache import is_older
from tmcconsole.kube.objects import CachedObject


@dataclass(slots=True)
class LeaseView:
    """Owns what was seen. Times are monotonic seconds of our own clock."""

    me: str
    now: Callable[[], float]
    known_since: float = -1.0  # the first read; -1 = nothing is known
    _seen: dict[str, ObservedLease] = field(default_factory=dict)  # by the Lease's name

    def of(self, duty: str) -> ObservedLease | None:
        """Return a duty's Lease, None where there is none."""
        return self._seen.get(lease_name(duty))

    def named(self, name: str) -> ObservedLease | None:
        """Return a Lease by its name."""
        return self._seen.get(name)

    def is_mine(self, duty: str) -> bool:
        """True if our name is in a duty's Lease."""
        seen = self.of(duty)
        return seen is not None and bool(seen.uid) and seen.holder == self.me

    def holder_of(self, duty: str) -> str:
        """Return the live replica that holds a duty, "" if none is known."""
        seen = self.of(duty)
        return seen.holder if seen is not None and seen.is_live(self.now()) else ""

    def take_list(self, listed: Iterable[CachedObject], version: str) -> None:
        """Take a complete list of Leases."""
        now = self.now()
        if self.known_since < 0:
            self.known_since = now
        found = {cached.name: cached for cached in listed}
        for cached in found.values():
            self.observe(cached)
        for name in [name for name in self._seen if name not in found]:
            self._vanished(name, version, now)

    def observe(self, cached: CachedObject) -> None:
        """Take one Lease, unless a newer one is known."""
        known = self._seen.get(cached.name)
        if known is not None and known.uid == cached.uid:
            same = known.resource_version == cached.resource_version
            if same or is_older(cached.resource_version, known.resource_version):
                return
        self._seen[cached.name] = read_lease(cached, self.now())

    def bury(self, name: str) -> None:
        """Note that a Lease was deleted; its holder may still consider itself the holder."""
        seen = self._seen.get(name)
        if seen is not None:
            self._seen[name] = replace(seen, uid="")

    def replicas(self, serves: Mapping[str, bool]) -> list[Replica]:
        """Return the live replicas; ``serves`` is what this one could do."""
        now, mine = self.now(), replica_name(self.me)
        found = [
            Replica(seen.holder, seen.serves)
            for name, seen in sorted(self._seen.items())
            if seen.serves and seen.uid and seen.is_live(now) and name != mine
        ]
        return [*found, Replica(self.me, serves)]

    def dead_replicas(self, before: float) -> list[str]:
        """Return the names of replicas' own Leases that have not been renewed since ``before``."""
        return [
            name
            for name, seen in sorted(self._seen.items())
            if seen.serves and seen.uid and seen.changed_at < before
        ]

    def _vanished(self, name: str, version: str, now: float) -> None:
        seen = self._seen[name]
        if seen.uid and not is_older(version, seen.resource_version):
            self.bury(name)
        if not self._seen[name].uid and not seen.is_live(now):
            del self._seen[name]
