"""What has run to its end: a Job, a Pod, and what the config names. Pure.

It is done for that UID of the hub object: that its copy goes is an outcome, by whatever hand. The
outcome is kept in the hub, as a mark for each target with the status as it was last.
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
MAX_STATUS_BYTES: Final = 8 * 1024  # a larger status is not kept; that it ended is
_ENDS: Final = frozenset(
    {"Succeeded", "Completed", "Complete", "Failed", "Error", "PartiallyFailed", "FailedValidation"}
    | {"valid", "invalid", "expired", "errored"}  # of ACME orders
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a copy ended, of the hub object with ``uid``."""

    uid: str
    outcome: str  # in the copy's own words: Complete, Failed, Succeeded ...
    status: Json  # {} where it is too large to be kept


def is_run(kind: str, named: tuple[str, ...]) -> bool:
    """True for kinds whose objects reach an end of their own; ``named`` are the config's."""
    return kind in RUNS or kind in named


def outcome_of(kind: str, tree: Mapping[str, Any]) -> str:
    """Return how an object of such a kind ended, "" where it has not."""
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
    """False for one that would run on, or ended because it is being deleted."""
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
    """Return how the copy of the hub object ``uid`` ended, None where it has not."""
    outcome = outcome_of(kind, tree)
    if not outcome:
        return None
    status: Json = tree["status"]
    return Ending(uid, outcome, status if len(orjson.dumps(status)) <= MAX_STATUS_BYTES else {})


def ending_patch(key: str, ending: Ending) -> Json:
    """Return the merge patch of a hub object that keeps how its copy on target ``key`` ended."""
    told = {"uid": ending.uid, "outcome": ending.outcome, "status": ending.status}
    return {"metadata": {"annotations": {FINISHED + key: orjson.dumps(told).decode()}}}


def endings(tree: Mapping[str, Any]) -> dict[str, Ending]:
    """Return {target key: ending} of a hub object's marks; those of an earlier UID do not count."""
    uid, found = tree["metadata"].get("uid"), {}
    for name, text in sorted(annotations_of(tree).items()):
        if name.startswith(FINISHED):
            ending = _read(text)
            if ending is not None and ending.uid == uid:
                found[name.removeprefix(FINISHED)] = ending
    return found


def as_ended(tree: Json, key: str) -> Json | None:
    """Return a hub object with the status of its copy on target ``key`` as it ended, or None."""
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
    """Return why no copy is made on target ``key`` any more, "" where one is.

    A run that ended on a target it has left does not move: there it is done, and so it is here.
    """
    found = endings(tree)
    if key in found:
        return f"it ran to its end ({found[key].outcome}): its copy is gone, and is not made again"
    left = found.keys() - (state_keys(tree).keys() - deletion_keys(tree).keys())
    if not left:
        return ""
    outcome = found[min(left)].outcome
    return f"it ran to its end elsewhere ({outcome}): made anew in the hub, it runs here"
