"""Up: what the targets report of an object becomes its status in the hub, once per change."""

from __future__ import annotations

from dataclasses import dataclass, field

from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import CachedObject, Json
from tmcconsole.sync.duties import acting_for
from tmcconsole.sync.markers import MANAGER, finalizer_keys, is_ours, origin_of
from tmcconsole.sync.status import Report, merge, patch_for
from tmcconsole.sync.workqueue import Item
from tmcconsole.sync.world import Target, World

BUSY_AT = 50  # keys waiting, over all queues
COALESCE_S = 0.25
AWAITED_S = 5.0  # until a target that is still being connected can report


@dataclass(frozen=True, slots=True)
class UpStatus:
    """Reconciles the status of hub keys over all targets."""

    world: World
    # What we last wrote, where the hub kept something else of it (a pruning schema): not again.
    _written: dict[Item, Json] = field(default_factory=dict)

    async def reconcile(self, item: Item) -> float | None:
        """Write the merged status if it differs from the hub's."""
        if self._is_busy():
            return COALESCE_S
        cached = self.world.hub.cached(*item)
        if cached is None:
            self._written.pop(item, None)
            return None
        tree = cached.decode()
        before: Json = tree.get("status") or {}
        holders = finalizer_keys(tree)
        name = self.world.duties.reporter_for(holders, self.world.is_ready)
        if name is None:
            return None  # another replica writes it
        if self._is_awaited(item.lane, holders):
            return AWAITED_S
        reports = self._reports(item, cached, tree)
        after = merge(reports, generation=cached.generation, before=before)
        if after is None:
            return None
        patch = patch_for(before, after)
        if not patch or self._written.get(item) == after:
            return None
        with acting_for(name):
            return await self._write(item, cached, patch, after)

    def _is_busy(self) -> bool:
        """True while many wishes wait: they go first, and statuses that change meanwhile fold."""
        targets = self.world.targets.values()
        waiting = len(self.world.hub.queue) + sum(len(target.queue) for target in targets)
        return waiting > BUSY_AT

    def _is_awaited(self, kind: str, keys: frozenset[str]) -> bool:
        """True while a target that may hold a copy has not been heard: no sum without it."""
        if keys & self.world.awaited:
            return True
        holders = [self.world.targets[key] for key in sorted(keys) if key in self.world.targets]
        here = [holder.kinds[kind] for holder in holders if kind in holder.kinds]
        return not all(watched.informer.synced for watched in here)

    def _reports(self, item: Item, cached: CachedObject, tree: Json) -> list[Report]:
        origin = origin_of(self.world.hub.cluster, tree)
        targets = self.world.targets.values()
        reports = [_report(target, item, cached, origin) for target in targets]
        return [report for report in reports if report is not None]

    async def _write(
        self, item: Item, cached: CachedObject, patch: Json, after: Json
    ) -> float | None:
        hub = self.world.hub
        watched = hub.kinds[item.lane]
        subresource = "status" if "status" in watched.kind.subresources else ""
        # The version is the fence: a custom resource's status takes any UID in a patch.
        body: Json = {"metadata": {"resourceVersion": cached.resource_version}, "status": patch}
        try:
            async with hub.flow.admitted():
                written = await hub.client.merge_patch(
                    watched.kind, item.key, body, manager=MANAGER, subresource=subresource
                )
        except NotFound:
            return None
        self._remember(item, written, after)
        watched.informer.observe(written)
        return None

    def _remember(self, item: Item, written: CachedObject, after: Json) -> None:
        if (written.decode().get("status") or {}) == after:
            self._written.pop(item, None)
        else:
            self._written[item] = after


def _report(target: Target, item: Item, source: CachedObject, origin: str) -> Report | None:
    copy = target.copy_of(*item)
    if copy is None or copy.deleting or not copy.status_digest:
        return None
    tree = copy.decode()
    if not is_ours(tree, target.key, origin):
        return None
    entry = target.ledger.get(*item)
    settled = entry.settled if entry else None
    is_current = settled is not None and settled.source_digest == source.content_digest
    status = tree.get("status")
    return Report(
        target.name, copy.generation, status if isinstance(status, dict) else {}, is_current
    )


def wants_status(old: CachedObject | None, new: CachedObject | None) -> bool:
    """True where an event on a target may change the hub's status of the object."""
    if old is None or new is None:
        one = old or new
        return one is not None and bool(one.status_digest)
    return old.status_digest != new.status_digest or old.generation != new.generation
