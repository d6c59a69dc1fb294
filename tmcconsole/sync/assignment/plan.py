"""Which targets a hub object is assigned to, and the one patch that records it.

Label, deletion stamp and finalizer go in one merge patch, guarded by UID and resourceVersion.
Rules: kcp's resource and namespace controllers (contrib-tmc, ``pkg/reconciler/workload/resource``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tmcconsole.kube.objects import Json, annotations_of, finalizers_of, labels_of
from tmcconsole.sync.names.markers import (
    ASSIGNED,
    DELETION,
    FINALIZER,
    OLD_STATUS,
    PLACED,
    SPEC_DIFF,
    STATE,
    STATUS_DIFF,
    SYNC,
    UPSYNC,
    deletion_keys,
    finalizer_keys,
    is_upsynced,
    soft_finalizer_keys,
    state_keys,
)

ON_HOLD: Final = ""  # a state: assigned, but somebody else decides when the copy is created


@dataclass(frozen=True, slots=True)
class Expected:
    """Where an object should be, by its namespace or by its own labels."""

    keys: frozenset[str]
    by_namespace: bool  # True: the namespace decides, whatever labels the object has
    state: str = SYNC  # of a new key; cluster-scoped objects start on hold
    by: str = "namespace"  # what decides, for the annotation; "placements" without a namespace
    placed: frozenset[str] = frozenset()  # where its namespace is, whether it goes along or not
    let_go: Mapping[str, str] = field(default_factory=dict)  # {key: why it may go unreplaced}


def expected_keys(tree: Mapping[str, Any], namespace: Mapping[str, Any]) -> Expected:
    """Return the target keys the object should be on.

    In a namespace that Placements schedule, its active state labels decide. Elsewhere the
    object's own labels do, unless they were copied from the namespace earlier.
    """
    active = _active_keys(namespace)
    managed = bool(active) or PLACED in annotations_of(namespace) or bool(deletion_keys(namespace))
    if managed or ASSIGNED in annotations_of(tree):
        return Expected(active, by_namespace=True, placed=active)
    return Expected(_active_keys(tree), by_namespace=False)


def expected_without_namespace(tree: Mapping[str, Any], placed: frozenset[str]) -> Expected:
    """Return the target keys a cluster-scoped object should be on.

    As in kcp: all that any Placement chose (``placed``), each on hold until somebody sets its
    state label to Sync. Without a Placement the object's own labels decide.
    """
    if placed or ASSIGNED in annotations_of(tree):
        return Expected(placed, by_namespace=True, state=ON_HOLD, by="placements")
    return Expected(_active_keys(tree), by_namespace=False)


def plan_assignment(
    tree: Mapping[str, Any],
    expected: Expected,
    served: frozenset[str],
    now: str,
    staying: frozenset[str] = frozenset(),
) -> Json | None:
    """Return the merge patch that brings the object's bookkeeping up to date, or None.

    ``served`` are the targets on which this engine syncs this kind: only they get a finalizer,
    and those on hold none. ``now`` is an RFC 3339 time for new deletion stamps; ``staying`` are
    targets that the copy is to leave and may not yet: no stamp stands for those. An object being
    deleted gets its own time as a stamp for each target, and nothing else (kcp #1891, #1953); one
    that a target owns (Upsync) is left alone.
    """
    if is_upsynced(tree):
        return None
    if is_ending(tree):
        return _stamp_deleted(tree)
    labels, annotations = _arrivals(tree, expected)
    leaving_labels, leaving_annotations = _departures(tree, expected, now, staying)
    labels |= leaving_labels
    annotations |= leaving_annotations
    if ASSIGNED in annotations_of(tree) and _is_free(tree, expected, labels):
        annotations[ASSIGNED] = None
    states = state_keys(tree)
    synced = {key for key in expected.keys if states.get(key, expected.state) == SYNC}
    missing = sorted((synced & served) - finalizer_keys(tree))
    return _patch(tree, labels, annotations, missing)


def _stamp_deleted(tree: Mapping[str, Any]) -> Json | None:
    assigned = (set(state_keys(tree)) | finalizer_keys(tree)) - set(deletion_keys(tree))
    since = str(tree["metadata"]["deletionTimestamp"])
    return _patch(tree, {}, {DELETION + key: since for key in sorted(assigned)}, [])


def _arrivals(tree: Mapping[str, Any], expected: Expected) -> tuple[Json, Json]:
    """Labels to set for expected targets, and stamps to remove."""
    states, stamps = state_keys(tree), deletion_keys(tree)
    new = sorted(key for key in expected.keys if key not in states)
    labels: Json = {STATE + key: expected.state for key in new}
    annotations: Json = {}
    if expected.by_namespace:
        annotations = {DELETION + key: None for key in sorted(expected.keys) if key in stamps}
        if expected.keys and ASSIGNED not in annotations_of(tree):
            annotations[ASSIGNED] = expected.by
    return labels, annotations


def is_ending(tree: Mapping[str, Any]) -> bool:
    """True where the object itself is being deleted: that is no move."""
    return bool(tree["metadata"].get("deletionTimestamp"))


def departing_keys(tree: Mapping[str, Any], expected: Expected) -> frozenset[str]:
    """Return the targets the object is to leave that may hold a copy, stamped or not.

    A stamp on an object that no namespace decides for was written by hand: that is a word.
    """
    occupied = finalizer_keys(tree) | soft_finalizer_keys(tree)
    held = set(state_keys(tree)) | finalizer_keys(tree)
    ordered = frozenset[str]()
    if not expected.by_namespace:
        ordered = frozenset(deletion_keys(tree)) & frozenset(state_keys(tree))
    return frozenset((held & occupied) - expected.keys - ordered)


def _departures(
    tree: Mapping[str, Any], expected: Expected, now: str, staying: frozenset[str]
) -> tuple[Json, Json]:
    """Stamps for targets to leave that may hold a copy; the others' marks are just removed."""
    states, stamps = state_keys(tree), deletion_keys(tree)
    held = finalizer_keys(tree)
    occupied = held | soft_finalizer_keys(tree)
    labels: Json = {}
    annotations: Json = {}
    for key in sorted((set(states) | held) - expected.keys):
        if key in staying:
            if key in stamps and expected.by_namespace:
                annotations[DELETION + key] = None
        elif key in occupied and key not in stamps:
            annotations[DELETION + key] = now
        if key not in occupied:
            labels[STATE + key] = None
            annotations |= dict.fromkeys(_notes_of(tree, key))
    return labels, annotations


def _notes_of(tree: Mapping[str, Any], key: str) -> list[str]:
    """Return the annotations that only matter while target ``key`` has the object."""
    prefixes = (DELETION, SPEC_DIFF, STATUS_DIFF, OLD_STATUS)
    return [prefix + key for prefix in prefixes if prefix + key in annotations_of(tree)]


def _is_free(tree: Mapping[str, Any], expected: Expected, labels: Json) -> bool:
    """True if no target is left: manual assignments count from here on."""
    remaining = [key for key in state_keys(tree) if STATE + key not in labels]
    return not (expected.keys or remaining or finalizer_keys(tree))


def plan_release(tree: Mapping[str, Any], key: str) -> Json:
    """Return the merge patch that forgets target ``key``: its copy is confirmed gone."""
    finalizers = [entry for entry in finalizers_of(tree) if entry != FINALIZER + key]
    metadata: Json = _guards(tree) | {"finalizers": finalizers}
    if not tree["metadata"].get("deletionTimestamp"):
        labels, annotations = labels_of(tree), annotations_of(tree)
        if STATE + key in labels:
            metadata["labels"] = {STATE + key: None}
        stale = _notes_of(tree, key)
        others = [other for other in state_keys(tree) if other != key]
        if ASSIGNED in annotations and not others:
            stale.append(ASSIGNED)
        if stale:
            metadata["annotations"] = dict.fromkeys(stale)
    return {"metadata": metadata}


def add_finalizer(tree: Mapping[str, Any], key: str) -> Json:
    """Return the merge patch that sets the finalizer of target ``key``."""
    finalizers = [*finalizers_of(tree), FINALIZER + key]
    return {"metadata": _guards(tree) | {"finalizers": finalizers}}


def is_assigned(tree: Mapping[str, Any], key: str) -> bool:
    """True if target ``key`` should hold a copy now.

    A soft finalizer keeps the copy although the object, or its assignment, is being deleted.
    """
    return state_keys(tree).get(key) == SYNC and not _is_leaving(tree, key)


def is_on_hold(tree: Mapping[str, Any], key: str) -> bool:
    """True if target ``key`` gets nothing written, and keeps what it has.

    That is the empty state; an unknown state also holds.
    """
    state = state_keys(tree).get(key, SYNC)
    return state not in (SYNC, UPSYNC) and not _is_leaving(tree, key)


def awaits_stamp(tree: Mapping[str, Any], key: str) -> bool:
    """True where a copy may be on target ``key`` and nobody has said yet that it may leave.

    Taking the state label off is a wish to leave; the stamp is what allows it.
    """
    if is_ending(tree) or key in deletion_keys(tree):
        return False
    return key in finalizer_keys(tree) and key not in state_keys(tree)


def _is_leaving(tree: Mapping[str, Any], key: str) -> bool:
    leaving = key in deletion_keys(tree) or bool(tree["metadata"].get("deletionTimestamp"))
    return leaving and key not in soft_finalizer_keys(tree)


def _active_keys(tree: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(state_keys(tree)) - frozenset(deletion_keys(tree))


def _guards(tree: Mapping[str, Any]) -> Json:
    meta = tree["metadata"]
    return {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}


def _patch(
    tree: Mapping[str, Any], labels: Json, annotations: Json, finalizers: list[str]
) -> Json | None:
    if not labels and not annotations and not finalizers:
        return None
    metadata = _guards(tree)
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    if finalizers:
        ours = [FINALIZER + key for key in finalizers]
        metadata["finalizers"] = [*finalizers_of(tree), *ours]
    return {"metadata": metadata}
