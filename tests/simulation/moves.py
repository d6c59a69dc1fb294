"""R13: a copy leaves only once its replacement was seen to be as healthy, or on an order.

Judged by what the clusters answered the engine, not by what the engine remembers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation.marks import Parent, target_keys_wanting
from tmcconsole.sim.faces.cluster import SimCluster

Json = dict[str, Any]

PROOF_S: Final = 60.0  # how old the engine's own look at a replacement may be
LEAVE_ANYWAY: Final = "syncer.kcp.io/leave-anyway"
DEPLOYMENTS: Final = "deployments.apps"


@dataclass(slots=True)
class Moves:
    """What the engine has read about copies, and what people have ordered."""

    clusters: dict[str, SimCluster]
    keys: dict[str, str]  # SyncTarget key by target name
    now: Callable[[], float]
    # By cluster and UID of the hub object: when the engine read its copy there, and what it saw.
    _seen: dict[tuple[str, str], tuple[float, Json]] = field(default_factory=dict)
    judged: int = 0  # moves that nobody had ordered

    def seen(self, cluster: str, copy: Json) -> None:
        """Take note that the engine has read a copy from its cluster."""
        try:
            uid = Parent.of_origin(copy).uid
        except (KeyError, ValueError):
            return
        self._seen[cluster, uid] = self.now(), copy

    def complaint(self, cluster: str, kind: str, gone: Json, parent: Parent) -> str:
        """Return what is wrong with deleting a copy, or "" if nothing is."""
        hub = self.clusters["hub"].store
        source = hub.get(kind, *parent.key)
        if source is None or source["metadata"]["uid"] != parent.uid:
            return ""
        if source["metadata"].get("deletionTimestamp") or self._is_ordered(cluster, source):
            return ""
        self.judged += 1
        here = self.keys[cluster]
        others = [
            name
            for name, key in self.keys.items()
            if key != here and key in target_keys_wanting(source)
        ]
        seen = [self._seen[name, parent.uid] for name in others if (name, parent.uid) in self._seen]
        fresh = [copy for at, copy in seen if at >= self.now() - PROOF_S]
        if not fresh:
            return f"nothing that replaces it was looked at; it is to be on {others}"
        if kind != DEPLOYMENTS:
            return ""
        ready, desired = _ready(gone), source["spec"].get("replicas", 1)
        if self._is_divided(source):
            lacking = max(0, gone["spec"]["replicas"] - ready)
            there, needed = sum(map(_ready, fresh)), desired - lacking
        else:
            there, needed = max(map(_ready, fresh)), min(ready, desired)
        return f"{there} were ready elsewhere, not {needed}" if there < needed else ""

    def shrinking(self, cluster: str, before: Json, after: Json, parent: Parent) -> str:
        """Return what is wrong with taking replicas from a divided copy, or "" if nothing is."""
        source = self.clusters["hub"].store.get(DEPLOYMENTS, *parent.key)
        if source is None or source["metadata"]["uid"] != parent.uid:
            return ""
        fewer, ready = after["spec"]["replicas"], _ready(before)
        if not self._is_divided(source) or fewer >= ready:
            return ""
        desired = source["spec"].get("replicas", 1)
        copies = [self.clusters[name].store for name in self.keys if name != cluster]
        found = [
            copy
            for store in copies
            for copy in store.trees(DEPLOYMENTS)
            if _uid_of_parent(copy) == parent.uid
        ]
        there = sum(map(_ready, found))
        if there + fewer < min(desired, there + ready):
            return f"{there} ready elsewhere and {fewer} left are fewer than {desired}"
        return ""

    def _is_ordered(self, cluster: str, source: Json) -> bool:
        hub, name = self.clusters["hub"].store, source["metadata"].get("namespace") or ""
        target = hub.get("synctargets.workload.kcp.io", "", cluster)
        space = hub.get("namespaces", "", name) if name else None
        marked = [one for one in (target, space, source) if one is not None]
        return any((one["metadata"].get("annotations") or {}).get(LEAVE_ANYWAY) for one in marked)

    def _is_divided(self, source: Json) -> bool:
        hub = self.clusters["hub"].store
        space = hub.get("namespaces", "", source["metadata"]["namespace"])
        label = ((space or {}).get("metadata", {}).get("labels") or {}).get("app")
        return any(
            one["spec"]["strategy"] == "Spread"
            and one["spec"]["namespaceSelector"]["matchLabels"] == {"app": label}
            for one in hub.trees("placements.scheduling.kcp.io")
        )


def _ready(copy: Json) -> int:
    return int((copy.get("status") or {}).get("readyReplicas") or 0)


def _uid_of_parent(copy: Json) -> str:
    try:
        return Parent.of_origin(copy).uid
    except (KeyError, ValueError):
        return ""
