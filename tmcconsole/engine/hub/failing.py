"""From a failed reconcile to a standing, a record and a time to retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.connection.connect import SetupError
from tmcconsole.engine.connection.rights import Rights
from tmcconsole.engine.replicas.fence import NotHolder
from tmcconsole.kube.errors import Conflict, Forbidden, KubeError
from tmcconsole.runtime import Runtime
from tmcconsole.sync.down.ensure_namespace import NamespaceLeaving
from tmcconsole.sync.policy import NotPermitted
from tmcconsole.sync.policy.service_accounts import AccountGone
from tmcconsole.sync.queue.controller import Again, Outcomes
from tmcconsole.sync.queue.workqueue import Item, WorkQueue
from tmcconsole.sync.state.ledger import Ledger, RefusedAttempt
from tmcconsole.sync.state.live_reads import KindAway
from tmcconsole.sync.state.namespace_names import NamespaceClash
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.classify import CLUSTER_WIDE, Side, classify
from tmcconsole.tmc.errors import ErrorType, Failure, Pace, Severity, failure
from tmcconsole.tmc.health.attempts import Attempts
from tmcconsole.tmc.history.history import CONTACT, History
from tmcconsole.tmc.retry_pacing import delay

# This many lost races in a row are nobody's failure: the event of the other write, or the next
# retry, resolves them. Beyond that, a person should know.
QUIET_CONFLICTS: Final = 3
DEAD_AFTER: Final = 10  # consecutive failures; at the normal pace that is about a minute
STANDBY_S: Final = 1.0

# Errors about the way to an API server rather than about the object of the request.
_CONTACT: Final = CLUSTER_WIDE | {ErrorType.SYNC_TIMEOUT}

# Errors of our own, which no API server sent.
_OWN: Final[dict[type[KubeError], tuple[ErrorType, Pace]]] = {
    NamespaceClash: (ErrorType.RESOURCE_CONFLICT, Pace.REFUSED),
    NamespaceLeaving: (ErrorType.RESOURCE_CONFLICT, Pace.NORMAL),
    KindAway: (ErrorType.RESOURCE_NOT_FOUND, Pace.SLOW),
    AccountGone: (ErrorType.RESOURCE_PERMISSION, Pace.SLOW),
    NotPermitted: (ErrorType.PLACEMENT_POLICY, Pace.REFUSED),
}


@dataclass(frozen=True, slots=True)
class ErrorReporter(Outcomes):
    """What the workers of one queue call when a reconcile fails, or succeeds again."""

    runtime: Runtime
    history: History
    side: Side
    name: str  # the target's, or "hub"
    ledger: Ledger | None  # a target's; the hub has none
    rights: Rights  # reviewed again if something is forbidden
    serves: Callable[[str], bool] = lambda _lane: True  # whether the kind of a lane is synced
    attempts: Attempts = field(default_factory=Attempts)
    # Targets whose copies wait for what this queue writes to the hub, by key.
    unmarked: Mapping[str, Target] = field(default_factory=dict)

    def on_error(self, item: Item, error: Exception, attempts: int) -> Again:
        """Record the error; return when to retry, and whether it is a dead letter."""
        if isinstance(error, NotHolder):
            return Again(STANDBY_S)  # nothing failed: another does it, or it is looked at anew
        found = understand(error, self.side)
        if isinstance(error, Conflict) and attempts <= QUIET_CONFLICTS:
            return Again(delay(found, attempts, self.runtime.rng))
        if isinstance(error, Forbidden):
            self.rights.doubt(item.lane)
        self.attempts.failed(item, found, self.runtime.now())
        wall, subject = self.runtime.wall(), f"{item.lane}/{item.key}"
        trouble = CONTACT if found.type in _CONTACT else ""
        record = self.history.record_error(
            found, target=self.name, subject=subject, at=wall, trouble=trouble
        )
        began = self.history.began(record, subject)
        is_refused = found.pace is Pace.REFUSED
        again = Again(
            delay(found, attempts, self.runtime.rng), is_refused or attempts >= DEAD_AFTER
        )
        entry = self.ledger.get(*item) if self.ledger is not None else None
        if found.type not in _CONTACT:
            self._tell_unmarked(item, found, began)
        if self.ledger is not None and entry is not None:
            state = SyncState.REFUSED if is_refused else SyncState.FAILED
            message = message_of(found)
            self.ledger.stand(*item, state, began, reason=found.reason, message=message)
            if is_refused and entry.tried is not None:
                until = self.runtime.now() + again.after_s
                entry.refused = RefusedAttempt(entry.tried, until, found.reason, message)
            entry.tried = None
        return again

    def _tell_unmarked(self, item: Item, found: Failure, began: float) -> None:
        """Make copies that wait for marks in the hub say why there are none."""
        state = SyncState.REFUSED if found.pace is Pace.REFUSED else SyncState.FAILED
        message = f"it cannot be marked in the hub: {message_of(found)}"
        for target in self.unmarked.values():
            entry = target.ledger.get(*item)
            if entry is not None and entry.standing.state in (SyncState.PENDING, state):
                target.ledger.stand(*item, state, began, reason=found.reason, message=message)

    def on_success(self, item: Item) -> None:
        """Note that an item that had failed is well now, or gone.

        A look that found nothing to do, since somebody holds the object back, is no recovery.
        """
        self.attempts.answered(item, self.runtime.now())
        if self._is_well(item):
            self.history.record_recovery(self.name, f"{item.lane}/{item.key}", self.runtime.wall())

    def _is_well(self, item: Item) -> bool:
        entry = self.ledger.get(*item) if self.ledger is not None else None
        if entry is None:
            return self.serves(item.lane)
        standing = entry.standing
        return standing.state is SyncState.IN_SYNC or standing.reason == "Reported"


@dataclass(frozen=True, slots=True)
class HubOutcomes(Outcomes):
    """What one of the hub's two queues calls: both work on the same objects.

    An error is over once each has looked at the object since, and found nothing wrong.
    """

    reporter: ErrorReporter
    other: WorkQueue  # of the two, the one that is not ours
    # Items that had an error, and the queue that has succeeded since, by the other's id. Shared.
    well: dict[Item, int]
    unmerged: Mapping[Item, SafeText]  # statuses that cannot be merged, which stops nothing else

    def on_error(self, item: Item, error: Exception, attempts: int) -> Again:
        """See ``Outcomes``."""
        self.well.pop(item, None)
        return self.reporter.on_error(item, error, attempts)

    def on_success(self, item: Item) -> None:
        """See ``Outcomes``."""
        if not self.reporter.history.is_failing(self.reporter.name, f"{item.lane}/{item.key}"):
            self.well.pop(item, None)
        elif self.well.setdefault(item, id(self.other)) == id(self.other):
            self.other.add(*item)
        elif item not in self.unmerged:
            del self.well[item]
            self.reporter.on_success(item)


def understand(error: Exception, side: Side) -> Failure:
    """Return what an error means, including our own."""
    if isinstance(error, SetupError):
        return _setup(error)
    for kind, (type_, pace) in _OWN.items():
        if isinstance(error, kind):
            return failure(type_, str(error), reason=str(error.reason), pace=pace)
    return classify(error, side=side)


def _setup(error: SetupError) -> Failure:
    """A person has to decide something; the message already says what would help."""
    found = failure(
        ErrorType.CONFIGURATION_ERROR, str(error), reason=error.reason, severity=Severity.HIGH
    )
    return replace(found, hint=SafeText())


def message_of(found: Failure) -> SafeText:
    """Return the message with its hint; messages about credentials already include one."""
    if found.reason in ("Credentials", "Kubeconfig"):
        return found.message
    if not found.hint:
        return found.message
    stop = "" if found.message.endswith((".", "!", "?")) else "."
    return SafeText(f"{found.message}{stop} {found.hint}".strip())
