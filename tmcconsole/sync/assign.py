"""Which targets a hub object is bound for, and the one patch that writes it down.

Label, deletion stamp and finalizer go in one merge patch, guarded by UID and resourceVersion.
Rules: kcp's resource and namespace controllers (contrib-tmc, ``pkg/reconciler/workload/resource``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tmcconsole.kube.objects import Json, annotations_of, finalizers_of, labels_of
from tmcconsole.sync.markers import (
    ASSIGNED,
    DELETION,
    FINALIZER,
    PLACED,
    STATE,
    SYNC,
    UPSYNC,
    deletion_keys,
    finalizer_keys,
    soft_finalizer_keys,
    state_keys,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """Where an object should be, by its namespace or by its own labels."""

    keys: frozenset[str]
    by_namespace: bool  # True: the namespace decides, whatever labels the object has


def expected_keys(tree: Mapping[str, Any], namespace: Mapping[str, Any]) -> Expected:
    """Return the target keys the object should be on.

    In a namespace that Placements schedule, its active state labels decide. Elsewhere the
    object's own labels do, unless they were copied from the namespace earlier.
    """
    active = _active_keys(namespace)
    managed = bool(active) or PLACED in annotations_of(namespace) or bool(deletion_keys(namespace))
    if managed or ASSIGNED in annotations_of(tree):
        return Expected(active, by_namespace=True)
    return Expected(_active_keys(tree), by_namespace=False)


def plan_assignment(
    tree: Mapping[str, Any], expected: Expected, served: frozenset[str], now: str
) -> Json | None:
    """Return the merge patch that brings the object's bookkeeping up to date, or None.

    ``served`` are the targets on which this engine syncs this kind: only they get a finalizer.
    ``now`` is an RFC 3339 time for new deletion stamps. An object being deleted is left alone,
    and so is one that a target owns (Upsync), as kcp has it.
    """
    if tree["metadata"].get("deletionTimestamp") or UPSYNC in state_keys(tree).values():
        return None
    labels, annotations = _arrivals(tree, expected)
    leaving_labels, leaving_annotations = _departures(tree, expected, now)
    labels |= leaving_labels
    annotations |= leaving_annotations
    if ASSIGNED in annotations_of(tree) and _is_free(tree, expected, labels):
        annotations[ASSIGNED] = None
    missing = sorted((expected.keys & served) - finalizer_keys(tree))
    return _patch(tree, labels, annotations, missing)


def _arrivals(tree: Mapping[str, Any], expected: Expected) -> tuple[Json, Json]:
    """Labels to set for expected targets, and stamps to lift."""
    states, stamps = state_keys(tree), deletion_keys(tree)
    labels: Json = {STATE + key: SYNC for key in sorted(expected.keys) if key not in states}
    annotations: Json = {}
    if expected.by_namespace:
        annotations = {DELETION + key: None for key in sorted(expected.keys) if key in stamps}
        if expected.keys and ASSIGNED not in annotations_of(tree):
            annotations[ASSIGNED] = "namespace"
    return labels, annotations


def _departures(tree: Mapping[str, Any], expected: Expected, now: str) -> tuple[Json, Json]:
    """Stamps for targets to leave that may hold a copy; the others' marks are just removed."""
    states, stamps = state_keys(tree), deletion_keys(tree)
    held = finalizer_keys(tree)
    occupied = held | soft_finalizer_keys(tree)
    labels: Json = {}
    annotations: Json = {}
    for key in sorted((set(states) | held) - expected.keys):
        if key in occupied and key not in stamps:
            annotations[DELETION + key] = now
        if key not in occupied:
            labels[STATE + key] = None
            if key in stamps:
                annotations[DELETION + key] = None
    return labels, annotations


def _is_free(tree: Mapping[str, Any], expected: Expected, labels: Json) -> bool:
    """True where no target is left: what is assigned by hand from here on is to count."""
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
        stale = [name for name in (DELETION + key, ASSIGNED) if name in annotations]
        others = [other for other in state_keys(tree) if other != key]
        if others and ASSIGNED in stale:
            stale.remove(ASSIGNED)
        if stale:
            metadata["annotations"] = dict.fromkeys(stale)
    return {"metadata": metadata}


def is_wanted(tree: Mapping[str, Any], key: str) -> bool:
    """True where target ``key`` should hold a copy now.

    A soft finalizer keeps the copy although the object, or its stay here, is being deleted.
    """
    states = state_keys(tree)
    if states.get(key) != SYNC:
        return False
    leaving = key in deletion_keys(tree) or bool(tree["metadata"].get("deletionTimestamp"))
    return not leaving or key in soft_finalizer_keys(tree)


def _active_keys(tree: Mapping[str, Any]) -> frozenset[str]:
    stamps = deletion_keys(tree)
    return frozenset(key for key, state in state_keys(tree).items() if key not in stamps and state)


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
