"""Up: what a target owns, to the hub. Read the caches, decide, act; one write at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.names.markers import UPSYNC_RV, deletion_keys, place_of, state_keys
from tmcconsole.sync.policy import Refusal, is_protected
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import LANE
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S, LOOK_AGAIN_S
from tmcconsole.sync.up.hub_object import Lifted, judge_locator, lift
from tmcconsole.sync.up.plan import (
    CompareHubObject,
    Even,
    LetGo,
    Make,
    NameTaken,
    Reject,
    Rest,
    Rewrite,
    Stamp,
    TakeDown,
    UpFacts,
    UpStep,
    Wait,
    WriteStatus,
    decide_up,
)
from tmcconsole.sync.up.reconcile_context import UpContext, UpSide, why_unselected
from tmcconsole.sync.up.removal import let_go, take_down
from tmcconsole.sync.up.writing import (
    compare,
    make,
    patch_above,
    report,
    rewrite,
    take_note_of_other,
)


@dataclass(frozen=True, slots=True)
class UpSync:
    """Reconciles the objects that one target owns."""

    shared: SyncContext
    side: UpSide

    async def reconcile(self, item: Item) -> float | None:
        """Bring one hub object closer to the target's; return seconds until the next reconcile."""
        kind = item.lane.removeprefix(LANE)
        above = self.side.above.get(kind)
        if self.side.watched(kind, item.key) is None or above is None:
            return None
        if not self._caches_are_synced(kind, item.key):
            return LOOK_AGAIN_S
        context = UpContext(
            shared=self.shared,
            side=self.side,
            item=item,
            kind=kind,
            facts=self._facts(item, kind, above),
        )
        step = decide_up(context.facts)
        if not self.shared.duties.holds(self.side.target.key):
            return _stand_by(context, step)
        return await _act(context, step)

    def _caches_are_synced(self, kind: str, key: ObjectKey) -> bool:
        here, above = self.side.watched(kind, key), self.side.above.get(kind)
        informers = [self.shared.hub.namespaces, self.side.target.namespaces]
        informers += [one.informer for one in (here, above) if one is not None]
        if kind == "endpoints":  # a Service decides whether they are upsynced
            both = (self.shared.hub.kinds.get("services"), self.side.target.kinds.get("services"))
            informers += [one.informer for one in both if one is not None]
        return all(informer.synced for informer in informers)

    def _facts(self, item: Item, kind: str, above: Watched) -> UpFacts:
        target, key = self.side.target, item.key
        entry = target.ledger.get(*item)
        space = target.names.on_target(key.namespace)
        found = self.side.below(kind, key)
        tree = found.decode() if found else None
        why = why_unselected(self.shared, self.side, kind, key, tree) if tree else ""
        below = found if found and not why else None
        made = above.informer.get(key)
        return UpFacts(
            key=target.key,
            place=place_of(target.key, space, key.name),
            below=below,
            below_tree=tree if below else None,
            unselected=why,
            lifted=self._lifted(above, tree, key) if tree and below else None,
            waits=self._waits(key),
            above=made,
            above_tree=made.decode() if made else None,
            normal=entry.normal if entry else frozenset(),
            reported=self.side.reported.get(item, b""),
        )

    def _lifted(self, above: Watched, tree: Json, key: ObjectKey) -> Lifted | Refusal:
        target = self.side.target
        if not key.namespace:
            refusal = judge_locator(tree, target.identity, self.shared.hub.cluster)
            if refusal is not None:
                return refusal
        return lift(above.kind, tree, key=target.key, namespace=key.namespace)

    def _waits(self, key: ObjectKey) -> Wait | None:
        """Return why nothing can be created in the hub's namespace now."""
        if not key.namespace:
            return None
        found = self.shared.hub.namespaces.get(ObjectKey("", key.namespace))
        if found is None or found.deleting:
            return Wait("NamespaceAway", f"the hub has no namespace {key.namespace}")
        tree = found.decode()
        placed = {*state_keys(tree), *deletion_keys(tree)}
        if self.side.target.key not in placed or is_protected(key.namespace):
            return Wait("NotPlaced", f"namespace {key.namespace} is not placed on this target")
        return None


def _stand_by(context: UpContext, step: UpStep) -> float | None:
    """Record the object's state without writing: another replica writes, or none may now."""
    if isinstance(step, Rest | Even | Wait | Reject | NameTaken):
        return _note(context, step)
    context.stand(SyncState.PENDING, "Standby", "another replica writes it")
    return None


async def _act(context: UpContext, step: UpStep) -> float | None:
    match step:
        case TakeDown(reason):
            return await take_down(context, reason)
        case LetGo():
            return await let_go(context)
        case Make():
            return await make(context)
        case CompareHubObject():
            return await compare(context)
        case Rewrite():
            return await rewrite(context)
        case WriteStatus(patch):
            return await report(context, patch)
        case Stamp(version):
            notes = {UPSYNC_RV: version}
            return await patch_above(context, {"metadata": {"annotations": notes}})
        case _:
            return _note(context, step)


def _note(context: UpContext, step: Rest | Even | Wait | Reject | NameTaken) -> float | None:
    """Record a step that sends nothing."""
    match step:
        case Rest():
            context.side.forget(context.item)
        case Even():
            context.stand(SyncState.IN_SYNC, "Upsync")
        case Wait(reason, message):
            context.stand(SyncState.HELD, reason, message)
            return HELD_RECHECK_S
        case Reject(refusal):
            context.stand(SyncState.REFUSED, refusal.reason, refusal.message)
        case NameTaken():
            return take_note_of_other(context)
        case _:
            assert_never(step)
    return None
