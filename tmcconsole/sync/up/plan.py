"""What to do in the hub about one object that a target owns, decided from the facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.objects import CachedObject, Json, annotations_of
from tmcconsole.kube.trees.differences import diff
from tmcconsole.sync.conflicts.copy_differences import differences, fingerprint
from tmcconsole.sync.names.markers import DIGEST, UPSYNC_RV, origin_uid
from tmcconsole.sync.policy import Refusal
from tmcconsole.sync.up.hub_object import Lifted, is_lifted

DEFAULTED: Final = "(seen)"  # in a set of normal differences: the hub has been asked


@dataclass(frozen=True, slots=True)
class Rest:
    """There is nothing to do."""


@dataclass(frozen=True, slots=True)
class Even:
    """The hub has everything."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Something else must come first, and its event queues this again."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Reject:
    """It is not upsynced, for the given reason."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class NameTaken:
    """The hub has another object with that name: it is never touched."""


@dataclass(frozen=True, slots=True)
class Make:
    """Create it in the hub, with the finalizer and without status."""


@dataclass(frozen=True, slots=True)
class CompareHubObject:
    """What we applied and the object differ: defaulting, or somebody's change?"""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Apply the desired state again."""


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Write the status."""

    patch: Json


@dataclass(frozen=True, slots=True)
class Stamp:
    """Record the version on the target, last: a stamped object is complete (kcp's rv)."""

    version: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """Somebody is deleting it in the hub: our finalizer must not hold it."""


@dataclass(frozen=True, slots=True)
class TakeDown:
    """Delete it in the hub, through the gate."""

    reason: str


UpStep = (
    Rest
    | Even
    | Wait
    | Reject
    | NameTaken
    | Make
    | CompareHubObject
    | Rewrite
    | WriteStatus
    | Stamp
    | LetGo
    | TakeDown
)


@dataclass(frozen=True, slots=True)
class UpFacts:
    """Everything that the decision depends on."""

    key: str  # of the SyncTarget
    place: str  # on the target: what the origin of its hub object begins with
    below: CachedObject | None  # on the target, None if it is missing, or not to be upsynced
    below_tree: Json | None
    unselected: str  # why an existing object is not upsynced, "" if it is or does not exist
    lifted: Lifted | Refusal | None  # what the hub should hold of it
    waits: Wait | None  # why nothing can be created in the hub's namespace
    above: CachedObject | None  # in the hub, among those made by upsync
    above_tree: Json | None
    normal: frozenset[str]  # differences known to come from the hub's own defaulting
    reported: bytes  # digest of the status last written from here; the hub may have stored less


def decide_up(facts: UpFacts) -> UpStep:
    """Return the one step that brings the hub's object closer to the target's."""
    above, tree = facts.above, facts.above_tree
    if above is None or tree is None:
        return _without_above(facts)
    if not is_lifted(tree, facts.key, facts.place):
        return NameTaken() if facts.below is not None else Rest()
    if above.deleting:
        return LetGo()
    if facts.below is None or facts.below_tree is None:
        return TakeDown(facts.unselected or "Gone")
    if origin_uid(tree) != facts.below.uid:
        return TakeDown("Replaced")
    return _with_both(facts, tree)


def _without_above(facts: UpFacts) -> UpStep:
    if facts.below is None or facts.below.deleting:
        return Rest()
    if isinstance(facts.lifted, Refusal):
        return Reject(facts.lifted)
    return facts.waits or Make()


def _with_both(facts: UpFacts, tree: Json) -> UpStep:
    below, lifted = facts.below, facts.lifted
    assert below is not None
    if below.deleting:
        return Wait("AwaitingDeletion", "the target is deleting it")
    if lifted is None or isinstance(lifted, Refusal):
        return Reject(lifted) if lifted else Rest()
    notes = annotations_of(tree)
    if notes.get(DIGEST) != lifted.desired.digest:
        return Rewrite()
    found = differences(lifted.desired, tree, facts.normal)
    if found:
        return Rewrite() if facts.normal else CompareHubObject()
    if notes.get(UPSYNC_RV) == below.resource_version:
        return Even()
    patch = diff(tree.get("status") or {}, lifted.status or {}) if lifted.status else {}
    if patch and facts.reported != below.status_digest:
        return WriteStatus(patch)
    return Stamp(below.resource_version) if patch or UPSYNC_RV not in notes else Even()


def normal_of(lifted: Lifted, tree: Json) -> frozenset[str]:
    """Return the differences made by the hub's own defaulting, as one response shows them."""
    found = differences(lifted.desired, tree, frozenset())
    return frozenset(fingerprint(entry) for entry in found) | {DEFAULTED}
