"""One look at one object on one target: what is known, and how its outcome is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.errors import Conflict, Invalid, KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.sync.desired.build import Desired
from tmcconsole.sync.down.plan import Facts
from tmcconsole.sync.policy import Permit
from tmcconsole.sync.state.context import Target, Watched, World
from tmcconsole.sync.state.ledger import Entry, Settled

LOOK_AGAIN_S: Final = 0.5  # a cache that is not filled yet, a precondition that failed
HELD_RECHECK_S: Final = 30.0  # something is awaited whose event may have been missed
REFUSED_RECHECK_S: Final = 600.0  # a refusal or collision may end without an event on our side


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


def take_in(informer: Informer, live: CachedObject) -> float:
    """Show an object that was just read in its mirror; return seconds until another look.

    A mirror that refuses it was told otherwise by a list: one of the two answers was wrong, and a
    new list tells which. Asking again at once would only repeat the contradiction.
    """
    informer.observe(live)
    if informer.get(live.key) is not None:
        return LOOK_AGAIN_S
    informer.request_relist()
    return HELD_RECHECK_S


class KindAway(KubeError):
    """The API server does not serve the kind at the moment: nothing can be said of its objects."""

    reason = "KindAway"


async def read_live(target: Target, watched: Watched, key: ObjectKey) -> CachedObject | None:
    """Ask the target itself for the object under the copy's name; None where it has none."""
    try:
        async with target.flow.admitted():
            return await target.client.get(watched.kind, target.copy_key(watched.kind.id, key))
    except NotFound as error:
        if error.is_kind:
            raise KindAway(f"{target.name} does not serve {watched.kind.id} now") from error
        return None


def is_ownership(error: Conflict) -> bool:
    """True where a conflict names fields that other managers own; else a precondition failed."""
    return any(cause.reason == "FieldManagerConflict" for cause in error.causes)


def is_other_object(error: Invalid) -> bool:
    """True where the UID we sent is not the live object's: kube-apiserver calls that invalid."""
    return any(cause.field == "metadata.uid" for cause in error.causes)


def with_metadata(tree: Json, **fields: str) -> Json:
    """Return ``tree`` with metadata fields added; the tree itself is left alone."""
    return {**tree, "metadata": {**tree["metadata"], **fields}}
