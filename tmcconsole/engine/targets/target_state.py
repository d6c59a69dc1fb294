"""The state of one target in this engine, for its record and the history."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.contract.records import TargetState
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.targets.registration import Registration
from tmcconsole.sync.state.target import Contact
from tmcconsole.tmc.errors import ErrorType, Failure, failure
from tmcconsole.tmc.history.history import CONTACT

log = logging.getLogger(__name__)

_CONNECTED: Final = (TargetState.SYNCING, TargetState.STANDBY)
_TYPES: Final = {
    TargetState.UNREACHABLE: ErrorType.CLUSTER_UNREACHABLE,
    TargetState.UNAUTHORIZED: ErrorType.CLUSTER_AUTHENTICATION,
    TargetState.REFUSED: ErrorType.CONFIGURATION_ERROR,
}


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

    def enter(
        self, state: TargetState, reason: str, message: str, error: Failure | None = None
    ) -> None:
        """Set the state, and count an ``error`` that led to it.

        ``since`` is kept while state and reason stay the same, and over a restart as far as the
        history has it.
        """
        session, was_connected = self.registration.session, self.is_connected
        context, is_first = session.context, not self.since
        is_new = (state, reason) != (self.state, self.reason)
        if is_new:
            self.since = context.runtime.wall()
            log.debug("target %s: %s %s", self.registration.name, state.value, reason)
        if state in _TYPES and (is_new or error is not None):
            began = self._record_trouble(state, reason, message, error)
            self.since = began if is_first else self.since
        elif is_new:
            self._record_contact(state, reason, message)
        if state in _CONNECTED:
            self.next_try_at = 0.0
        self.state, self.reason, self.message = state, reason, SafeText(message)
        if self.is_connected and not was_connected:
            session.shared.stays.wake_all()
        context.changed()

    def _record_trouble(
        self, state: TargetState, reason: str, message: str, error: Failure | None
    ) -> float:
        """Record that the target is not served; return since when (Unix seconds)."""
        context, name = self.registration.session.context, self.registration.name
        found = error or failure(_TYPES[state], message or reason, reason=reason)
        wall = context.runtime.wall()
        record = context.history.record_error(
            found, target=name, subject="", at=wall, trouble=CONTACT
        )
        return context.history.began(record, "")

    def _record_contact(self, state: TargetState, reason: str, message: str) -> None:
        """Record a state that is no trouble; what ends one is told with it."""
        context, name = self.registration.session.context, self.registration.name
        history, wall = context.history, context.runtime.wall()
        if state in _CONNECTED and history.is_failing(name, ""):
            history.record_recovery(name, "", wall)
            return
        history.record("lifecycle", state.value, at=wall, target=name, message=message or reason)
