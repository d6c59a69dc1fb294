"""What to do about one object on one target, decided from the facts and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.config.policies import CREATE_ONLY, REPORT_DIFF
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import CachedObject, Json, annotations_of, labels_of
from tmcconsole.kube.trees.differences import Difference
from tmcconsole.sync.assignment.plan import awaits_stamp, is_assigned, is_on_hold
from tmcconsole.sync.conflicts.copy_differences import differences
from tmcconsole.sync.conflicts.field_rules import ALONE, DEFAULT, FieldRules, RuleInputs
from tmcconsole.sync.conflicts.judge import is_left
from tmcconsole.sync.desired.build import Desired, DesiredInputs
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DIGEST,
    ORIGIN,
    finalizer_keys,
    is_ours,
    is_upsynced,
)
from tmcconsole.sync.policy import Refusal


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to do on either side."""


@dataclass(frozen=True, slots=True)
class InSync:
    """The copy is in sync; ``left`` are the fields that the rules leave to others."""

    left: tuple[Difference, ...] = ()
    is_kept: bool = False  # created once, and not checked since


@dataclass(frozen=True, slots=True)
class ReportDiff:
    """Nothing is ever written: compare, and report the differences."""


@dataclass(frozen=True, slots=True)
class Withhold:
    """A deletion is due, but nothing is ever written."""

    reason: str


@dataclass(frozen=True, slots=True)
class AwaitFinalizer:
    """The hub object lacks our finalizer; its own queue adds it and queues this again."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Assigned, but on hold: nothing is created or written, and existing copies stay."""


@dataclass(frozen=True, slots=True)
class AwaitStamp:
    """Not assigned any more; whether the copy may leave is for the object's own queue to say."""


@dataclass(frozen=True, slots=True)
class AwaitGone:
    """The copy is being deleted: its deletion event queues this again."""


@dataclass(frozen=True, slots=True)
class Finished:
    """It has run to its end, and its copy is gone or was not needed here; ``told`` says how."""

    told: str


@dataclass(frozen=True, slots=True)
class Create:
    """Write the first copy; it must not exist yet."""


@dataclass(frozen=True, slots=True)
class Update:
    """Update our copy ``uid``. ``drift`` is set if the same state was applied before."""

    uid: str
    drift: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete our copy, through the delete gate."""

    copy: CachedObject
    reason: str  # HubDeleting | Unassigned | HubGone


@dataclass(frozen=True, slots=True)
class Release:
    """The cache shows no copy: prove that, then remove our marks from the hub object."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Policy denies it."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Collide:
    """A foreign object has the name: it is never touched."""

    message: SafeText


