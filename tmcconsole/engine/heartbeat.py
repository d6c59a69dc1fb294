"""The heartbeat of one target: four distinct conditions on its SyncTarget.

SyncerReady       the engine is connected to the cluster and working
HeartbeatReady    a heartbeat arrived within the timeout
APIImportsReady   every synced kind is listed on both sides
Ready             all of the above
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.placement.api import rfc3339

SYNCER: Final = "SyncerReady"
HEARTBEAT: Final = "HeartbeatReady"
IMPORTS: Final = "APIImportsReady"
READY: Final = "Ready"


@dataclass(frozen=True, slots=True)
class Signs:
    """What the conditions rest on."""

    connected: bool
    reason: str  # why not connected
    message: str
    heartbeat_lost: bool  # silent for longer than the timeout
    imports_missing: tuple[str, ...]  # kinds that cannot be listed, with the reason
    synced_resources: tuple[tuple[str, str, str], ...]  # (group, resource, version), sorted


def status_patch(tree: Json, signs: Signs, *, wall: float, beat: bool) -> Json | None:
    """Return the SyncTarget's status patch, None where it says so already.

    ``beat`` adds the heartbeat time, which alone is always a change.
    """
    before: Json = tree.get("status") or {}
    status: Json = {}
    conditions = _conditions(before, signs, wall)
    if conditions != before.get("conditions"):
        status["conditions"] = conditions
    resources = _resources(signs)
    if signs.connected and resources != before.get("syncedResources"):
        status["syncedResources"] = resources
    if beat:
        status["lastSyncerHeartbeatTime"] = rfc3339(wall)
    if not status:
        return None
    return {"metadata": fence(tree), "status": status}


def silence_patch(tree: Json, *, wall: float, silent_s: float) -> Json | None:
    """Return the patch that marks a SyncTarget nobody has been heard of, None where it is."""
    before: Json = tree.get("status") or {}
    message = f"no heartbeat for {int(silent_s)} s"
    told = {READY: "HeartbeatLost", HEARTBEAT: "HeartbeatLost"}
    found = before.get("conditions") or []
    kept = [entry for entry in found if entry.get("type") not in told]
    new = [_condition(kind, False, reason, message) for kind, reason in told.items()]
    conditions = kept + [_since(before, entry, wall) for entry in new]
    if {_essence(entry) for entry in conditions} == {_essence(entry) for entry in found}:
        return None
    return {"metadata": fence(tree), "status": {"conditions": conditions}}


def fence(tree: Json) -> Json:
    """Return the precondition of a status patch: a custom resource's takes any UID."""
    return {"resourceVersion": tree["metadata"]["resourceVersion"]}


def _conditions(before: Json, signs: Signs, wall: float) -> list[Json]:
    syncer = _condition(SYNCER, signs.connected, signs.reason, signs.message)
    lost = signs.heartbeat_lost
    heartbeat = _condition(HEARTBEAT, not lost, "HeartbeatLost", "the cluster does not answer")
    missing = "; ".join(signs.imports_missing)
    imports = _condition(IMPORTS, not missing, "KindsMissing", missing)
    # Neither a connection lost a moment ago nor one kind that cannot be listed makes a cluster
    # unready: only silence for longer than the timeout does.
    ready = {**heartbeat, "type": READY}
    return [_since(before, entry, wall) for entry in (ready, syncer, heartbeat, imports)]


def _condition(kind: str, holds: bool, reason: str, message: str) -> Json:
    if holds:
        return {"type": kind, "status": "True", "reason": "OK", "message": ""}
    return {"type": kind, "status": "False", "reason": reason, "message": message}


def _since(before: Json, condition: Json, wall: float) -> Json:
    """Keep the transition time while the status stays."""
    for old in before.get("conditions") or ():
        if old.get("type") == condition["type"] and old.get("status") == condition["status"]:
            return {**condition, "lastTransitionTime": old.get("lastTransitionTime")}
    return {**condition, "lastTransitionTime": rfc3339(wall)}


def _resources(signs: Signs) -> list[Json]:
    return [
        {"group": group, "resource": resource, "versions": [version], "state": "Accepted"}
        for group, resource, version in signs.synced_resources
    ]


def _essence(condition: Json) -> tuple[str, str, str]:
    return (
        str(condition.get("type")),
        str(condition.get("status")),
        str(condition.get("reason")),
    )


def summary(conditions: Sequence[Json]) -> tuple[bool, str, str]:
    """Return (ready, reason, message) of the Ready condition."""
    for entry in conditions:
        if entry.get("type") == READY:
            message = str(entry.get("message") or "")
            return entry.get("status") == "True", str(entry.get("reason") or ""), message
    return False, "NoHeartbeat", "no engine has reported yet"
