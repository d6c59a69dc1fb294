"""Hub objects and namespaces as plain trees, valid by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import merge_patch
from tmcconsole.sync.names.markers import (
    ASSIGNED,
    DELETION,
    FINALIZER,
    PLACED,
    SOFT_FINALIZER,
    STATE,
)

THEN = "2026-01-01T00:00:00Z"
NOW = "2026-02-02T00:00:00Z"


def make_tree(
    *,
    states: Mapping[str, str] | None = None,
    stamps: tuple[str, ...] = (),
    held: tuple[str, ...] = (),
    soft: tuple[str, ...] = (),
    assigned: bool = False,
    placed: bool = False,
    deleting: bool = False,
    name: str = "settings",
    **more: Any,
) -> Json:
    """Return a tree with the state machine's marks for the given target keys."""
    meta: Json = {
        "name": name,
        "namespace": "shop",
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "labels": {STATE + key: state for key, state in (states or {}).items()},
        "annotations": {DELETION + key: THEN for key in stamps}
        | {SOFT_FINALIZER + key: "wait" for key in soft}
        | ({ASSIGNED: "namespace"} if assigned else {})
        | ({PLACED: ""} if placed else {}),
        "finalizers": [FINALIZER + key for key in held],
    }
    if deleting:
        meta["deletionTimestamp"] = THEN
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **more}


def patched(tree: Json, patch: Json) -> Json:
    """Return the tree as the API server would have it after our merge patch."""
    result: Json = merge_patch(tree, patch)
    return result
