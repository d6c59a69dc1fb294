"""A hub status that rests on silent targets is marked as old, with since when. Pure.

The mark is an annotation, which every kind can have. Conditions that say that something is well
become Unknown besides, where the kind is known to allow that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.markers import (
    STALE_STATUS,
    deletion_keys,
    finalizer_keys,
    soft_finalizer_keys,
    state_keys,
)
from tmcconsole.sync.names.silent_target import SilentTarget
from tmcconsole.sync.status.acceptable import DONE
from tmcconsole.sync.status.job_outcome import TERMINAL
from tmcconsole.sync.status.merge import is_blank

REASON: Final = "TargetSilent"
# Conditions of these kinds may become Unknown, since none of them is final.
_DOUBTED: Final = ("apps", "autoscaling")
_GOOD: Final = frozenset({"AbleToScale", "Available", "Progressing", "ScalingActive"})


def staying_keys(tree: Mapping[str, Any], *, is_deleting: bool) -> frozenset[str]:
    """Return the keys of the targets that an object is on and stays on.

    While the object itself is being deleted, no target is left out: it leaves all of them.
    """
    assigned = frozenset(state_keys(tree))
    if is_deleting:
        return assigned
    return assigned - (frozenset(deletion_keys(tree)) - soft_finalizer_keys(tree))


def is_finished(status: Mapping[str, Any]) -> bool:
    """True for the outcome of a run that has ended, which does not become old."""
    conditions = status.get("conditions")
    for one in conditions if isinstance(conditions, list) else ():
        is_true = isinstance(one, dict) and one.get("status") == "True"
        if is_true and one.get("type") in TERMINAL:
            return True
    return status.get("phase") in DONE


def stale_note(
    kind: str, tree: Mapping[str, Any], silent: Mapping[str, SilentTarget], *, is_deleting: bool
) -> str | None:
    """Return what a hub object's annotation should say, or None for no annotation."""
    status = tree.get("status")
    if not isinstance(status, dict) or is_blank(kind, status) or is_finished(status):
        return None
    keys = staying_keys(tree, is_deleting=is_deleting) & finalizer_keys(tree)
    old = {silent[key].name: silent[key].told for key in keys if key in silent}
    return orjson.dumps(old, option=orjson.OPT_SORT_KEYS).decode() if old else None


def mark_patch(tree: Mapping[str, Any], note: str | None) -> Json | None:
    """Return the merge patch that brings the annotation up to date, or None if it is."""
    if annotations_of(tree).get(STALE_STATUS) == note:
        return None
    return {"metadata": {"annotations": {STALE_STATUS: note}}}


def doubted(group: str, status: Json, silent: SilentTarget) -> Json:
    """Return a silent target's last status with its good conditions Unknown."""
    conditions = status.get("conditions")
    if group not in _DOUBTED or not isinstance(conditions, list) or is_finished(status):
        return status
    return {**status, "conditions": [_unknown(one, silent) for one in conditions]}


def _unknown(condition: Any, silent: SilentTarget) -> Any:
    if not isinstance(condition, dict) or condition.get("status") != "True":
        return condition
    if condition.get("type") not in _GOOD:
        return condition
    changed = {"lastTransitionTime": silent.told} if silent.told else {}
    since = f" since {silent.told}" if silent.told else ""
    message = f"no heartbeat{since}; last known: {condition.get('message', '')}"
    return {**condition, "status": "Unknown", "reason": REASON, "message": message, **changed}
