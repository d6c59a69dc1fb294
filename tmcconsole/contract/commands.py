"""What a front end may ask of the engine, and the engine's replies.

A command's effect is seen only through ``EngineLink.changes``; a reply says whether the command was
accepted or why not, or carries the answer to a question.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tmcconsole.contract.text import SafeBody, SafeText


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all commands. ``actor`` goes to the audit log and the history."""

    actor: str = ""


class Query(Command, frozen=True):
    """Asks, and changes nothing. Read-only consoles and engines answer it."""


class Order(Command, frozen=True):
    """Changes something. Read-only consoles and engines refuse it."""


class PauseTarget(Order, frozen=True):
    """Stop writes to a target until it is resumed, or until ``until`` (Unix seconds)."""

    target: str
    until: float = 0.0
    why: str = ""


class ResumeTarget(Order, frozen=True):
    """Undo ``PauseTarget``."""

    target: str


class CordonTarget(Order, frozen=True):
    """Place nothing new on a target; existing copies stay."""

    target: str


class UncordonTarget(Order, frozen=True):
    """Undo ``CordonTarget`` and ``DrainTarget``."""

    target: str


class PlanDrain(Query, frozen=True):
    """Ask what a drain would do; answered with a ``DrainPlan``."""

    target: str


class DrainTarget(Order, frozen=True):
    """Cordon a target and move everything off it. ``confirm`` must equal the target's name.

    With ``force`` what no other target can take is removed, too. Then ``confirm`` must be the name
    and what is lost by that, as in ``east loses 3``: the number is the plan's ``stranded``.
    """

    target: str
    confirm: str
    force: bool = False


class PlanForget(Query, frozen=True):
    """Ask what forgetting a cluster would release; answered with a ``ForgetPlan``."""

    target: str  # a SyncTarget's name, or the key of a deleted one


class ForgetTarget(Order, frozen=True):
    """Release hub objects from a cluster that is gone for good; answered with a ``ForgetPlan``.

    Nothing is sent to the cluster. ``confirm`` must equal ``target``.
    """

    target: str
    confirm: str


class Resync(Order, frozen=True):
    """Reconcile again, whatever the caches hold.

    Empty fields widen the scope: no ``target`` means all targets, no ``key`` every object.
    ``relist`` also drops the caches and lists again.
    """

    target: str = ""
    key: str = ""  # an ObjectRecord's key
    relist: bool = False


class AllowDeletes(Order, frozen=True):
    """Release the deletions that the mass-delete brake holds on a target."""

    target: str


class Why(Query, frozen=True):
    """Ask why an object is in its state; answered with a ``Text``."""

    key: str  # an ObjectRecord's key


class ShowObject(Query, frozen=True):
    """Ask for an object as YAML, secrets redacted; answered with a ``Text``.

    An empty ``target`` means the hub's object.
    """

    key: str
    target: str = ""


class ShowCopy(Query, frozen=True):
    """Ask a target about one copy now: its first cause, conditions, pods and newest events;
    answered with a ``Text``.
    """

    key: str
    target: str


class ShowCause(Query, frozen=True):
    """Ask a target why one copy is not well; answered with a ``CopyCause``."""

    key: str  # an ObjectRecord's key
    target: str


class ShowDiff(Query, frozen=True):
    """Ask for the diff between an object's desired state and its copy; answered with a ``Text``."""

    key: str
    target: str


class ShowQueue(Query, frozen=True):
    """Ask for the keys in one queue; answered with ``QueueItems``."""

    target: str
    kind: str  # a QueueRecord's kind


class ListDeadLetters(Query, frozen=True):
    """Ask for the dead letters; answered with ``DeadLetters``."""

    target: str = ""  # "" = the hub and all targets


class RetryDeadLetters(Order, frozen=True):
    """Retry dead letters now. Empty fields widen the scope; ``target`` may be ``hub``."""

    target: str = ""
    key: str = ""  # an ObjectRecord's key


class ShowDrift(Query, frozen=True):
    """Ask what others changed on an object's copies; answered with a ``DriftReport``.

    An empty ``target`` means all targets.
    """

    key: str  # an ObjectRecord's key
    target: str = ""


class AdoptDrift(Order, frozen=True):
    """Write a target's value of a spec or data field to the hub, which syncs it to all targets.

    ``field`` is a path or a JSON pointer of a ``DriftField``; empty means every field that differs,
    which is refused for a Secret. Labels, annotations and status are never adopted.
    """

    key: str
    target: str
    field: str = ""


class RevertDrift(Order, frozen=True):
    """Overwrite fields of a copy once, whatever the conflict policy; this also ends a truce."""

    key: str
    target: str
    field: str = ""  # as in ``AdoptDrift``; empty = every field that differs


