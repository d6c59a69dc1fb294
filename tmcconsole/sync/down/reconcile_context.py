"""One look at one object on one target: what is known, and how its outcome is written down."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.kube.paths import object_path
from tmcconsole.sync.desired.build import Desired
from tmcconsole.sync.down.plan import Facts
from tmcconsole.sync.policy import Permit
from tmcconsole.sync.state.context import World
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import Entry, Settled
from tmcconsole.sync.state.live_reads import LOOK_AGAIN_S, REFUSED_RECHECK_S, read_live
from tmcconsole.sync.state.target import Target


@dataclass(frozen=True, slots=True)
class Turn:
    """A reconcile under way. Answers of ``float | None`` are seconds until another look."""

    world: World
    target: Target
    kind: str  # Kind.id
    key: ObjectKey  # of the hub object
    facts: Facts

    @property
    def here(self) -> Watched:
        """The kind on the target."""
        return self.target.kinds[self.kind]

    @property
    def desired(self) -> Desired:
        """The wish; only asked for where there is a hub object."""
        if self.facts.desired is None:
            raise KubeError(f"{self.kind}/{self.key} has no wish")
        return self.facts.desired

    @property
    def entry(self) -> Entry:
        """What is remembered of the object here."""
        return self.target.ledger.entry(self.kind, self.key)

    def permit(self, tree: Json) -> Permit:
        """Return the permit to apply ``tree`` as this object's copy. Raises ``NotPermitted``."""
        tenant = self.world.tenant(self.target, self.key.namespace)
        return self.world.policy.permit(self.here.kind, tree, tenant)

    def stand(self, state: SyncState, reason: str = "", message: str = "") -> None:
        """Note how the object stands."""
        wall = self.world.runtime.wall()
        self.target.ledger.stand(self.kind, self.key, state, wall, reason=reason, message=message)

    def settle(self, copy: CachedObject) -> None:
        """Note that ``copy`` carries this turn's wish."""
        entry = self.entry
        entry.wrote = {self.facts.origin: copy.uid}
        facts = self.facts
        new = Settled(facts.source_digest, copy.content_digest, facts.terms, facts.around)
        if copy.status_digest and entry.settled != new:
            self.world.hub.statuses.add(self.kind, self.key)  # it may count as observed now
        self.target.ledger.settle(self.kind, self.key, new, self.world.runtime.now())
        self.target.ledger.stand_in_sync(self.kind, self.key, self.world.runtime.wall())

    def collide(self, message: str) -> float:
        """Note that a foreign object has the name; it is looked at again rarely."""
        self.entry.collided = True
        self.stand(SyncState.COLLISION, "Collision", message)
        return REFUSED_RECHECK_S


async def look_at_live(turn: Turn) -> float:
    """The copy is not the one we knew: take in what is there, then decide again."""
    cached = turn.target.copy_of(turn.kind, turn.key)
    live = await read_live(turn.target, turn.here, turn.key)
    if live is not None:
        turn.here.informer.observe(live)
    elif cached is not None:
        turn.here.informer.forget(cached.key, cached.uid)
    return LOOK_AGAIN_S


async def read_whole(turn: Turn) -> Json:
    """Return what is there under the copy's name, managedFields and all."""
    path = object_path(turn.here.kind, turn.target.copy_key(turn.kind, turn.key))
    async with turn.target.flow.admitted():
        return await turn.target.client.get_json(path)
