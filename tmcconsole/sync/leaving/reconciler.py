"""Looks again at copies that are to leave and may not yet, whenever a copy of theirs is news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tmcconsole.sync.assignment.plan import Expected, departing_keys, is_ending
from tmcconsole.sync.leaving.departures import verdict_on
from tmcconsole.sync.leaving.may_leave import NEEDED_HERE
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S
from tmcconsole.sync.state.stays import Stay


@dataclass(frozen=True, slots=True)
class LeavingSync:
    """Reconciles hub keys of objects that stay somewhere; their assignment follows if need be."""

    shared: SyncContext

    async def reconcile(self, item: Item) -> float | None:
        """Have the object assigned anew where other copies may leave than when it was decided.

        Only that: an assignment makes every target try again what it has failed at.
        """
        known = self.shared.stays.of(item)
        if not known:
            return None
        cached = self.shared.hub.cached(*item)
        tree = cached.decode() if cached is not None else None
        expected = expected_of(self.shared, item, tree) if tree is not None else None
        found = stays_of(self.shared, item, tree, expected) if tree and expected else {}
        if found.keys() != known.keys():
            self.shared.hub.queue.add(*item)
        elif found != known:
            self._tell(item, found)
        return HELD_RECHECK_S

    def _tell(self, item: Item, found: dict[str, Stay]) -> None:
        """They stay for another reason: it is told where they stand."""
        needed = any(one.reason == NEEDED_HERE for one in found.values())
        self.shared.stays.note(item, found, needed=needed)
        for key in found:
            target = self.shared.targets.get(key)
            if target is not None:
                target.queue.add(*item)


def stays_of(
    shared: SyncContext, item: Item, tree: Mapping[str, Any], expected: Expected
) -> dict[str, Stay]:
    """Return why an object may not leave yet, by the keys of targets that it is to leave."""
    keys = () if is_ending(tree) else sorted(departing_keys(tree, expected))
    verdicts = {key: verdict_on(shared, item, tree, expected, key) for key in keys}
    return {
        key: Stay(one.reason, one.message) for key, one in verdicts.items() if not one.may_leave
    }
