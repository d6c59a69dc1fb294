"""The heartbeat of one target: distinct conditions on its SyncTarget.

SyncerReady       the engine is connected to the cluster and working
HeartbeatReady    a heartbeat arrived within the timeout
APIImportsReady   every kind that was synced is served on both sides, and fits
KindsWatched      every synced kind is listed and watched on both sides; absent until one was not
SyncerAuthorized  the account may do with the synced kinds what is needed; kcp's name
Ready             as HeartbeatReady
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sync.names.times import rfc3339

SYNCER: Final = "SyncerReady"
HEARTBEAT: Final = "HeartbeatReady"
IMPORTS: Final = "APIImportsReady"
AUTHORIZED: Final = "SyncerAuthorized"
WATCHED: Final = "KindsWatched"
READY: Final = "Ready"


@dataclass(frozen=True, slots=True)
class SyncedResource:
    """One entry of ``status.syncedResources``, in kcp's form."""

    group: str
    resource: str
    versions: tuple[str, ...]  # at least one
    state: str  # Pending, Accepted or Incompatible: kcp knows no other
    identity_hash: str = ""


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """The facts that the conditions depend on."""

    connected: bool
    reason: str  # why not connected
    message: str
    heartbeat_lost: bool  # no heartbeat for longer than the timeout
    imports_missing: tuple[str, ...]  # kinds that cannot be synced now, with the reason
    synced_resources: tuple[SyncedResource, ...]  # sorted
    unauthorized: tuple[str, ...] | None = None  # missing rights; None: not known yet
    stale: tuple[str, ...] = ()  # kinds that are not watched now, each with side and reason


def status_patch(tree: Json, signs: StatusInputs, *, wall: float, beat: bool) -> Json | None:
    """Return the SyncTarget's status patch, None if it is up to date.

    ``beat`` adds the heartbeat time, which by itself is always a change.
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
    """Return the patch that marks a SyncTarget without heartbeats, None if it is marked."""
    before: Json = tree.get("status") or {}
    # Written once for the whole silence: a time stays true, an age would not.
    message = f"no heartbeat since {rfc3339(wall - silent_s)}"
    told = {READY: "HeartbeatLost", HEARTBEAT: "HeartbeatLost"}
    found = before.get("conditions") or []
    kept = [entry for entry in found if entry.get("type") not in told]
    new = [_condition(kind, False, reason, message) for kind, reason in told.items()]
    conditions = kept + [_since(before, entry, wall) for entry in new]
    if {_essence(entry) for entry in conditions} == {_essence(entry) for entry in found}:
        return None
    return {"metadata": fence(tree), "status": {"conditions": conditions}}


def disconnected_patch(tree: Json, reason: str, message: str, *, wall: float) -> Json | None:
    """Return the patch that says why a target is not served now, None if it says so."""
    before: Json = tree.get("status") or {}
    found = before.get("conditions") or []
    new = _since(before, _condition(SYNCER, False, reason, message), wall)
    conditions = [entry for entry in found if entry.get("type") != SYNCER] + [new]
    if {_essence(entry) for entry in conditions} == {_essence(entry) for entry in found}:
        return None
    return {"metadata": fence(tree), "status": {"conditions": conditions}}


def fence(tree: Json) -> Json:
    """Return the precondition of a status patch: the status of a custom resource accepts any
    UID.
    """
    return {"resourceVersion": tree["metadata"]["resourceVersion"]}


def _conditions(before: Json, signs: StatusInputs, wall: float) -> list[Json]:
    syncer = _condition(SYNCER, signs.connected, signs.reason, signs.message)
    lost = signs.heartbeat_lost
    heartbeat = _condition(HEARTBEAT, not lost, "HeartbeatLost", "the cluster does not respond")
    missing = "; ".join(signs.imports_missing)
    imports = _condition(IMPORTS, not missing, "KindsMissing", missing)
    # Neither a connection just lost nor one kind that cannot be listed makes a cluster not ready:
    # only a missing heartbeat for longer than the timeout does.
    ready = {**heartbeat, "type": READY}
    new = [_since(before, entry, wall) for entry in (ready, syncer, heartbeat, imports)]
    return [*new, *_watched(before, signs, wall), *_authorized(before, signs, wall)]


def _watched(before: Json, signs: StatusInputs, wall: float) -> list[Json]:
    """Return the condition once a kind has ever been unwatched."""
    found = before.get("conditions") or ()
    if not signs.stale and all(entry.get("type") != WATCHED for entry in found):
        return []
    condition = _condition(WATCHED, not signs.stale, "KindsStale", "; ".join(signs.stale))
    return [_since(before, condition, wall)]


def _authorized(before: Json, signs: StatusInputs, wall: float) -> list[Json]:
    """The last known condition stays until the rights have been reviewed."""
    refused = signs.unauthorized
    if refused is None:
        found = before.get("conditions") or ()
        return [entry for entry in found if entry.get("type") == AUTHORIZED]
    message = f"the account may not {'; '.join(refused)}: grant it, see Rights in docs/operating.md"
    condition = _condition(AUTHORIZED, not refused, "SyncerUnauthorized", message)
    return [_since(before, condition, wall)]


def _condition(kind: str, holds: bool, reason: str, message: str) -> Json:
    if holds:
        return {"type": kind, "status": "True", "reason": "OK", "message": ""}
    return {"type": kind, "status": "False", "reason": reason, "message": message}


def _since(before: Json, condition: Json, wall: float) -> Json:
    """Return the transition time, preserved while the status stays the same."""
    for old in before.get("conditions") or ():
        if old.get("type") == condition["type"] and old.get("status") == condition["status"]:
            return {**condition, "lastTransitionTime": old.get("lastTransitionTime")}
    return {**condition, "lastTransitionTime": rfc3339(wall)}


def _resources(signs: StatusInputs) -> list[Json]:
    return [
        {
            "group": one.group,
            "resource": one.resource,
            "versions": list(one.versions),
            "state": one.state,
        }
        | ({"identityHash": one.identity_hash} if one.identity_hash else {})
        for one in signs.synced_resources
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
