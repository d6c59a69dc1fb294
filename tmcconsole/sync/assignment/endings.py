"""Objects that have run to their end: Jobs, Pods, and kinds that the config names. Pure.

Such an object is done for that UID of the hub object, whoever removes its copy. The outcome is kept
in the hub, as a mark for each target with the last status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.markers import FINISHED, deletion_keys, state_keys

FINISHED_HERE: Final = "Finished"  # a reason: nothing is left to do on the target
RUNS: Final = frozenset({"jobs.batch", "pods"})
MAX_STATUS_BYTES: Final = 8 * 1024  # of a larger status, only the outcome is kept
_ENDS: Final = frozenset(
    {"Succeeded", "Completed", "Complete", "Failed", "Error", "PartiallyFailed", "FailedValidation"}
    | {"valid", "invalid", "expired", "errored"}  # of ACME orders
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a copy of the hub object with ``uid`` ended."""

    uid: str
    outcome: str  # in the copy's own words: Complete, Failed, Succeeded ...
    status: Json  # {} if it is too large to be kept


def is_run(kind: str, named: tuple[str, ...]) -> bool:
    """True for kinds whose objects end by themselves; ``named`` are those of the config."""
    return kind in RUNS or kind in named


def outcome_of(kind: str, tree: Mapping[str, Any]) -> str:
    """Return how an object of such a kind ended, or "" if it has not."""
    status = tree.get("status")
    if not isinstance(status, dict):
        return ""
    if kind == "jobs.batch":
        return _condition(status, frozenset({"Complete", "Failed"}))
    found = [status.get(name) for name in ("phase", "state")]
    ended = next((word for word in found if isinstance(word, str) and word in _ENDS), "")
    if kind == "pods":
        return ended if _ends_by_itself(tree) else ""
    return ended or _condition(status, _ENDS)


def _ends_by_itself(pod: Mapping[str, Any]) -> bool:
    """False for an object that would run on, or that ended because it is being deleted."""
    spec = pod.get("spec")
    policy = spec.get("restartPolicy", "Always") if isinstance(spec, dict) else "Always"
    return policy != "Always" and not pod["metadata"].get("deletionTimestamp")


def _condition(status: Mapping[str, Any], types: frozenset[str]) -> str:
    conditions = status.get("conditions")
    for one in conditions if isinstance(conditions, list) else ():
        if not isinstance(one, dict) or one.get("type") not in types:
            continue
        if one.get("status") == "True":
            return str(one["type"])
        if one.get("status") == "False" and one["type"] == "Succeeded":
            return "Failed"  # of a task run: Unknown while it runs
    return ""


def ending_of(kind: str, uid: str, tree: Mapping[str, Any]) -> Ending | None:
    """Return how the copy of the hub object ``uid`` ended, or None if it has not."""
    outcome = outcome_of(kind, tree)
    if not outcome:
        return None
    status: Json = tree["status"]
    return Ending(uid, outcome, status if len(orjson.dumps(status)) <= MAX_STATUS_BYTES else {})


def ending_patch(key: str, ending: Ending) -> Json:
    """Return the hub object's merge patch that records how its copy on target ``key`` ended."""
    told = {"uid": ending.uid, "outcome": ending.outcome, "status": ending.status}
    return {"metadata": {"annotations": {FINISHED + key: orjson.dumps(told).decode()}}}


def endings(tree: Mapping[str, Any]) -> dict[str, Ending]:
    """Return {target key: ending} from a hub object's marks, without those of an earlier UID."""
    uid, found = tree["metadata"].get("uid"), {}
    for name, text in sorted(annotations_of(tree).items()):
        if name.startswith(FINISHED):
            ending = _read(text)
            if ending is not None and ending.uid == uid:
                found[name.removeprefix(FINISHED)] = ending
    return found


def as_ended(tree: Json, key: str) -> Json | None:
    """Return a hub object with the last status of its ended copy on target ``key``, or None."""
    found = endings(tree).get(key)
    return {**tree, "status": found.status} if found is not None and found.status else None


def _read(text: str) -> Ending | None:
    if len(text) > 2 * MAX_STATUS_BYTES:
        return None
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    uid, outcome, status = told.get("uid"), told.get("outcome"), told.get("status")
    if not isinstance(uid, str) or not isinstance(outcome, str):
        return None
    return Ending(uid, outcome, status if isinstance(status, dict) else {})


def why_done(tree: Mapping[str, Any], key: str) -> str:
    """Return why no copy is made on target ``key`` any more, or "" if one is.

    A run that ended on a target it has since left does not move: it is done there, and so here.
    """
    found = endings(tree)
    if key in found:
        return f"it ran to its end ({found[key].outcome}): its copy is gone, and is not made again"
    left = found.keys() - (state_keys(tree).keys() - deletion_keys(tree).keys())
    if not left:
        return ""
    outcome = found[min(left)].outcome
    return f"it ran to its end elsewhere ({outcome}): made anew in the hub, it runs here"
