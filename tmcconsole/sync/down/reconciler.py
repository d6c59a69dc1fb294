"""Down: one hub object's desired state to one target. Read the caches, decide, act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tmcconsole.config.policies import MERGE
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.assignment.endings import why_done
from tmcconsole.sync.assignment.selection import ENABLED, PAUSED, switch_of
from tmcconsole.sync.conflicts.field_rules import DEFAULT, RuleInputs, field_rules_of
from tmcconsole.sync.desired.build import PLAIN, DesiredInputs
from tmcconsole.sync.down.create_update import create, update
from tmcconsole.sync.down.dependencies import await_dependencies
from tmcconsole.sync.down.drift_resolution import with_base
from tmcconsole.sync.down.field_rule_inputs import around
from tmcconsole.sync.down.pacing import pace
from tmcconsole.sync.down.plan import (
    AwaitFinalizer,
    AwaitGone,
    AwaitStamp,
    Collide,
    Create,
    Delete,
    Facts,
    Finished,
    Hold,
    InSync,
    Nothing,
    Refuse,
    Release,
    ReportDiff,
    Step,
    Update,
    Withhold,
    decide,
)
from tmcconsole.sync.down.reconcile_context import ReconcileContext
from tmcconsole.sync.down.refusals import remember, require_news
from tmcconsole.sync.down.removal import delete, release, withhold
from tmcconsole.sync.down.report_diff import report
from tmcconsole.sync.leaving.kept_replicas import with_kept
from tmcconsole.sync.leaving.may_leave import NO_REPLACEMENT
from tmcconsole.sync.names.markers import STATE, SWITCH, SYNC, origin_of, place_of
from tmcconsole.sync.policy import Refusal
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.desired_cache import NO_DESIRED_STATE
from tmcconsole.sync.state.desired_state import cached_desired_state, inputs_of
from tmcconsole.sync.state.ended_copies import keep_ending
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.ledger import Settled
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S, LOOK_AGAIN_S
from tmcconsole.sync.state.stays import Stay
from tmcconsole.sync.state.target import Target, pause_text
from tmcconsole.tmc.errors import ErrorType, failure


@dataclass(frozen=True, slots=True)
class DownSync:
    """Reconciles hub keys for one target."""

    shared: SyncContext
    target: Target

    async def reconcile(self, item: Item) -> float | None:
        """Bring one copy closer to its desired state; return seconds until the next reconcile, or
        None.
        """
        try:
            again = await self._reconcile(item)
        finally:
            self.target.desired_cache.drop(item)
        for waiting in self.target.waiting.pop(item):
            self.target.queue.add(*waiting)
        return again

    async def _reconcile(self, item: Item) -> float | None:
        kind, key = item
        if kind not in self.shared.hub.kinds or kind not in self.target.kinds:
            return None
        if not self._caches_are_synced(kind):
            return LOOK_AGAIN_S
        if not self.shared.placements.has_decided:
            return LOOK_AGAIN_S  # Placements not read yet may divide replicas, or transform
        await keep_ending(self.shared, self.target, item)
        stay = self.shared.stays.find(item, self.target.key)
        inputs = self._inputs(item)
        beside = around(self.shared, self.target, kind, key)
        if stay is None and inputs is not None and self._is_settled(kind, key, inputs, beside):
            return None
        facts = self._facts(kind, key, inputs or PLAIN, beside)
        context = ReconcileContext(
            shared=self.shared, target=self.target, kind=kind, key=key, facts=facts
        )
        step = decide(context.facts)
        if self._is_leaving(item, facts, step, unplaced=stay is not None or inputs is None):
            return _let_be(context, step, stay)
        if not self.shared.duties.holds(self.target.key):
            return stand_by(context, step)
        if isinstance(step, Create | Update | Delete) and self._is_paused(context):
            return None
        require_news(context, step)
        return await_dependencies(context, step) or pace(context, step) or await _act(context, step)

    def _inputs(self, item: Item) -> DesiredInputs | None:
        kind = self.target.kinds[item.lane].kind
        inputs = inputs_of(self.shared, self.target, kind, item.key.namespace)
        return inputs and with_kept(self.shared, self.target, item, inputs)

    def _is_leaving(self, item: Item, facts: Facts, step: Step, *, unplaced: bool) -> bool:
        """True where a write would be to a target that the object is about to leave."""
        if not isinstance(step, AwaitStamp | InSync | Create | Update | ReportDiff):
            return False
        if unplaced or isinstance(step, InSync) or facts.source is None:
            return unplaced
        expected = expected_of(self.shared, item, facts.source)
        return expected is not None and self.target.key not in expected.keys

    def _is_paused(self, context: ReconcileContext) -> bool:
        """Record that nothing is written or deleted, because somebody asked for that."""
        source = context.facts.source
        pause = self.target.orders.pause()
        if pause is not None:
            text = pause_text(self.target.name, pause)
            context.stand_on_order("Paused", text, "changes wait: the target is paused")
        elif source is not None and switch_of(source) == PAUSED:
            text = f'take {SWITCH} off it, or set "{ENABLED}"'
            context.stand_on_order("SyncPaused", text, f"changes wait: {SWITCH} says so")
        else:
            return False
        return True

    def _caches_are_synced(self, kind: str) -> bool:
        hub, target = self.shared.hub, self.target
        informers = (hub.kinds[kind].informer, target.kinds[kind].informer)
        return all(one.synced for one in (*informers, hub.namespaces, target.namespaces))

    def _is_settled(
        self, kind: str, key: ObjectKey, inputs: DesiredInputs, beside: RuleInputs
    ) -> bool:
        entry = self.target.ledger.get(kind, key)
        if entry is None or entry.settled is None:
            return False
        if entry.unjudged and self.shared.duties.holds(self.target.key):
            return False
        source, copy = self.shared.hub.cached(kind, key), self.target.copy_of(kind, key)
        if source is None or copy is None or source.deleting or copy.deleting:
            return False
        if entry.settled != Settled(source.content_digest, copy.content_digest, inputs, beside):
            return False
        if not entry.left:
            entry.drift_ledger.end()
        self.target.ledger.stand_in_sync(kind, key, self.shared.runtime.wall())
        return True

    def _facts(self, kind: str, key: ObjectKey, inputs: DesiredInputs, beside: RuleInputs) -> Facts:
        source, copy = self.shared.hub.cached(kind, key), self.target.copy_of(kind, key)
        entry = self.target.ledger.get(kind, key)
        tree = source.decode() if source else None
        origin = origin_of(self.shared.hub.cluster, tree) if tree else ""
        state = NO_DESIRED_STATE
        if source is not None and tree is not None:
            state = cached_desired_state(
                self.shared, self.target, Item(kind, key), source, tree, inputs
            )
        desired, refusal = state.desired, state.refusal
        rules = field_rules_of(self.shared.settings, kind, tree, beside)
        if isinstance(rules, Refusal):
            refusal, rules = refusal or rules, DEFAULT
        elif desired is not None and rules.conflict == MERGE:
            desired = with_base(desired, origin)
        return Facts(
            key=self.target.key,
            place=place_of(self.shared.hub.cluster, key.namespace, key.name),
            origin=origin,
            source=tree,
            source_digest=source.content_digest if source else b"",
            inputs=inputs,
            desired=desired,
            refusal=refusal,
            copy=copy,
            copy_tree=copy.decode() if copy else None,
            done=why_done(tree, self.target.key) if tree else "",
            known_uid=entry.wrote.get(origin, "") if entry else "",
            normal=entry.normal | entry.left_under(rules) if entry else frozenset(),
            rules=rules,
            around=beside,
        )


def _let_be(context: ReconcileContext, step: Step, stay: Stay | None) -> float:
    """Leave a copy that is about to go as it is, and say what it stays for."""
    copy = context.facts.copy
    if isinstance(step, InSync) and copy is not None:
        context.note_settled(copy)
    if stay is None:
        context.stand(SyncState.PENDING, "AwaitingPlacement", "nothing sends it here any more")
    else:
        _tell_stay(context, stay)
    return HELD_RECHECK_S


def _tell_stay(context: ReconcileContext, stay: Stay) -> None:
    """Say why a leaving copy stays; if nothing replaces it, that is a trouble."""
    if stay.reason != NO_REPLACEMENT:
        context.stand(SyncState.PENDING, stay.reason, stay.message)
        return
    found = failure(ErrorType.MIGRATION_FAILURE, stay.message, reason=stay.reason)
    context.stand_wrong(SyncState.HELD, found)


def hold_text(key: str) -> str:
    """Return what ends a hold, for people."""
    return f'assigned and on hold: set the label {STATE}{key} to "{SYNC}" to have a copy created'


def stand_by(context: ReconcileContext, step: Step) -> float | None:
    """Record the copy's state without writing: another replica writes, or none may now."""
    if isinstance(step, Update) and step.drift and context.facts.copy is not None:
        context.settle(context.facts.copy)  # it carries the desired state
        context.entry.unjudged = True
        return None
    if isinstance(step, Create | Update | ReportDiff):
        context.stand(SyncState.PENDING, "Standby", "another replica writes it")
        return None
    if isinstance(step, Delete | Release):
        context.stand(SyncState.DELETING, "Standby", "another replica writes it")
        return None
    return _note(context, step)


