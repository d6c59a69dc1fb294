"""One reconcile of one object on one target: what is known, how it is sent, how it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.errors import Conflict, Invalid, KubeError
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.kube.paths import object_path
from tmcconsole.kube.trees.differences import Difference, Steps
from tmcconsole.sync.assignment.endings import FINISHED_HERE
from tmcconsole.sync.conflicts.copy_differences import differences, fingerprint
from tmcconsole.sync.conflicts.pointer_steps import without
from tmcconsole.sync.desired.build import Desired
from tmcconsole.sync.down.plan import Facts
from tmcconsole.sync.policy import Permit
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import LedgerEntry, Settled
from tmcconsole.sync.state.live_reads import (
    LOOK_AGAIN_S,
    REFUSED_RECHECK_S,
    is_other_object,
    read_live,
)
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.errors import ErrorType, Failure, Severity, failure
from tmcconsole.tmc.history.history import HOLD

_TAKEN: Final = "Rename or delete the object there, or let it be taken over."


@dataclass(frozen=True, slots=True)
class ReconcileContext:
    """A reconcile in progress. Return values of ``float | None`` are seconds until the next
    reconcile.
    """

    shared: SyncContext
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
        """The desired state; only used if there is a hub object."""
        if self.facts.desired is None:
            raise KubeError(f"{self.kind}/{self.key} has no desired state")
        return self.facts.desired

    @property
    def entry(self) -> LedgerEntry:
        """What is remembered of the object here."""
        return self.target.ledger.entry(self.kind, self.key)

    @property
    def is_failing(self) -> bool:
        """True from a failed attempt until a later one is answered: a retry alone mends nothing."""
        return self.entry.standing.state is SyncState.FAILED

    def permit(self, tree: Json) -> Permit:
        """Return the permit to apply ``tree`` as this object's copy. Raises ``NotPermitted``."""
        tenant = self.shared.tenant(self.target, self.key.namespace)
        return self.shared.policy.permit(self.here.kind, tree, tenant)

    def stand(
        self, state: SyncState, reason: str = "", message: str = "", since: float = 0.0
    ) -> None:
        """Record the object's standing, ``since`` then (Unix seconds) or from now on."""
        wall = since or self.shared.runtime.wall()
        self.target.ledger.stand(self.kind, self.key, state, wall, reason=reason, message=message)

    def stand_wrong(self, state: SyncState, found: Failure) -> None:
        """Record, in the history too, that the object cannot be as desired, and since when."""
        since = self.shared.history.record_state(
            found,
            target=self.target.name,
            subject=f"{self.kind}/{self.key}",
            at=self.shared.runtime.wall(),
        )
        self.stand(state, str(found.reason), str(found.message), since)

    def stand_on_order(self, reason: str, message: str, told: str) -> None:
        """Record that a person holds the object back, since that began: also in an earlier run.

        ``told`` is the history's line of all objects that the same holds on this target.
        """
        found = failure(ErrorType.PLACEMENT_POLICY, told, reason=reason, severity=Severity.LOW)
        since = self.shared.history.record_state(
            replace(found, hint=SafeText()),
            target=self.target.name,
            subject=f"{self.kind}/{self.key}",
            at=self.shared.runtime.wall(),
            category=HOLD,
        )
        self.stand(SyncState.HELD, reason, message, since)

    def settle(self, copy: CachedObject) -> None:
        """Record that ``copy`` carries the desired state of this reconcile, and is in sync."""
        self.note_settled(copy)
        self.target.ledger.stand_in_sync(self.kind, self.key, self.shared.runtime.wall())

    def note_settled(self, copy: CachedObject) -> None:
        """Record that ``copy`` carries the desired state of this reconcile, whatever its state."""
        entry = self.entry
        entry.wrote = {self.facts.origin: copy.uid}
        facts = self.facts
        new = Settled(facts.source_digest, copy.content_digest, facts.inputs, facts.around)
        if copy.status_digest and entry.settled != new:
            self.shared.hub.statuses.add(self.kind, self.key)  # it may count as observed now
        self.target.ledger.settle(self.kind, self.key, new, self.shared.runtime.now())

    def finish(self, told: str) -> None:
        """Record that nothing is left to do here: it has run to its end."""
        facts, ledger = self.facts, self.target.ledger
        settled = Settled(facts.source_digest, b"", facts.inputs, facts.around)
        ledger.settle(self.kind, self.key, settled, self.shared.runtime.now())
        self.stand(SyncState.IN_SYNC, FINISHED_HERE, told)

    def collide(self, message: str) -> float:
        """Record that a foreign object has the name; it is checked again rarely."""
        self.entry.collided = True
        found = failure(ErrorType.RESOURCE_CONFLICT, message, reason="Collision", hint=_TAKEN)
        self.stand_wrong(SyncState.COLLISION, found)
        return REFUSED_RECHECK_S


async def look_at_live(context: ReconcileContext) -> float:
    """The copy is not the one we knew: take the live object into the cache, then decide again."""
    cached = context.target.copy_of(context.kind, context.key)
    live = await read_live(context.target, context.here, context.key)
    if live is not None:
        context.here.informer.observe(live)
    elif cached is not None:
        context.here.informer.forget(cached.key, cached.uid)
    return LOOK_AGAIN_S


async def read_whole(context: ReconcileContext) -> Json:
    """Read the object with the copy's name, including managedFields."""
    path = object_path(context.here.kind, context.target.copy_key(context.kind, context.key))
    async with context.target.concurrency.admitted():
        return await context.target.client.get_json(path)


async def send(
    context: ReconcileContext, tree: Json, *, force: bool, cuts: tuple[Steps, ...] = ()
) -> None:
    """Apply a desired state without what is at ``cuts``, and settle the pair with the response."""
    permit = context.permit(without(tree, cuts))
    async with context.target.concurrency.admitted():
        written = await context.target.writer.apply(permit, force=force)
    found = differences(context.desired, written.decode(), frozenset())
    is_cut = [any(one.steps[: len(cut)] == cut for cut in cuts) for one in found]
    pairs = list(zip(found, is_cut, strict=True))
    context.entry.normal = fingerprints(tuple(one for one, cut in pairs if not cut))
    context.entry.left = fingerprints(tuple(one for one, cut in pairs if cut))
    context.here.informer.observe(written)
    context.settle(written)


async def dry_run(context: ReconcileContext, tree: Json) -> CachedObject | None:
    """Return what the server would make of ``tree``, None if the copy is a different one by now."""
    try:
        async with context.target.concurrency.admitted():
            return await context.target.writer.apply(context.permit(tree), force=True, dry_run=True)
    except Conflict:
        await look_at_live(context)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return None


def fingerprints(found: tuple[Difference, ...]) -> frozenset[str]:
    """Return what identifies each difference."""
    return frozenset(fingerprint(difference) for difference in found)
