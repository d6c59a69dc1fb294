"""The labels, annotations and finalizers the state machine lives in.

Upstream keys are kcp's (contrib-tmc, ``pkg/apis``); those under ``syncer.kcp.io`` are ours. K
stands for a SyncTarget key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tmcconsole.kube.objects import (
    Json,
    annotations_of,
    finalizers_of,
    labels_of,
)

MANAGER: Final = "tmc-console"  # the one field manager of every write

STATE: Final = "state.workload.kcp.io/"  # label + K: "" on hold, Sync, or Upsync
DELETION: Final = "deletion.internal.workload.kcp.io/"  # annotation + K: leave this target
SOFT_FINALIZER: Final = "finalizers.workload.kcp.io/"  # annotation + K: not empty = do not delete
FINALIZER: Final = "workload.kcp.io/syncer-"  # finalizer + K: a copy may exist on K
SPEC_DIFF: Final = "experimental.spec-diff.workload.kcp.io/"  # annotation + K: patch of .spec
STATUS_DIFF: Final = "diff.syncer.internal.kcp.io/"  # annotation + K: fields as K reports them
PROMOTED: Final = "##promoted##"  # in a report: the value is in the object's own field
OLD_STATUS: Final = "experimental.status.workload.kcp.io/"  # annotation + K: older kcp's report
SUMMARIZING: Final = "experimental.summarizing.workload.kcp.io"  # annotation: fields reported
PLACED: Final = "scheduling.kcp.io/placement"  # annotation on namespaces a Placement selects
FINISHED: Final = "finished.syncer.kcp.io/"  # annotation + K: JSON {uid, outcome, status}
SYNCTARGETS: Final = "internal.workload.kcp.io/synctarget"  # annotation on Placements: keys
TARGET_KEY: Final = "internal.workload.kcp.io/key"  # label on SyncTargets
DERIVED: Final = "experimental.workload.kcp.io/upsync-derived-resources"  # annotation on Services

UPSYNCED: Final = "syncer.kcp.io/upsynced"  # label on hub objects that a target owns: K
UPSYNC_RV: Final = "workload.kcp.io/rv"  # annotation there: version on the target, all of it copied
UPSYNC_DIFF: Final = "internal.workload.kcp.io/upsyncdiff"  # annotation on a target + K, as in kcp

CLUSTER: Final = "internal.workload.kcp.io/cluster"  # label on every copy: K
LOCATOR: Final = "kcp.io/namespace-locator"  # annotation on namespaces we made
TENANT: Final = "kcp.io/tenant-id"  # label on namespaces we made
ORIGIN: Final = "syncer.kcp.io/origin"  # annotation on every copy: see origin_of
DIGEST: Final = "syncer.kcp.io/desired"  # annotation on every copy: digest of what we applied
# Annotation on hub objects: JSON {SyncTarget: last heartbeat} of the silent ones whose last word
# the status still has.
STALE_STATUS: Final = "syncer.kcp.io/stale-status"
# Annotation on hub objects: JSON {field of the status: why it is not as the targets report it}.
KEPT_STATUS: Final = "syncer.kcp.io/kept-status"
ASSIGNED: Final = "syncer.kcp.io/assigned-by"  # annotation: the labels follow the namespace

PAUSE: Final = "syncer.kcp.io/pause"  # annotation on SyncTargets: JSON {until, by, why}
# On SyncTargets, by whom; on namespaces and objects the names of SyncTargets, or *: what is to
# leave goes although nothing replaces it.
LEAVE_ANYWAY: Final = "syncer.kcp.io/leave-anyway"
CLUSTER_UID: Final = "syncer.kcp.io/cluster-uid"  # annotation on SyncTargets: first contact
ALLOW_DELETES: Final = "syncer.kcp.io/allow-deletes"  # on SyncTargets and namespaces: until when

# Annotations on hub objects, written by users (and by ``CedeField``).
SWITCH: Final = "syncer.kcp.io/sync"  # annotation or label: enabled, disabled or pause
TARGETS: Final = "syncer.kcp.io/targets"  # annotation: only these SyncTargets, by name
EXCLUDE_TARGETS: Final = "syncer.kcp.io/exclude-targets"  # annotation: never these
POLICY: Final = "syncer.kcp.io/policy"  # annotation: immediate, batched or delayed
CONFLICT_POLICY: Final = "syncer.kcp.io/conflict-policy"  # who wins over a field
TAKEOVER: Final = "syncer.kcp.io/takeover"  # what foreign objects may be taken over
WRITE_MODE: Final = "syncer.kcp.io/write-mode"  # Apply, CreateOnly or ReportDiff
IGNORE_FIELDS: Final = "syncer.kcp.io/ignore-fields"  # pointers to fields left to the clusters
IGNORE_MANAGERS: Final = "syncer.kcp.io/ignore-managers"  # managers whose fields are left to them

APPLIED: Final = "syncer.kcp.io/applied"  # annotation on merged copies: digests of what we applied
LEASE: Final = "syncer.kcp.io/lease"  # label on our Leases: hub | target | replica
LEASE_OF: Final = "syncer.kcp.io/lease-of"  # annotation on Leases: K, or the replica's id
LEASE_TARGET: Final = "syncer.kcp.io/target"  # annotation on Leases: the SyncTarget's name
LEASE_SERVES: Final = "syncer.kcp.io/serves"  # annotation on a replica's: JSON {duty: ready}

SYNC: Final = "Sync"
UPSYNC: Final = "Upsync"


def state_keys(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return {target key: state} of an object's or namespace's state labels."""
    return _suffixes(labels_of(tree), STATE)


