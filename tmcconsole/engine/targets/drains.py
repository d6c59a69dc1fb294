"""Records in the history that a drain is over: its last copy left, or it was called off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.contract.durations import lasting
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE
from tmcconsole.sync.state.target import Target

LOOK_S: Final = 1.0
NAMED: Final = 3  # of the copies that left; the others are only counted
DRAINED: Final = "DrainFinished"
CALLED_OFF: Final = "DrainCancelled"


@dataclass(slots=True)
class _Drain:
    """A drain in progress, as seen since the start of this process."""

    since: float  # Unix seconds: ``spec.evictAfter``, so that it outlives a restart
    copies: frozenset[Item] = frozenset()  # still there at the last check
    left: set[Item] = field(default_factory=set)
    is_over: bool = False


@dataclass(slots=True)
class Drains:
    """Follows the drains of all targets that this engine writes to."""

    session: HubSession
    supervisors: Mapping[str, Supervisor]
    _known: dict[str, _Drain] = field(default_factory=dict)  # by target name
    # What each target had at the last check, by its name, with the ledger's version then.
    _had: dict[str, tuple[int, frozenset[Item]]] = field(default_factory=dict)

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self.session.probe.wait_up()
            for supervisor in self.supervisors.values():
                self._look(supervisor)
            await self.session.context.runtime.sleep(LOOK_S)

    def _look(self, supervisor: Supervisor) -> None:
        found, target = supervisor.registration.found(), supervisor.target
        wall, name = self.session.context.runtime.wall(), supervisor.name
        if found is None or not supervisor.registration.is_ours:
            self._known.pop(name, None)
        elif not found.is_evicting(wall):
            self._called_off(name)
            if target is not None:
                self._note_copies(target)
        elif target is not None and self._is_known(supervisor):
            self._follow(target, found.evict_after)

    def _note_copies(self, target: Target) -> frozenset[Item]:
        """Return what is there, read again only if something has changed."""
        version, copies = self._had.get(target.name, (-1, frozenset()))
        if version != target.ledger.version:
            copies = frozenset(_copies(target))
            self._had[target.name] = target.ledger.version, copies
        return copies

    def _is_known(self, supervisor: Supervisor) -> bool:
        """True from when an empty ledger means that nothing is there."""
        target = supervisor.target
        hub = self.session.shared.hub
        listed = all(watched.informer.synced for watched in hub.kinds.values())
        is_idle = target is not None and not len(target.queue)
        decided = self.session.shared.placements.has_decided
        return supervisor.is_ready and hub.namespaces.synced and listed and decided and is_idle

    def _follow(self, target: Target, since: float) -> None:
        name, drain = target.name, self._known.get(target.name)
        had, copies = self._had.get(name, (0, frozenset()))[1], self._note_copies(target)
        if drain is None or drain.since != since:
            drain = self._known[name] = _Drain(since, is_over=self._is_told(name, since))
        drain.left |= had - copies
        drain.copies = copies
        if not copies and not drain.is_over:
            drain.is_over = True
            took = lasting(self.session.context.runtime.wall() - since)
            self._record(DRAINED, name, f"no copy is left there after {took}; {_told(drain)}")

    def _called_off(self, name: str) -> None:
        drain = self._known.pop(name, None)
        if drain is not None and not drain.is_over:
            count = len(drain.copies)
            rest = f"{count} {'copy' if count == 1 else 'copies'} had not left; {_told(drain)}"
            self._record(CALLED_OFF, name, rest)

    def _is_told(self, name: str, since: float) -> bool:
        records = self.session.context.history.records()
        return any(
            one.event == DRAINED and one.target == name and one.at >= since for one in records
        )

    def _record(self, event: str, name: str, message: str) -> None:
        context = self.session.context
        context.history.record(
            "placement", event, at=context.runtime.wall(), target=name, message=message
        )


def _copies(target: Target) -> Iterator[Item]:
    entries = target.ledger.entries()
    return (Item(kind, key) for kind, key, _ in entries if not kind.startswith(LANE))


def _told(drain: _Drain) -> str:
    names = sorted(f"{item.lane}/{item.key}" for item in drain.left)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"seen to leave: {', '.join(names[:NAMED])}{more}" if names else "none was seen to leave"