Step = (
    Nothing
    | InSync
    | ReportDiff
    | Withhold
    | AwaitFinalizer
    | Hold
    | AwaitStamp
    | AwaitGone
    | Finished
    | Create
    | Update
    | Delete
    | Release
    | Refuse
    | Collide
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the decision depends on."""

    key: str  # of the SyncTarget
    place: str  # the key in the hub: the prefix of its copies' origins
    origin: str  # of the hub object, "" without one
    source: Json | None  # the hub object
    source_digest: bytes  # its content digest, b"" without one
    inputs: DesiredInputs  # of the desired state
    desired: (
        Desired | None
    )  # what the target should hold; None without a source or a desired state of it
    refusal: Refusal | None
    copy: CachedObject | None
    copy_tree: Json | None
    known_uid: str  # UID of the copy that we wrote of this very object, else ""
    normal: frozenset[str]  # differences known to come from the server's own defaulting
    rules: FieldRules = DEFAULT
    around: RuleInputs = ALONE
    done: str = ""  # why no copy is made any more, or "" if one is


def decide(facts: Facts) -> Step:
    """Return the one step that brings the object closer to its desired state."""
    step = _decide(facts)
    if isinstance(step, Delete) and facts.rules.write == REPORT_DIFF:
        return Withhold(step.reason)
    return step


def _decide(facts: Facts) -> Step:
    source = facts.source
    if source is None:
        return _without_source(facts)
    if is_upsynced(source):
        return Nothing()  # a target owns it: the hub has no desired state
    if is_on_hold(source, facts.key):
        return Hold()
    if not is_assigned(source, facts.key):
        return _unwanted(facts, source)
    if facts.refusal is not None:
        return Refuse(facts.refusal)  # in any case: it would never get a finalizer
    if facts.key not in finalizer_keys(source):
        return AwaitFinalizer()
    return _wanted(facts)


def _wanted(facts: Facts) -> Step:
    copy, tree, desired = facts.copy, facts.copy_tree, facts.desired
    if facts.rules.write == REPORT_DIFF:
        return ReportDiff()
    if copy is None or tree is None or desired is None:
        return Finished(facts.done) if facts.done else Create()
    if not is_copy_of(facts, copy, tree):
        return _not_from_here(facts, copy, tree)
    if copy.deleting:
        return AwaitGone()
    if facts.rules.write == CREATE_ONLY:
        return InSync(is_kept=True)
    if annotations_of(tree).get(DIGEST) != desired.digest:
        return Update(copy.uid)
    found = differences(desired, tree, facts.normal)
    left, drift = _parted(found, facts.rules, desired.tree)
    return Update(copy.uid, drift) if drift else InSync(left)


def _parted(
    found: tuple[Difference, ...], rules: FieldRules, desired: Json
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Return the fields that the rules leave to others, and those that they do not."""
    piles: tuple[list[Difference], list[Difference]] = ([], [])
    for one in found:
        piles[not is_left(rules, one.steps, desired)].append(one)
    return tuple(piles[0]), tuple(piles[1])


def _not_from_here(facts: Facts, copy: CachedObject, tree: Json) -> Step:
    """A copy of an earlier object with the same name is deleted first; anything else is foreign."""
    if labels_of(tree).get(CLUSTER) == facts.key and _same_place(facts, tree):
        return AwaitGone() if copy.deleting else Delete(copy, "HubGone")
    return Collide(collision_text(tree))


def _unwanted(facts: Facts, source: Json) -> Step:
    copy, tree = facts.copy, facts.copy_tree
    if copy is not None and tree is not None and _may_go(facts, copy, tree):
        if copy.deleting:
            return AwaitGone()
        if awaits_stamp(source, facts.key):
            return AwaitStamp()
        return Delete(copy, reason_to_go(facts))
    return Release() if facts.key in finalizer_keys(source) else Nothing()


def reason_to_go(facts: Facts) -> str:
    """Return why an object that should not be here has to leave."""
    deleting = facts.source is not None and facts.source["metadata"].get("deletionTimestamp")
    return "HubDeleting" if deleting else "Unassigned"


def _without_source(facts: Facts) -> Step:
    copy, tree = facts.copy, facts.copy_tree
    if copy is None or tree is None:
        return Nothing()
    if labels_of(tree).get(CLUSTER) != facts.key or not _same_place(facts, tree):
        return Nothing()  # foreign, or somebody's copy of our copy under another name
    return AwaitGone() if copy.deleting else Delete(copy, "HubGone")


def is_copy_of(facts: Facts, found: CachedObject, tree: Json) -> bool:
    """True if both markers say so, or if we remember writing this very object.

    A marker may be stripped; the UID of what we wrote is then the proof, and the next write
    restores the marker.
    """
    return is_ours(tree, facts.key, facts.origin) or found.uid == (facts.known_uid or None)


def _may_go(facts: Facts, copy: CachedObject, tree: Json) -> bool:
    is_of_an_earlier_life = labels_of(tree).get(CLUSTER) == facts.key and _same_place(facts, tree)
    return is_of_an_earlier_life or is_copy_of(facts, copy, tree)


def _same_place(facts: Facts, tree: Json) -> bool:
    """True if the copy's origin names this key, whatever the UID."""
    return annotations_of(tree).get(ORIGIN, "").rpartition("/")[0] == facts.place


def collision_text(tree: Json) -> SafeText:
    """Return a sentence that tells an operator what is in the way."""
    meta = tree["metadata"]
    owner = labels_of(tree).get("app.kubernetes.io/managed-by")
    by = f", managed by {owner}," if owner else ""
    return SafeText(
        f"an object of this name{by} exists there and is not ours (uid {meta.get('uid')}); it is "
        "left alone: rename one of them, or delete the one on the cluster"
    )
