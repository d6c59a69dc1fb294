"""Says in the hub which deletions the brake holds, where those who wait for them look.

The brake's line in the history says which are held, and why each should go; who ordered it, no API
server says. Each namespace concerned gets a condition, and the first held objects an event (see
``kubectl describe``), since a hanging ``kubectl delete`` gives no reason. Deletions that somebody
allows are queued again.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.event_mirror import EVENTS
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Json, ObjectKey, condition_of
from tmcconsole.sync.assignment.duties import acting_for
from tmcconsole.sync.deletion.delete_gate import DELETION_HELD, DELETIONS_HELD, is_let_go
from tmcconsole.sync.names.markers import ALLOW_DELETES
from tmcconsole.sync.names.times import rfc3339
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.up.events import own_event

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
CONDITION: Final = "syncer.kcp.io/DeletionsHeld-"  # and the SyncTarget's name
GROUPS_TOLD: Final = 4  # groups of held deletions named in the history
EVENTS_TOLD: Final = 25  # objects that get an event each time the brake trips


@dataclass(slots=True)
class HeldDeletions:
    """Follows the brakes of all targets that this engine writes to."""

    session: HubSession
    supervisors: Mapping[str, Supervisor]
    _told: dict[str, frozenset[str]] = field(default_factory=dict)  # namespaces, by target name
    _listed: dict[str, frozenset[Item]] = field(default_factory=dict)  # named in the history's line
    _said: dict[str, tuple[float, set[Item]]] = field(default_factory=dict)  # events, by trip

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self.session.probe.wait_up()
            for supervisor in self.supervisors.values():
                if supervisor.target is not None and supervisor.registration.is_ours:
                    with acting_for(supervisor.target.key):
                        await self._look(supervisor.target)
            await self.session.context.runtime.sleep(LOOK_S)

    async def _look(self, target: Target) -> None:
        if not self.session.shared.hub.namespaces.synced:
            return
        before = self._told.get(target.name)
        if before is None:  # a condition may be left from an earlier process
            before = frozenset(self._marked(target.name))
        held = _held(target)
        self._retell(target, frozenset(item for items in held.values() for item in items))
        held.pop("", None)  # objects without a namespace have none to carry the condition
        for namespace in sorted(before | held.keys()):
            await self._tell(target, namespace, held.get(namespace, []))
        self._told[target.name] = frozenset(held)

    def _retell(self, target: Target, items: frozenset[Item]) -> None:
        shared = self.session.shared
        before = self._listed.get(target.name, frozenset[Item]())  # none: a start knows no more
        if not target.brake.tripped:
            self._listed.pop(target.name, None)
        if not target.brake.tripped or before == items:
            return
        self._listed[target.name] = items
        told = held_text(target.brake.tripped, [_cause(shared, one) for one in items])
        shared.history.retell(DELETIONS_HELD, target.name, told)

    def _marked(self, name: str) -> Iterator[str]:
        for cached in self.session.shared.hub.namespaces.objects():
            if condition_of(cached.decode(), f"{CONDITION}{name}") is not None:
                yield cached.name

    async def _tell(self, target: Target, namespace: str, items: list[Item]) -> None:
        shared = self.session.shared
        cached = shared.hub.namespaces.get(ObjectKey("", namespace))
        if is_let_go(shared, namespace):
            for item in items:
                target.queue.add(*item)
        if cached is None:
            return
        try:
            await self._write_condition(target, cached, len(items))
            await self._write_events(target, items)
        except KubeError as error:  # the next check compares again
            log.info("what is held in %s could not be told there: %s", namespace, error)

    async def _write_condition(self, target: Target, cached: CachedObject, count: int) -> None:
        patch = condition_patch(cached.decode(), target, count)
        namespaces = self.session.shared.hub.namespaces
        if patch is not None:
            writer = self.session.shared.hub.writer
            await writer.merge_patch(
                NAMESPACES, cached.key, patch, into=namespaces, subresource="status"
            )

    async def _write_events(self, target: Target, items: list[Item]) -> None:
        """Write an event about each of the first objects, once per trip of the brake."""
        tripped_at = target.brake.tripped_at
        at, said = self._said.get(target.name, (0.0, set[Item]()))
        if at != tripped_at:
            said = set()
            self._said[target.name] = tripped_at, said
        for item in sorted(items):
            source = self.session.shared.hub.cached(*item)
            if len(said) >= EVENTS_TOLD or item in said or source is None:
                continue
            said.add(item)
            message = _message(target, item.key.namespace, 1)
            wall = rfc3339(self.session.context.runtime.wall())
            tree = own_event(target.name, DELETION_HELD, message, source.decode(), wall)
            await self.session.shared.hub.writer.apply(EVENTS, tree, into=None, force=True)


def _held(target: Target) -> dict[str, list[Item]]:
    """Return what a tripped brake holds on a target, by the hub's namespace."""
    found: dict[str, list[Item]] = defaultdict(list)
    for kind, key, entry in target.ledger.entries() if target.brake.tripped else ():
        if entry.standing.reason == DELETION_HELD:
            found[key.namespace].append(Item(kind, key))
    return found


