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


class PauseTarget(Command):
    """Take no writes to a target until resumed, or until ``until`` (Unix seconds)."""

    target: str
    until: float = 0.0
    why: str = ""


class ResumeTarget(Command):
    """Undo ``PauseTarget``."""

    target: str


class CordonTarget(Command):
    """Place nothing new on a target; what is there stays."""

    target: str


class UncordonTarget(Command):
    """Undo ``CordonTarget`` and ``DrainTarget``."""

    target: str


class PlanDrain(Command):
    """Ask what a drain would do: answers a ``DrainPlan``."""

    target: str


class DrainTarget(Command):
    """Cordon a target and move everything off it. ``confirm`` must equal the target's name."""

    target: str
    confirm: str


class Resync(Command):
    """Reconcile again, whatever the caches say.

    Empty fields widen the scope: no ``target`` = all of them; no ``key`` = every object.
    ``relist`` also drops the caches and lists anew.
    """

    target: str = ""
    key: str = ""  # an ObjectRecord's key
    relist: bool = False


class AllowDeletes(Command):
    """Release the deletions that the mass-delete brake holds on a target."""

    target: str


class Why(Command):
    """Ask why an object is as it is: answers a ``Text``."""

    key: str  # an ObjectRecord's key


class ShowObject(Command):
    """Ask for an object as YAML, secrets redacted: answers a ``Text``.

    ``target`` empty means the hub's.
    """

    key: str
    target: str = ""


class ShowDiff(Command):
    """Ask what the engine wants on a target against what is there: answers a ``Text``."""

    key: str
    target: str


class ShowQueue(Command):
    """Ask for the keys in one queue: answers ``QueueItems``."""

    target: str
    kind: str  # a QueueRecord's kind


class SimFault(Command):
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
    | Resync
    | AllowDeletes
    | Why
    | ShowObject
    | ShowDiff
    | ShowQueue
    | SimFault
)


class Reply(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of all replies."""


class Accepted(Reply):
    """It will be done; watch the records."""

    message: SafeText = SafeText()


class Refused(Reply):
    """It will not be done. ``reason`` names the thing, ``fix`` says what would help."""

    reason: SafeText
    fix: SafeText = SafeText()


class Text(Reply):
    """An answer to read, possibly of many lines."""

    title: SafeText
    body: SafeText


class Move(msgspec.Struct, frozen=True, gc=False):
    """What a drain does to one object. ``to`` empty: it has nowhere to go; see ``reason``."""

    key: str
    to: tuple[SafeText, ...]
    reason: SafeText = SafeText()


class DrainPlan(Reply):
    """What a drain would do, before anything is done."""

    target: SafeText
    moves: tuple[Move, ...]
    stranded: int  # objects with nowhere to go


class QueueItem(msgspec.Struct, frozen=True, gc=False):
    """One key in a queue."""

    key: SafeText
    state: str  # ready | in-flight | delayed
    attempts: int
    due_at: float
    error: SafeText = SafeText()


class QueueItems(Reply):
    """The keys in one queue, oldest first, at most 1000."""

    items: tuple[QueueItem, ...]


AnyReply = Accepted | Refused | Text | DrainPlan | QueueItems