class CedeField(Order, frozen=True):
    """Stop managing a field of an object on all targets; recorded on the hub object."""

    key: str
    field: str  # as in ``AdoptDrift``


class SimFault(Order, frozen=True):
    """Switch a fault of a simulated cluster; only the demo's link supports it."""

    target: str
    fault: str
    on: bool = True


AnyQuery = (
    PlanDrain
    | PlanForget
    | Why
    | ShowObject
    | ShowCopy
    | ShowCause
    | ShowDiff
    | ShowQueue
    | ListDeadLetters
    | ShowDrift
)
AnyOrder = (
    PauseTarget
    | ResumeTarget
    | CordonTarget
    | UncordonTarget
    | DrainTarget
    | ForgetTarget
    | Resync
    | AllowDeletes
    | RetryDeadLetters
    | AdoptDrift
    | RevertDrift
    | CedeField
    | SimFault
)
AnyCommand = AnyQuery | AnyOrder


class Reply(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all replies."""


class Accepted(Reply, frozen=True):
    """The command will be carried out; watch the records."""

    message: SafeText = SafeText()


class Refused(Reply, frozen=True):
    """The command will not be carried out. ``reason`` names the cause, ``fix`` what would help."""

    reason: SafeText
    fix: SafeText = SafeText()


class Text(Reply, frozen=True):
    """A text to read, possibly of many lines."""

    title: SafeText
    body: SafeBody


class CopyCause(Reply, frozen=True):
    """The first cause of a copy that is not well, in its cluster's words; "" where none is told."""

    cause: SafeText
    remedy: SafeText = SafeText()  # what helps; "" if no general remedy does


class Fate(StrEnum):
    """What a drain does to one object on the target."""

    REMOVED = "Removed"  # it is live elsewhere, and is taken away here
    MOVES = "Moves"  # it stays until it is as healthy elsewhere
    STAYS = "Stays"  # no other target can take it
    ABSENT = "Absent"  # no copy of ours is there


class Move(msgspec.Struct, frozen=True, gc=False):
    """What a drain does to one object. ``to`` are the targets that have it afterwards."""

    key: str
    to: tuple[SafeText, ...]
    reason: SafeText = SafeText()
    fate: Fate = Fate.MOVES
    left: int = 0  # other targets where it is live now


class DrainPlan(Reply, frozen=True):
    """What a drain would do."""

    target: SafeText
    moves: tuple[Move, ...]
    stranded: int  # objects that no other target can take


class KindCount(msgspec.Struct, frozen=True, gc=False):
    """How many objects of a kind."""

    kind: SafeText
    count: int


class ForgetPlan(Reply, frozen=True):
    """What forgetting releases, or has released: hub objects by kind."""

    target: SafeText
    target_key: str
    kinds: tuple[KindCount, ...]
    refusal: SafeText = SafeText()  # why it would be refused


class QueueItem(msgspec.Struct, frozen=True, gc=False):
    """One key in a queue."""

    key: SafeText
    state: str  # ready | in-flight | delayed
    attempts: int
    due_at: float
    error: SafeText = SafeText()


class QueueItems(Reply, frozen=True):
    """The keys in one queue, oldest first, at most 1000."""

    items: tuple[QueueItem, ...]


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A key that was refused or failed too often. It is still retried, but rarely."""

    target: SafeText  # or hub
    key: SafeText  # an ObjectRecord's key
    cause: SafeText
    attempts: int  # consecutive failures
    since: float  # Unix seconds of the first failure
    due_at: float  # of the next attempt; 0 = one is in progress


class DeadLetters(Reply, frozen=True):
    """All dead letters, at most 1000, by target and key; ``total`` counts the rest too."""

    items: tuple[DeadLetter, ...]
    total: int


class DriftField(msgspec.Struct, frozen=True, gc=False):
    """One field of a copy that somebody else changed. Values are redacted, times are Unix
    seconds.
    """

    target: SafeText
    path: SafeText  # for people: spec.template.spec.containers[name=web].image
    pointer: SafeText  # for commands and the annotation: /spec/replicas
    wanted: SafeText
    actual: SafeText
    manager: SafeText
    outcome: str  # Reverted | Ceded | Asked | Reported | Fight | Adopted | Ended: no longer differs
    count: int  # changes seen
    first_seen: float
    last_seen: float


class DriftReport(Reply, frozen=True):
    """What others changed on an object's copies since the start, the most recent last."""

    key: SafeText
    policy: SafeText  # who wins, and which setting says so
    fields: tuple[DriftField, ...]  # at most 32 per target


AnyReply = (
    Accepted
    | Refused
    | Text
    | CopyCause
    | DrainPlan
    | ForgetPlan
    | QueueItems
    | DeadLetters
    | DriftReport
)