async def _act(context: ReconcileContext, step: Step) -> float | None:
    try:
        return await _take(context, step)
    except KubeError as error:
        remember(context, step, error)
        raise


async def _take(context: ReconcileContext, step: Step) -> float | None:
    match step:
        case Create():
            return await create(context)
        case Update():
            return await update(context, step)
        case Delete():
            return await delete(context, step)
        case Release():
            return await release(context)
        case ReportDiff():
            return await report(context)
        case _:
            return _note(context, step)


def _note(
    context: ReconcileContext,
    step: Nothing
    | InSync
    | AwaitFinalizer
    | AwaitStamp
    | Hold
    | AwaitGone
    | Finished
    | Withhold
    | Refuse
    | Collide,
) -> float | None:
    """Record a step that sends nothing."""
    match step:
        case Nothing():
            context.target.ledger.forget(context.kind, context.key)
        case InSync():
            _settle(context, step)
        case Finished(told):
            context.finish(told)
        case AwaitFinalizer():
            context.stand(SyncState.PENDING, "AwaitingFinalizer")
        case AwaitStamp():
            context.stand(SyncState.PENDING, "AwaitingPlacement")
        case AwaitGone():
            context.stand(SyncState.DELETING, "AwaitingDeletion")
            return HELD_RECHECK_S
        case _:
            return _stay(context, step)
    return None


def _settle(context: ReconcileContext, step: InSync) -> None:
    """Record that nothing has to be written, and why if the two sides differ."""
    entry, copy = context.entry, context.facts.copy
    if copy is None:
        return
    entry.insisted = frozenset()  # what was to be reverted is as desired
    if step.is_kept:
        entry.account("CreateOnly", "created once; later changes on either side stay")
    elif step.left:
        fields = ", ".join(one.path for one in step.left)
        entry.account("FieldsLeft", f"{fields}: left to the cluster")
    elif not entry.left:
        entry.account("", "")
        entry.drift_ledger.end()
    context.settle(copy)


def _stay(context: ReconcileContext, step: Hold | Withhold | Refuse | Collide) -> float | None:
    """Record what prevents the object from being written."""
    match step:
        case Hold():
            text = hold_text(context.target.key)
            context.stand_on_order("OnHold", text, "objects wait: their state label is empty")
        case Withhold():
            withhold(context, step)
        case Refuse(refusal):
            told = failure(ErrorType.PLACEMENT_POLICY, refusal.message, reason=str(refusal.reason))
            context.stand_wrong(SyncState.REFUSED, told)
        case Collide(message):
            return context.collide(message)
        case _:
            assert_never(step)
    return None
