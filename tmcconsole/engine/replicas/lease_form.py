"""Leases as written and read: ``coordination.k8s.io/v1``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from tmcconsole.engine.replicas.election import ObservedLease
from tmcconsole.kube.objects import CachedObject, Json, Kind, annotations_of
from tmcconsole.sync.names.markers import LEASE, LEASE_SERVES

LEASES: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")


def read_lease(cached: CachedObject, now: float) -> ObservedLease:
    """Return a Lease as seen at ``now``; an invalid one counts as missing."""
    tree = cached.decode()
    spec = tree.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    duration = spec.get("leaseDurationSeconds")
    transitions = spec.get("leaseTransitions")
    return ObservedLease(
        uid=cached.uid,
        resource_version=cached.resource_version,
        holder=str(spec.get("holderIdentity") or ""),
        duration_s=float(duration) if isinstance(duration, int) else 0.0,
        transitions=transitions if isinstance(transitions, int) else 0,
        serves=_serves(annotations_of(tree).get(LEASE_SERVES, "")),
        changed_at=now,
    )


def new_lease(
    name: str, namespace: str, role: str, notes: Mapping[str, str], spec: Mapping[str, Any]
) -> Json:
    """Return a Lease to create."""
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {LEASE: role},
            "annotations": dict(notes),
        },
        "spec": dict(spec),
    }


def taken(me: str, seen: ObservedLease | None, duration_s: float, wall: float) -> Json:
    """Return the spec that makes a Lease ours."""
    transitions = seen.transitions + (seen.holder != me) if seen else 0
    at = micro_time(wall)
    return {
        "holderIdentity": me,
        "leaseDurationSeconds": round(duration_s),
        "leaseTransitions": transitions,
        "acquireTime": at,
        "renewTime": at,
    }


def renewed(wall: float) -> Json:
    """Return what changes in the spec when it is renewed."""
    return {"renewTime": micro_time(wall)}


def freed(wall: float) -> Json:
    """Return the spec changes that give it up, so that the next replica takes it at once."""
    return {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": micro_time(wall)}


def patch_of(
    seen: ObservedLease, spec: Mapping[str, Any], notes: Mapping[str, str] | None = None
) -> Json:
    """Return the merge patch of a Lease, conditional on the version seen."""
    metadata: Json = {"uid": seen.uid, "resourceVersion": seen.resource_version}
    if notes:
        metadata["annotations"] = dict(notes)
    return {"metadata": metadata, "spec": dict(spec)}


def serves_text(serves: Mapping[str, bool]) -> str:
    """Return a replica's description of itself, as in the annotation."""
    return orjson.dumps(dict(sorted(serves.items()))).decode()


def micro_time(wall: float) -> str:
    """Return Unix seconds as Kubernetes writes a MicroTime."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _serves(text: str) -> dict[str, bool]:
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {duty: ready for duty, ready in found.items() if isinstance(ready, bool)}
