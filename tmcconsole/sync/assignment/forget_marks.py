"""Removes every label, annotation and finalizer of a cluster that is gone for good. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tmcconsole.kube.objects import Json, annotations_of, finalizers_of, labels_of
from tmcconsole.sync.names.markers import (
    DELETION,
    FINALIZER,
    OLD_STATUS,
    STATE,
    STATUS_DIFF,
    UPSYNCED,
)

_NOTES: Final = (DELETION, STATUS_DIFF, OLD_STATUS)  # what users wrote for K stays


def plan_forget(tree: Mapping[str, Any], key: str) -> Json | None:
    """Return the guarded merge patch that removes the marks of target ``key``, or None.

    What the target owned in the hub is left to the sweep after its SyncTarget's deletion.
    """
    if labels_of(tree).get(UPSYNCED) == key:
        return None
    meta = tree["metadata"]
    patch: Json = {}
    if STATE + key in labels_of(tree):
        patch["labels"] = {STATE + key: None}
    stale = [note + key for note in _NOTES if note + key in annotations_of(tree)]
    if stale:
        patch["annotations"] = dict.fromkeys(stale)
    finalizers = finalizers_of(tree)
    if FINALIZER + key in finalizers:
        patch["finalizers"] = [one for one in finalizers if one != FINALIZER + key]
    if not patch:
        return None
    guards = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    return {"metadata": guards | patch}