def is_upsynced(tree: Mapping[str, Any]) -> bool:
    """True for a hub object that a target owns: the state says so, or up-sync made it."""
    return UPSYNC in state_keys(tree).values() or UPSYNCED in labels_of(tree)


def deletion_keys(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return {target key: time} of the deletion stamps."""
    return _suffixes(annotations_of(tree), DELETION)


def soft_finalizer_keys(tree: Mapping[str, Any]) -> frozenset[str]:
    """Return the target keys for which somebody asks that deletion waits."""
    found = _suffixes(annotations_of(tree), SOFT_FINALIZER)
    return frozenset(key for key, value in found.items() if value)


def finalizer_keys(tree: Mapping[str, Any]) -> frozenset[str]:
    """Return the target keys whose syncer finalizer is set: a copy may exist there."""
    return frozenset(
        entry.removeprefix(FINALIZER)
        for entry in finalizers_of(tree)
        if entry.startswith(FINALIZER)
    )


def origin_of(hub_cluster: str, tree: Mapping[str, Any]) -> str:
    """Return what a copy says of its upstream object: cluster, namespace, name and UID.

    The UID makes a recreated upstream object a different origin.
    """
    meta = tree["metadata"]
    place = place_of(hub_cluster, meta.get("namespace") or "", meta["name"])
    return f"{place}/{meta.get('uid', '')}"


def place_of(hub_cluster: str, namespace: str, name: str) -> str:
    """Return what all objects that ever had this name in the hub have in common."""
    return f"{hub_cluster}/{namespace}/{name}"


def origin_uid(copy: Json) -> str:
    """Return the UID of the upstream object a copy was made from, "" if it does not say."""
    return annotations_of(copy).get(ORIGIN, "").rpartition("/")[2]


def is_ours(copy: Json, key: str, origin: str) -> bool:
    """True if both proofs hold: the target's label and the origin with the UID."""
    return labels_of(copy).get(CLUSTER) == key and annotations_of(copy).get(ORIGIN) == origin


def is_bookkeeping(name: str) -> bool:
    """True for a label or annotation of the state machine, which no copy may carry."""
    domain = name.partition("/")[0]
    return domain == "kcp.io" or domain.endswith(".kcp.io")


def _suffixes(strings: Mapping[str, str], prefix: str) -> dict[str, str]:
    found = [name for name in strings if name.startswith(prefix)]
    if len(found) > 1:
        found.sort()
    return {name.removeprefix(prefix): strings[name] for name in found}
