"""On the hub: records where each object belongs, then queues it for the targets concerned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import Json
from tmcconsole.sync.assignment.duties import acting_for
from tmcconsole.sync.assignment.plan import Expected, plan_assignment
from tmcconsole.sync.assignment.replica_share import share_of
from tmcconsole.sync.leaving.may_leave import NEEDED_HERE
from tmcconsole.sync.leaving.reconciler import stays_of
from tmcconsole.sync.names.markers import finalizer_keys, state_keys
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.desired_state import precompute
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S, LOOK_AGAIN_S
from tmcconsole.sync.state.target import Target


@dataclass(frozen=True, slots=True)
class Assigner:
    """Reconciles hub keys once for all targets."""

    shared: SyncContext

    async def reconcile(self, item: Item) -> float | None:
        """Patch the object's labels if they are out of date; otherwise queue it for its targets."""
        hub = self.shared.hub
        watched = hub.kinds.get(item.lane)
        if watched is None:
            return None
        if not watched.informer.synced or not hub.namespaces.synced:
            return LOOK_AGAIN_S
        cached = watched.informer.get(item.key)
        if cached is None:
            self.shared.stays.note(item, {})
            self.shared.referred.refresh(item.key.namespace)
            self._pass_on(item, frozenset(self.shared.targets))
            return None
        tree = cached.decode()
        keys = finalizer_keys(tree) | set(state_keys(tree))
        if not item.key.namespace and not self.shared.placements.has_decided:
            return LOOK_AGAIN_S  # Placements not read yet are not the same as none
        patch = self._plan(item, tree)
        duties, names = self.shared.duties, tuple[str, ...]()
        if patch is not None:
            patch, names = share_of(patch, tree, duties.name_for, leads=duties.leads)
        if cached.deleting or patch is None:  # a deletion does not wait for a stamp
            self._pass_on(item, keys)
        with acting_for(*names):
            return await self._write(item, patch) if patch is not None else None

    def _plan(self, item: Item, tree: Json) -> Json | None:
        expected = expected_of(self.shared, item, tree)
        if expected is None:
            self.shared.stays.note(item, {})
            return None  # its own deletion is near, or its event: either calls again
        served = self._served(item, tree, expected.keys)
        self._note_waiting(item, served)
        now = datetime.fromtimestamp(self.shared.runtime.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return plan_assignment(tree, expected, served, now, self._staying(item, tree, expected))

    def _staying(self, item: Item, tree: Json, expected: Expected) -> frozenset[str]:
        """Decide which copies that are to leave may not yet, and take it down."""
        stays = stays_of(self.shared, item, tree, expected)
        needed = any(one.reason == NEEDED_HERE for one in stays.values())
        self.shared.stays.note(item, stays, needed=needed)
        return frozenset(stays)

    def _note_waiting(self, item: Item, keys: frozenset[str]) -> None:
        """A change's age counts from when it was first queued here."""
        since = self.shared.hub.queue.added_at(item)
        for key in sorted(keys):
            target = self.shared.targets[key]
            if not self._is_settled(target, item):
                target.ledger.await_write(item.lane, item.key, since, self.shared.runtime.wall())

    def _is_settled(self, target: Target, item: Item) -> bool:
        entry, cached = target.ledger.get(*item), self.shared.hub.cached(*item)
        return entry is not None and cached is not None and entry.carries(cached)

    def _served(self, item: Item, tree: Json, keys: frozenset[str]) -> frozenset[str]:
        """Return the targets that would really get a copy: only they get a finalizer."""
        served = [
            key
            for key, target in self.shared.targets.items()
            if key in keys and item.lane in target.kinds and self._passes(target, item, tree)
        ]
        return frozenset(served)

    def _passes(self, target: Target, item: Item, tree: Json) -> bool:
        """Return whether policy permits the object: what was written and has not changed since has
        passed.
        """
        if self._is_settled(target, item):
            return True
        cached = self.shared.hub.cached(*item)
        return cached is not None and (
            precompute(self.shared, target, item, cached, tree).refusal is None
        )

    async def _write(self, item: Item, patch: Json) -> float | None:
        hub = self.shared.hub
        watched = hub.kinds[item.lane]
        try:  # observing the response is an event like any other: it queues this key again
            await hub.writer.merge_patch(watched.kind, item.key, patch, into=watched.informer)
        except NotFound:
            return HELD_RECHECK_S  # its kind is not served now, or not by this API server replica
        return None

    def _pass_on(self, item: Item, keys: frozenset[str]) -> None:
        is_fresh = self.shared.hub.queue.is_fresh(item)
        for key, target in self.shared.targets.items():
            if key in keys or target.ledger.get(*item) or target.copy_of(*item):
                target.queue.add(*item, backlog=not is_fresh)
