"""One target, as the reconcilers see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from tmcconsole.contract.records import Pause, SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.sync.names.identity import TargetIdentity
from tmcconsole.sync.names.renames import name_in_hub, name_on_target
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.policy.target_writer import TargetWriter
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit
from tmcconsole.sync.queue.workqueue import WorkQueue
from tmcconsole.sync.state.dependents import Dependents
from tmcconsole.sync.state.desired_cache import DesiredCache
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import Ledger
from tmcconsole.sync.state.namespace_names import NamespaceNames
from tmcconsole.tmc.health.attempts import Attempts


class Orders(Protocol):
    """What operators ask of a target, from its SyncTarget in the hub now."""

    def pause(self) -> Pause | None:
        """Return the pause in force, None if it is not paused."""

    def is_draining(self) -> bool:
        """True once ``spec.evictAfter`` has passed: its copies must leave."""

    def labels(self) -> tuple[tuple[str, str], ...]:
        """Return the SyncTarget's labels, sorted, without ours."""

    def deletes_allowed_until(self) -> float:
        """Return until when (Unix seconds) the mass-delete brake is released, 0 if it is not."""


class Contact(Protocol):
    """Whether a target responds."""

    @property
    def is_connected(self) -> bool:
        """True while it responds: what waits for it proceeds."""


@dataclass(frozen=True, slots=True)
class StaleKind:
    """A kind that is not listed or watched on one side now: its copies are the last known."""

    where: str  # a target's name, or "the hub"
    reason: SafeText
    message: SafeText
    since: float  # Unix seconds
    is_told: bool  # another condition says so: rights are missing, or it is not served


@dataclass(slots=True)
class Target:
    """One cluster, connected at least once."""

    identity: TargetIdentity
    client: Reader  # changes go through the door
    writer: TargetWriter
    concurrency: ConcurrencyLimit
    namespaces: Informer  # all of the cluster's, to tell ours from foreign ones
    names: NamespaceNames
    queue: WorkQueue  # hub keys, in lanes by kind
    ledger: Ledger
    attempts: Attempts = field(default_factory=Attempts, kw_only=True)
    brake: MassDeleteBrake
    orders: Orders
    contact: Contact
    kinds: dict[str, Watched] = field(default_factory=dict)  # by Kind.id
    stale: dict[str, StaleKind] = field(default_factory=dict)  # by Kind.id
    waiting: Dependents = field(default_factory=Dependents)
    desired_cache: DesiredCache = field(default_factory=DesiredCache)
    leaving: set[str] = field(default_factory=set)  # namespaces under removal: nothing goes there

    @property
    def name(self) -> str:
        """The SyncTarget's name."""
        return self.identity.name

    @property
    def key(self) -> str:
        """The SyncTarget's key."""
        return self.identity.key

    def copy_key(self, kind: str, key: ObjectKey) -> ObjectKey:
        """Return where the copy of hub object ``key`` lives."""
        name = name_on_target(kind, key.name) if self.names.of_workspace else key.name
        return ObjectKey(self.names.on_target(key.namespace), name)

    def hub_key(self, kind: str, key: ObjectKey) -> ObjectKey | None:
        """Return the hub object of a copy; None if its namespace maps to none."""
        namespace = self.names.in_hub(key.namespace)
        if namespace is None:
            return None
        name = name_in_hub(kind, key.name) if self.names.of_workspace else key.name
        return ObjectKey(namespace, name)

    def copy_of(self, kind: str, key: ObjectKey) -> CachedObject | None:
        """Return the cached copy of hub object ``key``."""
        watched = self.kinds.get(kind)
        return watched.informer.get(self.copy_key(kind, key)) if watched else None

    def look_again(self) -> None:
        """Queue every object that is not in sync: what held it may no longer do so."""
        for kind, key, entry in list(self.ledger.entries()):
            if entry.standing.state is not SyncState.IN_SYNC:
                self.queue.add(kind, key, backlog=True)

    def look_at_all(self) -> None:
        """Queue every object: something they all depend on changed. Settled ones cost little."""
        for kind in sorted(self.kinds):
            self.look_at_known(kind)

    def look_at_known(self, kind: str) -> None:
        """Queue the remembered objects of a kind: those that vanished unwatched leave no event."""
        for key in self.ledger.keys(kind):
            self.queue.add(kind, key, backlog=True)


def pause_text(name: str, pause: Pause) -> str:
    """Return who paused a target, why and until when, and what ends it."""
    by = f" by {pause.by}" if pause.by else ""
    why = f": {pause.why}" if pause.why else ", without a reason"
    end = datetime.fromtimestamp(pause.until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    until = f"{end}, or until it is resumed" if pause.until else "it is resumed"
    return f"{name} is paused{by}{why}; nothing is written there until {until}"
