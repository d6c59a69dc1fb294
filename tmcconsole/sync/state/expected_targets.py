"""Where a hub object belongs, by its namespace and by what the Placements take of it."""

from __future__ import annotations

from dataclasses import replace

from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.assignment.closure import REFERENCED, WHOLE
from tmcconsole.sync.assignment.plan import Expected, expected_keys, expected_without_namespace
from tmcconsole.sync.assignment.selection import DISABLED, switch_of
from tmcconsole.sync.names.markers import SWITCH, deletion_keys, state_keys
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext


def expected_of(shared: SyncContext, item: Item, tree: Json) -> Expected | None:
    """Return where the object belongs, None if that is unknown now."""
    expected = _placed(shared, item, tree)
    if expected is None:
        return None
    refusals = {key: shared.unselected(tree, key) for key in expected.keys}
    keys = frozenset(key for key, refusal in refusals.items() if refusal is None)
    if keys == expected.keys:
        return expected
    let_go = dict(expected.let_go)
    if switch_of(tree) == DISABLED:  # said of this object, and in words
        let_go |= {key: f"{SWITCH} is {DISABLED}" for key in expected.keys - keys}
    return replace(expected, keys=keys, let_go=let_go)


def _placed(shared: SyncContext, item: Item, tree: Json) -> Expected | None:
    if not item.key.namespace:
        placed = shared.placements.placed_keys()
        return None if placed is None else expected_without_namespace(tree, placed)
    namespace = shared.hub.namespaces.get(ObjectKey("", item.key.namespace))
    if namespace is None:
        return None
    expected = expected_keys(tree, namespace.decode())
    if not expected.by_namespace:
        return expected
    keys = frozenset(key for key in expected.keys if _takes(shared, item, tree, key))
    if keys == expected.keys:
        return expected
    dropped = expected.keys - keys
    spare = {
        key for key in dropped if shared.placements.takes(item.key.namespace, key) == REFERENCED
    }
    let_go = dict.fromkeys(spare, "no workload refers to it any more")
    return replace(expected, keys=keys, let_go=let_go)


def _takes(shared: SyncContext, item: Item, tree: Json, key: str) -> bool:
    """Return whether the object goes where its namespace goes; if unknown, it stays as it is."""
    takes = shared.placements.takes(item.key.namespace, key)
    if takes == WHOLE:
        return True
    is_taken = shared.referred.is_taken(item) if takes == REFERENCED else None
    if is_taken is None:
        return key in state_keys(tree) and key not in deletion_keys(tree)
    return is_taken
