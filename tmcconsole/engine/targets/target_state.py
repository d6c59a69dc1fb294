"""The state of one target in this engine, for its record and the history."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.contract.records import TargetState
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.targets.registration import Registration
from tmcconsole.sync.state.target import Contact

log = logging.getLogger(__name__)

_CONNECTED: Final = (TargetState.SYNCING, TargetState.STANDBY)


@dataclass(slots=True)
class TargetStanding(Contact):
    """Owns a target's state and its transitions. The fields are read for the target's record."""

    registration: Registration
    state: TargetState = TargetState.CONNECTING
    reason: str = ""
    message: SafeText = field(default_factory=SafeText)
    since: float = 0.0
    next_try_at: float = 0.0

    @property
    def is_connected(self) -> bool:
        """True while the cluster responds, whether we write there or not."""
        return self.state in _CONNECTED

    def enter_work(self) -> None:
        """Set what we do with a cluster that responds."""
        registration, leases = self.registration, self.registration.session.leases
        if leases is None or registration.is_ours:
            self.enter(TargetState.SYNCING, "", "")
        elif leases.problem is not None:
            self.enter(TargetState.REFUSED, leases.problem.reason, str(leases.problem))
        elif registration.holder not in ("", leases.me):
            self.enter(TargetState.STANDBY, "HeldByAnother", f"{registration.holder} syncs it")
        else:
            told = "our Lease in the hub is not renewed: nothing is written until it is"
            self.enter(TargetState.STANDBY, "AwaitingLease", told)

    def enter(self, state: TargetState, reason: str, message: str) -> None:
        """Set the state; ``since`` is kept while state and reason stay the same."""
        context = self.registration.session.context
        if (state, reason) != (self.state, self.reason):
            self.since = context.runtime.wall()
            log.debug("target %s: %s %s", self.registration.name, state.value, reason)
            self._chronicle(state, reason, message)
        if state in _CONNECTED:
            self.next_try_at = 0.0
        self.state, self.reason, self.message = state, reason, SafeText(message)
        context.changed()

    def _chronicle(self, state: TargetState, reason: str, message: str) -> None:
        context, name = self.registration.session.context, self.registration.name
        wall = context.runtime.wall()
        if state in _CONNECTED:
            context.history.record_recovery(name, "", wall)
        context.history.record(
            "lifecycle", state.value, at=wall, target=name, message=message or reason
        )
