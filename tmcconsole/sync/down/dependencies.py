"""What must be on a target before an object: its references, and the state of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.assignment.references import AWAITED, references
from tmcconsole.sync.down.plan import Create, Step, Update
from tmcconsole.sync.down.reconcile_context import ReconcileContext
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.desired_state import desired_state
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.target import Target

# Longer than a write and its retries take; after that, a visible failure on the target is better.
AWAIT_S: Final = 30.0
_NEVER_COMING: Final = frozenset({SyncState.COLLISION, SyncState.REFUSED})


class Stand(StrEnum):
    """The state of a dependency on the target, as a phrase."""

    THERE = "is there"
    COMING = "is awaited"
    ABSENT = "is not in the hub"
    ELSEWHERE = "is not assigned to this target"
    NOT_SYNCED = "is of a kind that is not synced here"
    REFUSED = "is refused, or its name is taken there"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One object that a desired state refers to."""

    item: Item
    stand: Stand

    def __str__(self) -> str:
        return f"{self.item.lane} {self.item.key} {self.stand}"


def dependencies(
    shared: SyncContext, target: Target, kind: str, key: ObjectKey, desired: Json
) -> tuple[Dependency, ...]:
    """Return the dependencies of a desired state on a target, in order."""
    found = sorted(one for one in references(kind, desired) if one.kind in AWAITED)
    items = (Item(one.kind, ObjectKey(key.namespace, one.name)) for one in found)
    return tuple(Dependency(item, _stand(shared, target, item)) for item in items)


def await_dependencies(context: ReconcileContext, step: Step) -> float | None:
    """Return the seconds to wait for dependencies on this target, or None to proceed.

    Only dependencies that come by themselves are waited for, and not forever: writing them wakes
    the waiting objects.
    """
    if not isinstance(step, Create | Update) or (isinstance(step, Update) and step.drift):
        return None
    here = dependencies(
        context.shared, context.target, context.kind, context.key, context.desired.tree
    )
    missing = [one.item for one in here if one.stand is Stand.COMING]
    entry, now = context.entry, context.shared.runtime.now()
    entry.awaits_from = (entry.awaits_from or now) if missing else 0.0
    left_s = entry.awaits_from + AWAIT_S - now
    if not missing or left_s <= 0:
        return None
    for item in missing:
        context.target.waiting.add(Item(context.kind, context.key), item)
    told = ", ".join(f"{item.lane} {item.key.name}" for item in missing)
    context.stand(
        SyncState.PENDING, "AwaitingDependencies", f"waits up to {AWAIT_S:g} s for {told}"
    )
    return left_s


def _stand(shared: SyncContext, target: Target, item: Item) -> Stand:
    if target.copy_of(*item) is not None:
        return Stand.THERE
    source = shared.hub.cached(*item)
    if source is None or source.deleting:
        return Stand.ABSENT
    if item.lane not in target.kinds:
        return Stand.NOT_SYNCED
    tree = source.decode()
    expected = expected_of(shared, item, tree)
    if expected is None or target.key not in expected.keys:
        return Stand.ELSEWHERE
    entry = target.ledger.get(*item)
    is_stuck = entry is not None and entry.standing.state in _NEVER_COMING
    if is_stuck or desired_state(shared, target, item.lane, item.key, tree).refusal is not None:
        return Stand.REFUSED
    return Stand.COMING
