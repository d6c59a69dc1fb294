"""One reconcile of one object that a target owns: what is watched, known, and recorded.

Lanes of the target's queue and ledger that start with ``up:`` are of this direction; their keys are
the hub's, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import LANE, LedgerEntry
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.up.hub_object import Lifted, is_selected, why_not_derived
from tmcconsole.sync.up.plan import UpFacts


@dataclass(slots=True)
class UpSide:
    """What is watched on a target and in the hub for this direction, and what is remembered."""

    target: Target
    above: dict[str, Watched]  # in the hub, what was made by up-sync of any target; shared
    brake: MassDeleteBrake  # of deletions in the hub
    here: dict[str, Watched] = field(default_factory=dict)  # on the target, by Kind.id
    named: dict[ObjectKey, Watched] = field(default_factory=dict)  # single Secrets, by hub key
    reported: dict[Item, bytes] = field(default_factory=dict)  # digest of the status last written

    def watched(self, kind: str, key: ObjectKey) -> Watched | None:
        """Return what watches the object on the target."""
        return self.named.get(key) if kind == "secrets" else self.here.get(kind)

    def below(self, kind: str, key: ObjectKey) -> CachedObject | None:
        """Return the object on the target, from the cache."""
        watched = self.watched(kind, key)
        return watched.informer.get(self.target.copy_key(kind, key)) if watched else None

    def ask(self, kind: str, key: ObjectKey) -> None:
        """Queue an object, if its kind is upsynced from here."""
        if self.watched(kind, key) is not None:
            self.target.queue.add(LANE + kind, key)

    def forget(self, item: Item) -> None:
        """Drop everything remembered of an object."""
        self.reported.pop(item, None)
        self.target.ledger.forget(*item)


@dataclass(frozen=True, slots=True)
class UpContext:
    """One reconcile of one object, in progress."""

    shared: SyncContext
    side: UpSide
    item: Item
    kind: str  # Kind.id
    facts: UpFacts

    @property
    def above(self) -> Watched:
        """The kind in the hub."""
        return self.side.above[self.kind]

    @property
    def lifted(self) -> Lifted:
        """The desired state; only used if there is one."""
        if not isinstance(self.facts.lifted, Lifted):
            raise KubeError(f"{self.kind}/{self.item.key} has nothing to go up")
        return self.facts.lifted

    @property
    def entry(self) -> LedgerEntry:
        """What is remembered of the object."""
        return self.side.target.ledger.entry(*self.item)

    def stand(self, state: SyncState, reason: str = "", message: str = "") -> None:
        """Record the object's standing."""
        wall = self.shared.runtime.wall()
        self.side.target.ledger.stand(*self.item, state, wall, reason=reason, message=message)


async def read_above(context: UpContext) -> CachedObject | None:
    """Read the object from the hub; None if there is none."""
    hub = context.shared.hub
    try:
        async with hub.concurrency.admitted():
            return await hub.client.get(context.above.kind, context.item.key)
    except NotFound as error:
        if error.is_kind:
            raise
        return None


def why_unselected(shared: SyncContext, side: UpSide, kind: str, key: ObjectKey, tree: Json) -> str:
    """Return why an object on the target is not upsynced, "" if it is."""
    target = side.target
    if kind == "secrets" or is_selected(tree, target.key):
        return ""
    if kind != "endpoints":
        return "it lacks the labels for upsync"
    source, copy = shared.hub.cached("services", key), target.copy_of("services", key)
    return why_not_derived(
        source.decode() if source else None, copy.decode() if copy else None, target.key
    )