def _cause(shared: SyncContext, item: Item) -> str:
    """Return what a held object is and why it should go, from the hub."""
    kind, key = item.lane, item.key
    source = shared.hub.cached(*item)
    namespace = shared.hub.namespaces.get(ObjectKey("", key.namespace)) if key.namespace else None
    if key.namespace and (namespace is None or namespace.deleting):
        why = "whose namespace is deleted in the hub"
    elif source is None or source.deleting:
        why = "deleted in the hub"
    else:
        why = "not placed here any more"
    where = f" in {key.namespace}" if key.namespace else ""
    return f"{kind}{where}, {why}"


def held_text(tripped: str, causes: Iterable[str]) -> str:
    """Return the largest groups of held deletions: how many, of what, and why."""
    groups = sorted(Counter(causes).items(), key=lambda one: (-one[1], one[0]))
    total = sum(number for _, number in groups)
    if not total:
        return f"{tripped}; none waits now, and the next one is held until they are allowed"
    told = [f"{number} {what}" for what, number in groups[:GROUPS_TOLD]]
    rest = sum(number for _, number in groups[GROUPS_TOLD:])
    more = [f"{rest} more"] if rest else []
    said = "; ".join([*told, *more])
    return f"{tripped}; {total} held: {said}. The API server does not say who ordered it"


def condition_patch(tree: Json, target: Target, count: int) -> Json | None:
    """Return the patch of a namespace's status, or None if it already says so."""
    type_ = f"{CONDITION}{target.name}"
    old = condition_of(tree, type_)
    new = None
    if count:
        new = {
            "type": type_,
            "status": "True",
            "reason": "BrakeTripped",
            "message": _message(target, str(tree["metadata"]["name"]), count),
            "lastTransitionTime": (old or {}).get("lastTransitionTime")
            or rfc3339(target.brake.tripped_at),
        }
    if new == old:
        return None
    before = (tree.get("status") or {}).get("conditions") or ()
    others = [one for one in before if one is not None and one.get("type") != type_]
    fence = {"resourceVersion": tree["metadata"]["resourceVersion"]}
    return {"metadata": fence, "status": {"conditions": [*others, new] if new else others}}


def _message(target: Target, namespace: str, count: int) -> str:
    what = "the deletion" if count == 1 else f"{count} deletions"
    return (
        f"{what} on {target.name} {'waits' if count == 1 else 'wait'}: {target.brake.tripped}. "
        f"If that is meant, let this namespace's go until a time of your choice: kubectl annotate "
        f"namespace {namespace} --overwrite {ALLOW_DELETES}=YYYY-MM-DDTHH:MM:SSZ"
    )
