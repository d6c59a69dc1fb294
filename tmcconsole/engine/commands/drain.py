"""What a drain would do, decided as if the target were already evicting. Pure."""

from __future__ import annotations

from dataclasses import replace

from tmcconsole.contract.commands import DrainPlan, Fate, Move
from tmcconsole.contract.text import SafeText
from tmcconsole.contract.words import words
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.objects import ObjectKey, labels_of
from tmcconsole.placement.api import SyncTarget, read_location
from tmcconsole.placement.decided import Decided
from tmcconsole.placement.select import decide
from tmcconsole.sync.assignment.plan import Expected
from tmcconsole.sync.leaving.departures import departure_of, place_of
from tmcconsole.sync.leaving.may_leave import NO_REPLACEMENT, judge
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE, LedgerEntry
from tmcconsole.sync.state.target import Target


def plan_drain(session: HubSession, supervisor: Supervisor) -> DrainPlan:
    """Return what becomes of each object of a target, and how many stop the drain."""
    moves = plan_moves(session, supervisor)
    stranded = sum(1 for move in moves if move.fate is Fate.STAYS)
    return DrainPlan(target=SafeText(supervisor.name), moves=moves, stranded=stranded)


def plan_moves(session: HubSession, supervisor: Supervisor) -> tuple[Move, ...]:
    """Return what becomes of each object of a target, sorted by key."""
    target = supervisor.target
    if target is None:
        return ()
    after = _decided_without(session, supervisor.name)
    homes: dict[str, dict[str, str]] = {}
    moves = []
    for kind, key, entry in target.ledger.entries():
        if kind.startswith(LANE):
            continue  # the target's own
        if key.namespace not in homes:
            homes[key.namespace] = _homes(session, after, key.namespace)
        moves.append(_move(session, target, Item(kind, key), entry, homes[key.namespace]))
    return tuple(sorted(moves, key=lambda move: move.key))


def _move(
    session: HubSession, target: Target, item: Item, entry: LedgerEntry, homes: dict[str, str]
) -> Move:
    """Return what becomes of one object; ``homes`` are names by key of the targets to have it."""
    name, source = f"{item.lane}/{item.key}", session.shared.hub.cached(*item)
    tree = source.decode() if source is not None else None
    if tree is None or not place_of(session.shared, item, tree, target.key).is_there:
        told = SafeText(
            f"no copy of ours is there: {words(entry.standing.reason) or 'not made yet'}"
        )
        return Move(name, (), told, Fate.ABSENT)
    expected = Expected(frozenset(homes), by_namespace=True)
    departure = departure_of(session.shared, item, tree, expected, target.key)
    live = [one.target for one in departure.others if one.is_there and one.is_known]
    to, verdict = tuple(SafeText(homes[key]) for key in sorted(homes)), judge(departure)
    if verdict.may_leave:
        return Move(name, to, SafeText(verdict.message), fate=Fate.REMOVED, left=len(live))
    if not homes:
        reason = SafeText("no other target can take it")
        return Move(name, (), reason, fate=Fate.STAYS, left=len(live))
    fate = Fate.STAYS if verdict.reason == NO_REPLACEMENT else Fate.MOVES
    return Move(name, to, SafeText(verdict.message), fate=fate, left=len(live))


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


def _homes(session: HubSession, after: list[Decided], namespace: str) -> dict[str, str]:
    """Return {key: name} of the targets that could take a namespace: they are ready, and answer."""
    found = session.shared.hub.namespaces.get(ObjectKey("", namespace)) if namespace else None
    labels = labels_of(found.decode()) if found else {}
    chosen = [
        choice.target
        for one in after
        if found and one.selects(labels)
        for choice in one.decision.choices
    ]
    known = session.shared.targets
    return {
        one.key: one.name
        for one in chosen
        if one.ready and (one.key not in known or known[one.key].contact.is_connected)
    }
