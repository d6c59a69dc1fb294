"""What the hub should hold for an object that a target owns: kcp's upsync, the pure part.

Rules: kcp's upsyncer (contrib-tmc, ``pkg/syncer/upsync``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json, Kind, annotations_of, finalizers_of, labels_of
from tmcconsole.kube.trees.json_patch import (
    Operations,
    PatchInvalid,
    apply_patch,
    places,
    read_patch,
)
from tmcconsole.sync.desired.build import OWN_ANNOTATIONS, Desired
from tmcconsole.sync.names.identity import Locator, TargetIdentity
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DERIVED,
    DIGEST,
    FINALIZER,
    LOCATOR,
    ORIGIN,
    STATE,
    UPSYNC,
    UPSYNC_DIFF,
    UPSYNCED,
    deletion_keys,
    is_bookkeeping,
    origin_of,
    state_keys,
)
from tmcconsole.sync.policy import Refusal, refuse

_NOT_TO_TOUCH: Final = frozenset({"apiVersion", "kind", "metadata"})


@dataclass(frozen=True, slots=True)
class Lifted:
    """An object as the hub should have it. ``status`` is written separately, after the rest."""

    desired: Desired
    status: Json | None


def is_selected(tree: Mapping[str, Any], key: str) -> bool:
    """True if an object on target ``key`` has both labels that upsync it."""
    labels = labels_of(tree)
    return labels.get(CLUSTER) == key and labels.get(STATE + key) == UPSYNC


def lift(kind: Kind, tree: Mapping[str, Any], *, key: str, namespace: str) -> Lifted | Refusal:
    """Return what the hub should hold in ``namespace`` for ``tree`` on target ``key``.

    ``kind`` is the hub's: without a status subresource, the status is in the object itself.
    """
    body: Json = {name: value for name, value in tree.items() if name not in ("metadata", "status")}
    status = tree.get("status")
    found = _patched({**body, "status": status} if status else body, tree, key)
    if isinstance(found, Refusal):
        return found
    status = found.pop("status", None)
    if status and "status" not in kind.subresources:
        found["status"], status = status, None
    if kind.id == "pods":  # a separate subresource, which no update of the pod changes
        (found.get("spec") or {}).pop("ephemeralContainers", None)
    found |= {"apiVersion": kind.api_version, "kind": kind.kind}
    found["metadata"] = _metadata(tree, key, namespace)
    canonical = orjson.dumps(found, option=orjson.OPT_SORT_KEYS)
    digest = blake2b(canonical, digest_size=8).hexdigest()
    found["metadata"]["annotations"][DIGEST] = digest
    return Lifted(Desired(found, digest), status if isinstance(status, dict) else None)


def is_lifted(tree: Mapping[str, Any], key: str, place: str) -> bool:
    """True if we made the hub object from what is at ``place`` on target ``key``.

    All three say so: our label, finalizer and origin. The state label is kcp's, for everybody; if
    removed, it is restored.
    """
    return (
        labels_of(tree).get(UPSYNCED) == key
        and FINALIZER + key in finalizers_of(tree)
        and annotations_of(tree).get(ORIGIN, "").rpartition("/")[0] == place
    )


def judge_locator(tree: Mapping[str, Any], target: TargetIdentity, cluster: str) -> Refusal | None:
    """Return why a cluster-scoped object is not upsynced: it must name its destination itself."""
    text = annotations_of(tree).get(LOCATOR)
    try:
        found = Locator.from_json(text) if text is not None else None
    except ValueError:
        found = None
    if found == Locator(target, cluster, ""):
        return None
    return refuse(
        "LocatorMissing",
        f"a cluster-scoped object goes up with the annotation {LOCATOR} of this target",
    )


def why_not_derived(
    service: Mapping[str, Any] | None, copy: Mapping[str, Any] | None, key: str
) -> str:
    """Return why the Endpoints of a Service are not upsynced, "" if they are.

    ``service`` is the hub's and requests it by annotation; ``copy`` is on the target.
    """
    if service is None:
        return "the hub has no such Service"
    wanted = annotations_of(service).get(DERIVED, "").split(",")
    if "endpoints" not in [entry.strip() for entry in wanted]:
        return "the Service does not ask for its endpoints"
    if service["metadata"].get("deletionTimestamp") or key in deletion_keys(service):
        return "the Service is leaving"
    if state_keys(service).get(key) != "Sync":
        return "the Service is not synced here"
    if copy is None or copy["metadata"].get("deletionTimestamp"):
        return "the Service is not on the target"
    if labels_of(copy).get(CLUSTER) != key:
        return "the Service on the target is not ours"
    if copy["metadata"].get("ownerReferences") or service["metadata"].get("ownerReferences"):
        return "the Service belongs to something else"
    return ""


def _patched(body: Json, tree: Mapping[str, Any], key: str) -> Json | Refusal:
    text = annotations_of(tree).get(UPSYNC_DIFF + key)
    if text is None:
        copied: Json = orjson.loads(orjson.dumps(body))
        return copied
    try:
        patched: Json = apply_patch(body, _read_diff(text))
    except PatchInvalid as error:
        message = f"the annotation {UPSYNC_DIFF}{key} cannot be applied: {error}"
        return refuse("UpsyncDiffInvalid", message)
    return patched


def _read_diff(text: str) -> Operations:
    operations = read_patch(text)
    if any(not place or place[0] in _NOT_TO_TOUCH for place in places(operations)):
        raise PatchInvalid("metadata, apiVersion and kind are not its to touch")
    return operations


def _metadata(tree: Mapping[str, Any], key: str, namespace: str) -> Json:
    labels = {k: v for k, v in labels_of(tree).items() if not is_bookkeeping(k)}
    notes = {
        name: value
        for name, value in annotations_of(tree).items()
        if not is_bookkeeping(name) and name not in OWN_ANNOTATIONS
    }
    place = {"namespace": namespace} if namespace else {}
    return {
        "name": tree["metadata"]["name"],
        **place,
        "labels": {**labels, STATE + key: UPSYNC, UPSYNCED: key},
        "annotations": {**notes, ORIGIN: origin_of(key, tree)},
        "finalizers": [FINALIZER + key],
    }
