"""Gathers what is known of a copy that is to leave, and of those that are to replace it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tmcconsole.contract.records import Health, SyncState
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey, annotations_of
from tmcconsole.sync.assignment.closure import is_workload
from tmcconsole.sync.assignment.endings import endings
from tmcconsole.sync.assignment.plan import Expected
from tmcconsole.sync.assignment.references import Reference
from tmcconsole.sync.desired.replica_division import DIVIDED_KINDS
from tmcconsole.sync.leaving.kept_replicas import with_kept
from tmcconsole.sync.leaving.may_leave import Departure, Place, Verdict, judge
from tmcconsole.sync.names.markers import DIGEST, LEAVE_ANYWAY, deletion_keys, is_ours, origin_of
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.desired_state import desired_state, inputs_of
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.health.object_health import is_only_present, object_health

_FAILING = (SyncState.FAILED, SyncState.REFUSED, SyncState.COLLISION, SyncState.HELD)


def verdict_on(
    shared: SyncContext, item: Item, tree: Mapping[str, Any], expected: Expected, key: str
) -> Verdict:
    """Return whether the copy of a hub object on target ``key`` may leave now.

    It is what the caches say: who takes something away has the replacement read once more.
    """
    return judge(departure_of(shared, item, tree, expected, key))


def departure_of(
    shared: SyncContext, item: Item, tree: Mapping[str, Any], expected: Expected, key: str
) -> Departure:
    """Return all the decision rests on."""
    spec = tree.get("spec")
    return Departure(
        here=place_of(shared, item, tree, key),
        others=tuple(place_of(shared, item, tree, one) for one in sorted(expected.keys - {key})),
        replicas=_replicas(item, spec),
        is_divided=item.lane in DIVIDED_KINDS
        and shared.placements.divided_among(item.key.namespace) is not None,
        let_go=expected.let_go.get(key, "") or _let_go(shared, item, tree, key),
        is_stamped=key in deletion_keys(tree),
        needed=_is_needed(shared, item, expected, key),
    )


def place_of(
    shared: SyncContext,
    item: Item,
    tree: Mapping[str, Any],
    key: str,
    live: CachedObject | None = None,
) -> Place:
    """Return what is known of one copy; ``live`` stands for what the cache has of it."""
    target = shared.targets.get(key)
    if target is None:
        return Place(key, is_known=False)
    watched = target.kinds.get(item.lane)
    if watched is None or not watched.informer.synced or not target.contact.is_connected:
        return Place(target.name, is_known=False)
    copy = live or target.copy_of(*item)
    entry = target.ledger.get(*item)
    is_failing = entry is not None and entry.standing.state in _FAILING
    problem = str(entry.standing.reason) if entry is not None and is_failing else ""
    if copy is None or copy.deleting:
        return Place(target.name, is_known=True, problem=problem)
    found = copy.decode()
    if not is_ours(found, key, origin_of(shared.hub.cluster, tree)):
        return Place(target.name, is_known=True, problem=problem or "another object is there")
    health, told = _health(watched.kind, copy, found)
    return Place(
        target.name,
        is_known=True,
        is_there=True,
        carries=_carries(shared, target, item, tree, found),
        health=health,
        ready=_count(found.get("status"), "readyReplicas") if item.lane in DIVIDED_KINDS else 0,
        replicas=_replicas(item, found.get("spec")),
        told=told,
        problem=problem,
    )


def _let_go(shared: SyncContext, item: Item, tree: Mapping[str, Any], key: str) -> str:
    """Return what a person wrote for the copy to go as it is, "" where nobody did."""
    target = shared.targets.get(key)
    names = {target.name, "*"} if target is not None else {"*"}
    namespace = shared.hub.namespaces.get(ObjectKey("", item.key.namespace))
    space = annotations_of(namespace.decode()) if namespace is not None else {}
    for whose, notes in (("it", annotations_of(tree)), ("its namespace", space)):
        if names & {name.strip() for name in notes.get(LEAVE_ANYWAY, "").split(",")}:
            return f"{LEAVE_ANYWAY} on {whose} lets it go"
    if key in endings(tree):
        return "it has run to its end"
    return shared.placements.emptied(key)


def _carries(
    shared: SyncContext, target: Target, item: Item, tree: Mapping[str, Any], copy: Json
) -> bool:
    """True where a copy was applied as the hub wants it at this moment, or is not to follow it.

    By its own mark, so that a stamp on the hub's object changes nothing.
    """
    entry = target.ledger.get(*item)
    if entry is not None and entry.told[0] == "CreateOnly":
        return True
    inputs = inputs_of(shared, target, target.kinds[item.lane].kind, item.key.namespace)
    if inputs is None:
        return False
    inputs = with_kept(shared, target, item, inputs)
    desired = desired_state(shared, target, *item, tree, inputs).desired
    return desired is not None and annotations_of(copy).get(DIGEST) == desired.digest


def _health(kind: Kind, copy: CachedObject, tree: Json) -> tuple[Health, str]:
    if not copy.status_digest and is_only_present(kind.kind, kind.group):
        return Health.HEALTHY, "present"
    health, told = object_health(kind.kind, tree)
    return health, str(told)


def _replicas(item: Item, spec: object) -> int:
    if item.lane not in DIVIDED_KINDS:
        return 0
    is_default = not isinstance(spec, Mapping) or spec.get("replicas") is None
    return 1 if is_default else _count(spec, "replicas")


def _count(part: object, name: str) -> int:
    value = part.get(name) if isinstance(part, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _is_needed(shared: SyncContext, item: Item, expected: Expected, key: str) -> bool:
    """True where the namespace leaves the target and a workload of it stays that may need it."""
    if is_workload(item.lane) or not item.key.namespace or key in expected.placed:
        return False
    target = shared.targets.get(key)
    if target is None:
        return False
    staying = frozenset(_workloads_on(shared, target, item.key.namespace))
    return bool(staying) and shared.referred.is_needed(item, staying)


def _workloads_on(shared: SyncContext, target: Target, namespace: str) -> Iterator[Reference]:
    """Yield those of a hub namespace that have a copy on the target which is not going."""
    for kind, watched in shared.hub.kinds.items():
        if is_workload(kind) and kind in target.kinds:
            for cached in watched.informer.in_namespace(namespace):
                copy = target.copy_of(kind, cached.key)
                if copy is not None and not copy.deleting:
                    yield Reference(kind, cached.name)


def workload_gone(shared: SyncContext, target: Target, namespace: str) -> None:
    """Look again at what workloads of a namespace may have needed, once the last has gone."""
    if next(_workloads_on(shared, target, namespace), None) is None:
        shared.stays.wake_needed(namespace)
