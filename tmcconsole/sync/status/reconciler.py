"""Up: what the targets report of an object becomes its status in the hub, once per change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import CachedObject, Json, annotations_of
from tmcconsole.kube.paths import object_path
from tmcconsole.kube.trees.differences import diff
from tmcconsole.sync.assignment.duties import acting_for
from tmcconsole.sync.assignment.endings import endings
from tmcconsole.sync.desired.target_view import ViewInvalid
from tmcconsole.sync.names.markers import STATUS_DIFF, finalizer_keys, is_upsynced
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.ledger import ObjectRecords
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S, LOOK_AGAIN_S
from tmcconsole.sync.status.acceptable import acceptable, kept_patch
from tmcconsole.sync.status.merge import (
    Merged,
    clearing_patch,
    is_blank,
    merge,
    owned_fields,
)
from tmcconsole.sync.status.promotion import plan_promotion
from tmcconsole.sync.status.reports import Heard, hear
from tmcconsole.sync.status.stale_status import is_finished, mark_patch, stale_note
from tmcconsole.tmc.errors import ErrorType, failure

BUSY_AT = 50  # keys waiting, over all queues
COALESCE_S = 0.25
AWAITED_S = 5.0  # until a target that is still connecting can report


@dataclass(frozen=True, slots=True)
class StatusSync:
    """Reconciles the status of hub keys over all targets."""

    shared: SyncContext
    records: ObjectRecords
    # What we last wrote, if the hub stored something else (a pruning schema): not again.
    _written: dict[Item, Json] = field(default_factory=dict)
    # Digests of statuses found to contain nothing of ours, of objects without a target.
    _foreign: dict[Item, bytes] = field(default_factory=dict)
    # Status fields that no target reports, as of the last check; and those of them not ours.
    _theirs: dict[Item, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    async def reconcile(self, item: Item) -> float | None:
        """Write the merged status if it differs from the hub's."""
        if (
            self._is_busy()
        ):  # in its place in the queue: keys that come back cost as much as desired states
            await self.shared.runtime.sleep(COALESCE_S)
        cached = self.shared.hub.cached(*item)
        if cached is None:
            self._forget(item)
            return None
        tree = cached.decode()
        if is_upsynced(tree):
            return None  # a target owns it, including its status
        if not self.shared.placements.has_decided:
            return LOOK_AGAIN_S  # Placements influence how it is merged
        holders = finalizer_keys(tree)
        name = self.shared.duties.reporter_for(holders, self.shared.is_ready)
        if name is None:
            return None  # another replica writes it
        if self._is_awaited(item.lane, holders):
            return AWAITED_S
        heard = hear(self.shared, item, cached, tree)
        if heard.is_late:
            return None  # the hub's is newer; the target's next report queues it again
        with acting_for(name):
            return await self._mark(item, cached, tree) or await self._write(
                item, cached, tree, heard
            )

    async def _mark(self, item: Item, cached: CachedObject, tree: Json) -> float | None:
        """Say on the object since when the status rests on silent targets; return None if it
        says so already.

        The status itself is written at the event of this.
        """
        note = stale_note(item.lane, tree, self.shared.silent, is_deleting=cached.deleting)
        patch = mark_patch(tree, note)
        if patch is None:
            return None
        try:
            await self._patch_main(item, cached.resource_version, patch)
        except NotFound:
            return HELD_RECHECK_S
        return LOOK_AGAIN_S

    async def _write(
        self, item: Item, cached: CachedObject, tree: Json, heard: Heard
    ) -> float | None:
        promotes = self.shared.settings.status == "promote"
        try:
            return await (self._promote if promotes else self._aggregate)(item, cached, tree, heard)
        except NotFound:
            return HELD_RECHECK_S  # its kind is not served now, or not by this API server replica

    async def _aggregate(
        self, item: Item, cached: CachedObject, tree: Json, heard: Heard
    ) -> float | None:
        stale = _promotion_notes(tree, self.shared.targets)
        if stale:  # the status itself is written at the event of this
            notes: Json = {"metadata": {"annotations": dict.fromkeys(stale)}}
            await self._patch_main(item, cached.resource_version, notes)
            return LOOK_AGAIN_S
        before: Json = tree.get("status") or {}
        merged = self._merge(item, cached, before, heard)
        self._note(item, merged.failures)
        after = merged.status
        if after is None:
            return await self._clear(item, cached, tree, heard)
        after = after | await self._others_words(item, cached, before, after)
        after, kept = acceptable(item.lane, after, before, _spec(tree), len(heard.reports))
        if noted := kept_patch(tree, kept):
            await self._patch_main(item, cached.resource_version, noted)
            return LOOK_AGAIN_S
        patch = diff(before, after)
        if not patch or self._written.get(item) == after:
            return None
        written = await self._patch(item, cached.resource_version, {"status": patch})
        if written is not None:
            self._remember(item, written, after)
        return None

    async def _others_words(
        self, item: Item, cached: CachedObject, before: Json, after: Json
    ) -> Json:
        """Return status fields that no target reports and others wrote: they are theirs.

        Fields that we wrote and no target reports any more are removed. A live read tells them
        apart.
        """
        extra = before.keys() - after.keys()
        if not extra:
            self._theirs.pop(item, None)
            return {}
        looked, theirs = self._theirs.get(item, (frozenset(), frozenset()))
        if extra != looked:
            live = await self._live(item)
            if live is None or live["metadata"]["resourceVersion"] != cached.resource_version:
                return {name: before[name] for name in extra}  # the next event queues it again
            theirs = frozenset(extra - owned_fields(live))
            self._theirs[item] = frozenset(extra), theirs
        return {name: before[name] for name in extra & theirs}

    def _merge(self, item: Item, cached: CachedObject, before: Json, heard: Heard) -> Merged:
        rules = self.shared.settings.status_rules + self.shared.placements.status_rules(
            item.key.namespace
        )
        return merge(
            heard.told(),
            generation=cached.generation,
            before=before,
            kind=item.lane,
            rules=rules,
            missing=heard.missing,
        )

    async def _promote(
        self, item: Item, cached: CachedObject, tree: Json, heard: Heard
    ) -> float | None:
        """Bring kcp's annotations and the status they stand for up to date, in two requests.

        The status first: a marker must not refer to a value that is not there yet. What was moved
        back is in an annotation before it is removed from the status.
        """
        try:
            own = merge(
                heard.told(),
                generation=cached.generation,
                before=tree.get("status") or {},
                missing=heard.missing,
            )
            sole = own.status if len(heard.reports) == 1 else None
            if sole is not None:
                sole = acceptable(item.lane, sole, tree.get("status") or {}, _spec(tree), 1).status
            plan = plan_promotion(tree, heard.trees, sole)
        except ViewInvalid as error:
            self._note(item, (str(error),))
            return None
        self._note(item, tuple(f"{r.target}: {r.refused}" for r in heard.told() if r.refused))
        version = cached.resource_version
        if plan.wanted is not None and plan.status and self._written.get(item) != plan.wanted:
            written = await self._patch(item, version, {"status": plan.status})
            if written is None:
                return None
            version = written.resource_version
            self._remember(item, written, plan.wanted)
        if plan.main and await self._patch_main(item, version, plan.main) is None:
            return None
        if plan.wanted is not None or (heard.copies and not heard.reports and not heard.is_mute):
            return None
        return await self._clear(item, cached, tree, heard)

    async def _clear(
        self, item: Item, cached: CachedObject, tree: Json, heard: Heard
    ) -> float | None:
        """Remove what we once wrote into a status that is no longer a single target's.

        It is also nobody's if the object has moved and its new target has not reported yet. The API
        server's own managedFields are the proof, and only a live read has them.
        """
        is_apart = self.shared.settings.status == "promote" and len(heard.reports) > 0
        is_nobodys = is_apart or heard.is_mute
        if endings(tree):
            return None  # the report of an ended run stays
        if cached.deleting or not (is_nobodys or _is_nowhere(tree, heard)):
            return None
        status = tree.get("status") or {}
        if heard.is_mute and is_finished(status):
            return None  # the outcome stays, even if its copy is gone
        if is_blank(item.lane, status) or self._foreign.get(item) == cached.status_digest:
            return None
        live = await self._live(item)
        if live is None:
            return None
        gone = _acceptable_clearing(item.lane, live)
        if gone is not None and (is_nobodys or not finalizer_keys(live)):
            version = str(live["metadata"]["resourceVersion"])
            written = await self._patch(item, version, gone)
            self._foreign[item] = written.status_digest if written else b""
        else:
            self._foreign[item] = cached.status_digest
        return None

    async def _live(self, item: Item) -> Json | None:
        """Read the hub object with its managedFields, which the cache does not keep."""
        hub = self.shared.hub
        try:
            async with hub.concurrency.admitted():
                path = object_path(hub.kinds[item.lane].kind, item.key)
                return await hub.client.get_json(path)
        except NotFound:
            return None

    def _is_busy(self) -> bool:
        """True while many objects wait for down-sync: they go first, and statuses are batched
        meanwhile.
        """
        targets = (one for one in self.shared.targets.values() if one.contact.is_connected)
        waiting = len(self.shared.hub.queue) + sum(len(target.queue) for target in targets)
        return waiting > BUSY_AT

    def _is_awaited(self, kind: str, keys: frozenset[str]) -> bool:
        """True while a target that may hold a copy has not reported: no sum without it."""
        if keys & self.shared.awaited:
            return True
        holders = [self.shared.targets[key] for key in sorted(keys) if key in self.shared.targets]
        here = [holder.kinds[kind] for holder in holders if kind in holder.kinds]
        return not all(watched.informer.synced for watched in here)

    async def _patch(self, item: Item, version: str, patch: Json) -> CachedObject | None:
        """Merge into the hub object's status only; return None if it is gone."""
        hub = self.shared.hub
        watched = hub.kinds[item.lane]
        subresource = "status" if "status" in watched.kind.subresources else ""
        # The version is the precondition: the status of a custom resource accepts any UID.
        return await hub.writer.merge_patch(
            watched.kind,
            item.key,
            {"status": patch["status"]},
            into=watched.informer,
            resource_version=version,
            subresource=subresource,
        )

    async def _patch_main(self, item: Item, version: str, patch: Json) -> CachedObject | None:
        """Merge annotations, and fields that a summarizing rule names, into the hub object."""
        hub = self.shared.hub
        watched = hub.kinds[item.lane]
        return await hub.writer.merge_patch(
            watched.kind, item.key, patch, into=watched.informer, resource_version=version
        )

    def _remember(self, item: Item, written: CachedObject, after: Json) -> None:
        if (written.decode().get("status") or {}) == after:
            self._written.pop(item, None)
        else:
            self._written[item] = after

    def _note(self, item: Item, failures: tuple[str, ...]) -> None:
        """Record what could not be merged, once. That it works again is the queue's to record."""
        shared, text = self.shared, SafeText("; ".join(failures))
        if text == shared.unmerged.get(item, ""):
            return
        wall, subject = shared.runtime.wall(), f"{item.lane}/{item.key}"
        if text:
            shared.unmerged[item] = text
            found = failure(
                ErrorType.AGGREGATION_FAILURE, text, hint="Correct the rule, or its kind."
            )
            shared.history.record_error(found, target="hub", subject=subject, at=wall)
        else:
            del shared.unmerged[item]
        self.records.touch(*item)

    def _forget(self, item: Item) -> None:
        self._written.pop(item, None)
        self._foreign.pop(item, None)
        self._theirs.pop(item, None)
        self.shared.unmerged.pop(item, None)


