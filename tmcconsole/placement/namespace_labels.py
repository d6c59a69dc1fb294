"""The labels a namespace should have for the targets its Placements chose. Pure.

Rules: kcp's namespace controller (contrib-tmc, ``pkg/reconciler/workload/namespace``), except that
a cordoned target gets nothing new and keeps what it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.placement.api import SyncTarget
from tmcconsole.sync.names.markers import DELETION, PLACED, STATE, SYNC, deletion_keys, state_keys
from tmcconsole.sync.names.times import rfc3339, unix_time

REMOVAL_GRACE_S: Final = 5.0  # objects get time to see the stamp before the label goes
SYSTEM: Final = frozenset({"kube-system", "kube-public", "kube-node-lease", "kcp-system"})


@dataclass(frozen=True, slots=True)
class NamespacePlan:
    """The merge patch, None if nothing has to change, and when to check again (Unix seconds)."""

    patch: Json | None
    again_at: float  # 0.0 = never


def plan_namespace(
    tree: Json, chosen: tuple[SyncTarget, ...], *, selected: bool, may_leave: bool, wall: float
) -> NamespacePlan:
    """Return how to bring a namespace's labels and annotations up to date.

    ``chosen`` are the targets of all Placements that select it; ``selected`` says whether any does.
    Without ``may_leave`` it gains targets but loses none: some Placement could not be read.
    """
    meta = tree["metadata"]
    if meta.get("deletionTimestamp") or meta["name"] in SYSTEM:
        return NamespacePlan(None, 0.0)
    states, stamps = state_keys(tree), deletion_keys(tree)
    wanted = {t.key for t in chosen if not t.unschedulable or t.key in states}
    labels: Json = {STATE + key: SYNC for key in sorted(wanted) if key not in states}
    annotations: Json = {DELETION + key: None for key in sorted(wanted) if key in stamps}
    again_at = 0.0
    leaving = sorted((set(states) | set(stamps)) - wanted) if may_leave else []
    for key in leaving:
        due = unix_time(stamps.get(key)) + REMOVAL_GRACE_S
        if key not in stamps:
            annotations[DELETION + key] = rfc3339(wall)
            again_at = wall + REMOVAL_GRACE_S + 1  # stamps have whole seconds
        elif due <= wall:
            labels[STATE + key] = annotations[DELETION + key] = None
        else:
            again_at = max(again_at, due)
    if selected != (PLACED in annotations_of(tree)) and (selected or may_leave):
        annotations[PLACED] = "" if selected else None
    return NamespacePlan(_patch(meta, labels, annotations), again_at)


def _patch(meta: Json, labels: Json, annotations: Json) -> Json | None:
    if not labels and not annotations:
        return None
    metadata: Json = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata}
