"""Records in the hub how copies ended, so that what is done is not made again."""

from __future__ import annotations

from tmcconsole.kube.objects import CachedObject
from tmcconsole.sync.assignment.endings import ending_of, ending_patch, endings, is_run
from tmcconsole.sync.names.markers import origin_uid
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.target import Target


def note_ended(
    shared: SyncContext,
    target: Target,
    item: Item,
    old: CachedObject | None,
    new: CachedObject | None,
) -> None:
    """Note that a copy has reached its end, or had reached it when it went."""
    copy = new or old
    if copy is None or not copy.status_digest or not is_run(item.lane, shared.settings.run_to_end):
        return
    if old is not None and new is not None and old.status_digest == new.status_digest:
        return
    tree = copy.decode()
    ending = ending_of(item.lane, origin_uid(tree), tree)
    if ending is not None and ending.uid:
        target.ledger.entry(*item).ended = ending
        target.queue.add(*item)


async def keep_ending(shared: SyncContext, target: Target, item: Item) -> None:
    """Record in the hub how a copy ended, once. Raises ``KubeError``."""
    entry, source = target.ledger.get(*item), shared.hub.cached(*item)
    if entry is None or entry.ended is None or source is None or source.deleting:
        return
    if entry.ended.uid != source.uid:
        entry.ended = None
        return
    if endings(source.decode()).get(target.key) == entry.ended:
        entry.ended = None  # the hub has it from now on
        return
    if not shared.duties.holds(target.key):
        return
    watched = shared.hub.kinds[item.lane]
    await shared.hub.writer.merge_patch(
        watched.kind,
        item.key,
        ending_patch(target.key, entry.ended),
        into=watched.informer,
        uid=source.uid,
    )
    shared.hub.statuses.add(*item)