def _promotion_notes(tree: Json, keys: Collection[str]) -> list[str]:
    """Return the annotations of an earlier assignment that promoted what those targets report."""
    notes = annotations_of(tree)
    return [name for key in sorted(keys) if (name := STATUS_DIFF + key) in notes]


def _spec(tree: Json) -> Json:
    found = tree.get("spec")
    return found if isinstance(found, dict) else {}


def _acceptable_clearing(kind: str, live: Json) -> Json | None:
    """Return the patch that removes as much of our status as an API server allows."""
    gone = clearing_patch(live)
    if gone is None:
        return None
    before, named = live["status"], gone["status"]
    rest = {name: before[name] for name in before if named is not None and name not in named}
    left = acceptable(kind, rest, before, _spec(live), 0).status
    if left == rest:
        return gone
    patch = diff(before, left)
    return {"status": patch} if patch else None


def _is_nowhere(tree: Json, heard: Heard) -> bool:
    return not heard.copies and not finalizer_keys(tree)


def wants_status(old: CachedObject | None, new: CachedObject | None) -> bool:
    """True if an event on a target may change the hub's status of the object."""
    if old is None or new is None:
        one = old or new
        return one is not None and bool(one.status_digest)
    return old.status_digest != new.status_digest or old.generation != new.generation
