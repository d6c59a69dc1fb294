"""What a drain would do, decided as if the target were already evicting. Pure."""

from __future__ import annotations

from dataclasses import replace

from tmcconsole.contract.commands import Move
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.objects import ObjectKey, labels_of
from tmcconsole.placement.api import SyncTarget, read_location
from tmcconsole.placement.decided import Decided
from tmcconsole.placement.select import decide


def plan_moves(session: HubSession, supervisor: Supervisor) -> tuple[Move, ...]:
    """Return where each object of a target would be afterwards, sorted by key."""
    if supervisor.target is None:
        return ()
    after = _decided_without(session, supervisor.name)
    homes: dict[str, tuple[SafeText, ...]] = {}
    moves = []
    for kind, key, _ in supervisor.target.ledger.entries():
        if key.namespace not in homes:
            homes[key.namespace] = _homes(session, after, key.namespace)
        to = homes[key.namespace]
        reason = SafeText() if to else SafeText("no other target can take its namespace")
        moves.append(Move(f"{kind}/{key}", to, reason))
    return tuple(sorted(moves, key=lambda move: move.key))


def _decided_without(session: HubSession, name: str) -> list[Decided]:
    wall = session.context.runtime.wall()
    targets = [_evicting(t, wall) if t.name == name else t for t in session.scheduler.targets()]
    locations = [read_location(entry.decode()) for entry in session.sources.locations.objects()]
    return [
        Decided(one.placement, decide(one.placement, locations, targets, wall))
        for one in session.scheduler.decisions.decided.values()
    ]


def _evicting(target: SyncTarget, wall: float) -> SyncTarget:
    return replace(target, unschedulable=True, evict_after=wall)


def _homes(session: HubSession, after: list[Decided], namespace: str) -> tuple[SafeText, ...]:
    found = session.shared.hub.namespaces.get(ObjectKey("", namespace))
    labels = labels_of(found.decode()) if found else {}
    names = {
        choice.target.name
        for one in after
        if one.selects(labels)
        for choice in one.decision.choices
    }
    return tuple(SafeText(name) for name in sorted(names))
