"""What a front end may ask of the engine, and how it answers.

A command's effect is seen only through ``EngineLink.changes``; a reply says whether it was
accepted, or why not, or carries the answer to a question.
"""

from __future__ import annotations

import msgspec

from tmcconsole.contract.text import SafeText


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all commands. ``actor`` goes to the audit log and the history."""

    actor: str = ""


class PauseTarget(Command, frozen=True):
    """Take no writes to a target until resumed, or until ``until`` (Unix seconds)."""

    target: str
    until: float = 0.0
    why: str = ""


class ResumeTarget(Command, frozen=True):
    """Undo ``PauseTarget``."""

    target: str


class CordonTarget(Command, frozen=True):
    """Place nothing new on a target; what is there stays."""

    target: str


class UncordonTarget(Command, frozen=True):
    """Undo ``CordonTarget`` and ``DrainTarget``."""

    target: str


class PlanDrain(Command, frozen=True):
    """Ask what a drain would do: answers a ``DrainPlan``."""

    target: str


class DrainTarget(Command, frozen=True):
    """Cordon a target and move everything off it. ``confirm`` must equal the target's name."""

    target: str
    confirm: str


class PlanForget(Command, frozen=True):
    """Ask what forgetting a cluster would release: answers a ``ForgetPlan``."""

    target: str  # a SyncTarget's name, or the key of one that is gone


class ForgetTarget(Command, frozen=True):
    """Release the hub's objects from a cluster that is gone for good: answers a ``ForgetPlan``.

    Nothing is sent to the cluster. ``confirm`` must equal ``target``.
    """

    target: str
    confirm: str


class Resync(Command, frozen=True):
    """Reconcile again, whatever the caches say.

    Empty fields widen the scope: no ``target`` = all of them; no ``key`` = every object.
    ``relist`` also drops the caches and lists anew.
    """

    target: str = ""
    key: str = ""  # an ObjectRecord's key
    relist: bool = False


class AllowDeletes(Command, frozen=True):
    """Release the deletions that the mass-delete brake holds on a target."""

    target: str


class Why(Command, frozen=True):
    """Ask why an object is as it is: answers a ``Text``."""

    key: str  # an ObjectRecord's key


class ShowObject(Command, frozen=True):
    """Ask for an object as YAML, secrets redacted: answers a ``Text``.

    ``target`` empty means the hub's.
    """

    key: str
    target: str = ""


class ShowDiff(Command, frozen=True):
    """Ask what the engine wants on a target against what is there: answers a ``Text``."""

    key: str
    target: str


class ShowQueue(Command, frozen=True):
    """Ask for the keys in one queue: answers ``QueueItems``."""

    target: str
    kind: str  # a QueueRecord's kind


class ListDeadLetters(Command, frozen=True):
    """Ask for what failed for good: answers ``DeadLetters``."""

    target: str = ""  # "" = the hub and all targets


class RetryDeadLetters(Command, frozen=True):
    """Try dead letters again now. Empty fields widen the scope; ``target`` may be ``hub``."""

    target: str = ""
    key: str = ""  # an ObjectRecord's key


class ShowDrift(Command, frozen=True):
    """Ask what others changed on an object's copies: answers a ``DriftReport``.

    ``target`` empty means all of them.
    """

    key: str  # an ObjectRecord's key
    target: str = ""


class AdoptDrift(Command, frozen=True):
    """Write what a target has of an object's spec or data to the hub, which sends it everywhere.

    ``field`` is a path or a JSON pointer of a ``DriftField``; empty means every field that
    differs, which for a Secret is refused. Labels, annotations and status are never adopted.
    """

    key: str
    target: str
    field: str = ""


class RevertDrift(Command, frozen=True):
    """Take fields of a copy back once, whatever the conflict policy; this also ends a truce."""

    key: str
    target: str
    field: str = ""  # as in ``AdoptDrift``; empty = every field that differs


class CedeField(Command, frozen=True):
    """Leave a field of an object to the clusters: noted on the hub object, for all targets."""

    key: str
    field: str  # as in ``AdoptDrift``


class SimFault(Command, frozen=True):
    """Switch a fault of a simulated cluster; only the demo's link knows it."""

    target: str
    fault: str
    on: bool = True


AnyCommand = (
    PauseTarget
    | ResumeTarget
    | CordonTarget
    | UncordonTarget
    | PlanDrain
    | DrainTarget
    | PlanForget
    | ForgetTarget
    | Resync
    | AllowDeletes
    | Why
    | ShowObject
    | ShowDiff
    | ShowQueue
    | ListDeadLetters
    | RetryDeadLetters
    | ShowDrift
    | AdoptDrift
    | RevertDrift
    | CedeField
    | SimFault
)


class Reply(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all replies."""


class Accepted(Reply, frozen=True):
    """It will be done; watch the records."""

    message: SafeText = SafeText()


class Refused(Reply, frozen=True):
    """It will not be done. ``reason`` names the thing, ``fix`` says what would help."""

    reason: SafeText
    fix: SafeText = SafeText()


class Text(Reply, frozen=True):
    """An answer to read, possibly of many lines."""

    title: SafeText
    body: SafeText


class Move(msgspec.Struct, frozen=True, gc=False):
    """What a drain does to one object. ``to`` empty: it has nowhere to go; see ``reason``."""

    key: str
    to: tuple[SafeText, ...]
    reason: SafeText = SafeText()


class DrainPlan(Reply, frozen=True):
    """What a drain would do, before anything is done."""

    target: SafeText
    moves: tuple[Move, ...]
    stranded: int  # objects with nowhere to go


class KindCount(msgspec.Struct, frozen=True, gc=False):
    """How many objects of a kind."""

    kind: SafeText
    count: int


class ForgetPlan(Reply, frozen=True):
    """What forgetting releases, or has released: hub objects by kind."""

    target: SafeText
    target_key: str
    kinds: tuple[KindCount, ...]
    refusal: SafeText = SafeText()  # why it would not be carried out


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
    """A key that was refused, or failed too often. It is still looked at, but rarely."""

    target: SafeText  # or hub
    key: SafeText  # an ObjectRecord's key
    cause: SafeText
    attempts: int  # in a row
    since: float  # Unix seconds: the first of them
    due_at: float  # of the next try; 0 = it is under way


class DeadLetters(Reply, frozen=True):
    """All dead letters, at most 1000, by target and key; ``total`` counts the rest too."""

    items: tuple[DeadLetter, ...]
    total: int


class DriftField(msgspec.Struct, frozen=True, gc=False):
    """One field of a copy that somebody else changed; values are redacted, times Unix seconds."""

    target: SafeText
    path: SafeText  # for people: spec.template.spec.containers[name=web].image
    pointer: SafeText  # for commands and the annotation: /spec/replicas
    wanted: SafeText
    actual: SafeText
    manager: SafeText
    outcome: str  # Reverted | Ceded | Asked | Reported | Fight | Adopted | Ended: differs no more
    count: int  # changes seen
    first_seen: float
    last_seen: float


class DriftReport(Reply, frozen=True):
    """What others changed on an object's copies since the start, the latest seen last."""

    key: SafeText
    policy: SafeText  # who wins, and who said so
    fields: tuple[DriftField, ...]  # at most 32 for each target


AnyReply = (
    Accepted | Refused | Text | DrainPlan | ForgetPlan | QueueItems | DeadLetters | DriftReport
)
