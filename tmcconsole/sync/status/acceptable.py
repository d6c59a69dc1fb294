"""A merged status that the hub's API server accepts after the present one. Pure.

Built-in kinds validate their status and its changes. A status that is always refused would leave
the last one in place as if it were current, so what may not change is kept, and the object says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.markers import KEPT_STATUS
from tmcconsole.sync.status.job_outcome import LOWER, job_status

# Other objects' names were made with this count: it only grows, and is never cleared.
_COLLIDING: Final = frozenset({"daemonsets.apps", "deployments.apps", "statefulsets.apps"})
_REPLICATED: Final = frozenset({"deployments.apps", "replicasets.apps", "statefulsets.apps"})
# Counters, and the one that each is part of; in this order.
_PARTS: Final = {
    "currentReplicas": "replicas",
    "fullyLabeledReplicas": "replicas",
    "readyReplicas": "replicas",
    "updatedReplicas": "replicas",
    "availableReplicas": "readyReplicas",
}
_COUNT: Final = "collisionCount"
DONE: Final = ("Succeeded", "Failed")
_ENDED: Final = "it has ended: an API server takes no other outcome"
_CONTAINERS: Final = ("containerStatuses", "initContainerStatuses")


class Acceptable(NamedTuple):
    """A status that may be written, and, by field, why it is not as merged."""

    status: Json
    kept: dict[str, str]


def acceptable(
    kind: str,
    merged: Json,
    before: Mapping[str, Any],
    spec: Mapping[str, Any],
    reports: int,
) -> Acceptable:
    """Return what may be written over ``before``, as close to ``merged`` as the rules allow."""
    if kind == "jobs.batch":
        return Acceptable(*job_status(merged, before, spec, reports))
    if kind == "pods":
        return _pod(merged, before, spec)
    status, kept = _within_replicas(kind, merged)
    if kind in _COLLIDING and _COUNT in before:
        known = _number(before, _COUNT)
        if known > _number(status, _COUNT):
            kept[_COUNT] = LOWER
        status = {**status, _COUNT: max(known, _number(status, _COUNT))}
    return Acceptable(status, kept)


def _within_replicas(kind: str, merged: Json) -> Acceptable:
    """Lower counters that exceed what they are part of, as another rule may have left them."""
    status, kept = merged, dict[str, str]()
    for name, whole in _PARTS.items() if kind in _REPLICATED else ():
        if _number(status, name) > _number(status, whole):
            status = {**status, name: _number(status, whole)}
            kept[name] = f"an API server takes no more than {whole}"
    return Acceptable(status, kept)


def _number(status: Mapping[str, Any], name: str) -> int:
    value = status.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def kept_patch(tree: Mapping[str, Any], kept: Mapping[str, str]) -> Json | None:
    """Return the merge patch of the annotation that says what is kept, or None if it is right."""
    note = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else None
    if annotations_of(tree).get(KEPT_STATUS) == note:
        return None
    return {"metadata": {"annotations": {KEPT_STATUS: note}}}


def _pod(merged: Json, before: Mapping[str, Any], spec: Mapping[str, Any]) -> Acceptable:
    """A Pod's end is final, and so is that of a container that is not started again."""
    if before.get("phase") in DONE:
        differs = merged.get("phase") != before["phase"]
        return Acceptable(dict(before), {"phase": _ENDED} if differs else {})
    status, kept = dict(merged), dict[str, str]()
    policy = spec.get("restartPolicy") or "Always"
    for name in _CONTAINERS:
        ended = {
            one.get("name"): one
            for one in before.get(name) or ()
            if policy != "Always" and _has_ended(one, policy)
        }
        if not ended:
            continue
        now: dict[Any, Json] = {one.get("name"): one for one in status.get(name) or ()}
        if any(now.get(who, one).get("state") != one.get("state") for who, one in ended.items()):
            kept[name] = _ENDED
        status[name] = list((now | ended).values())
    if (qos := before.get("qosClass")) and merged.get("qosClass") != qos:
        status["qosClass"] = qos
    return Acceptable(status, kept)


def _has_ended(container: Mapping[str, Any], policy: str) -> bool:
    ended: Json = (container.get("state") or {}).get("terminated") or {}
    return bool(ended) and (policy == "Never" or not ended.get("exitCode"))
