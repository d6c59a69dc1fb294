"""SyncTarget, Location and Placement as the scheduler reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from tmcconsole.config.policies import CONFLICT_POLICIES
from tmcconsole.config.problems import Unusable
from tmcconsole.config.settings import StatusRule
from tmcconsole.config.status_rules import status_rules
from tmcconsole.config.transform_reader import MAX_TRANSFORMS, Misplaced, read_transform
from tmcconsole.config.transforms import Match, Transform, Unreadable
from tmcconsole.contract.records import Pause
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Json, Kind, annotations_of, condition_of, labels_of
from tmcconsole.sync.assignment.closure import REFERENCED, WHOLE
from tmcconsole.sync.names.identity import TargetIdentity
from tmcconsole.sync.names.markers import (
    ALLOW_DELETES,
    CLUSTER_UID,
    LEAVE_ANYWAY,
    PAUSE,
    SYNCTARGETS,
)
from tmcconsole.sync.names.times import rfc3339, unix_time

_VERBS: Final = frozenset({"get", "list", "watch", "create", "patch", "delete"})
_STATUS: Final = frozenset({"status"})
SYNC_TARGETS: Final = Kind(
    "workload.kcp.io", "v1alpha1", "synctargets", "SyncTarget", False, _VERBS, _STATUS
)
LOCATIONS: Final = Kind(
    "scheduling.kcp.io", "v1alpha1", "locations", "Location", False, _VERBS, _STATUS
)
PLACEMENTS: Final = Kind(
    "scheduling.kcp.io", "v1alpha1", "placements", "Placement", False, _VERBS, _STATUS
)

ONE_TO_ANY: Final = "OneToAny"
ONE_TO_MANY: Final = "OneToMany"
SPREAD: Final = "Spread"
DEFAULT_LOCATION: Final = "default"

Selector = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SyncTarget:
    """A decoded SyncTarget."""

    identity: TargetIdentity
    labels: dict[str, str]
    unschedulable: bool
    evict_after: float  # Unix seconds, 0 = unset
    ready: bool
    pause: Pause | None
    cluster_uid: str  # recorded at first contact, "" before that
    allow_deletes_until: float
    heartbeat_at: float
    synced_kinds: frozenset[str]  # ids in status.syncedResources
    leave_anyway: str = ""  # who ordered that it be emptied whatever is lost by that

    @property
    def key(self) -> str:
        """kcp's SyncTarget key."""
        return self.identity.key

    @property
    def name(self) -> str:
        """The object's name."""
        return self.identity.name

    def is_evicting(self, wall: float) -> bool:
        """True once everything is to leave."""
        return bool(self.evict_after) and self.evict_after <= wall

    def pause_at(self, wall: float) -> Pause | None:
        """Return the pause in force, None if there is none or it has ended."""
        pause = self.pause
        return pause if pause and (not pause.until or pause.until > wall) else None


@dataclass(frozen=True, slots=True)
class Location:
    """A decoded Location."""

    name: str
    labels: dict[str, str]
    selector: Selector | None


@dataclass(frozen=True, slots=True)
class Placement:
    """A decoded Placement."""

    name: str
    uid: str
    strategy: str
    location_selectors: tuple[Selector, ...]
    namespace_selector: Selector | None
    current_keys: tuple[str, ...]  # from the last decision
    phase: str
    selected_location: str
    transforms: tuple[Transform, ...] = ()
    conflict_policy: str = ""  # see config/policies.py; "" = as configured
    dependencies: str = WHOLE  # or REFERENCED: workloads and what they need
    status_rules: tuple[StatusRule, ...] = ()


def read_sync_target(tree: Json, cluster: str) -> SyncTarget:
    """Decode a SyncTarget; ``cluster`` is the hub's logical cluster."""
    meta, spec, notes = tree["metadata"], _part(tree, "spec"), annotations_of(tree)
    ready = condition_of(tree, "Ready") or {}
    status = _part(tree, "status")
    return SyncTarget(
        identity=TargetIdentity(cluster, meta["name"], meta.get("uid", "")),
        labels=dict(labels_of(tree)),
        unschedulable=bool(spec.get("unschedulable")),
        evict_after=unix_time(spec.get("evictAfter")),
        ready=ready.get("status") == "True",
        pause=_read_pause(notes.get(PAUSE)),
        cluster_uid=notes.get(CLUSTER_UID, ""),
        allow_deletes_until=unix_time(notes.get(ALLOW_DELETES)),
        heartbeat_at=unix_time(status.get("lastSyncerHeartbeatTime")),
        synced_kinds=_synced_kinds(status),
        leave_anyway=notes.get(LEAVE_ANYWAY, ""),
    )


def _synced_kinds(status: Json) -> frozenset[str]:
    found = status.get("syncedResources")
    entries = found if isinstance(found, list) else ()
    names = [
        (str(entry.get("resource") or ""), str(entry.get("group") or ""))
        for entry in entries
        if isinstance(entry, dict)
    ]
    return frozenset(f"{name}.{group}" if group else name for name, group in names if name)


def read_location(tree: Json) -> Location:
    """Decode a Location."""
    selector = _selector(_part(tree, "spec").get("instanceSelector"))
    return Location(tree["metadata"]["name"], dict(labels_of(tree)), selector)


def read_placement(tree: Json) -> Placement:
    """Decode a Placement."""
    meta, spec, status = tree["metadata"], _part(tree, "spec"), _part(tree, "status")
    strategy, selectors = spec.get("strategy"), spec.get("locationSelectors")
    keys = annotations_of(tree).get(SYNCTARGETS, "")
    return Placement(
        name=meta["name"],
        uid=meta.get("uid", ""),
        strategy=strategy if strategy in (ONE_TO_MANY, SPREAD) else ONE_TO_ANY,
        location_selectors=tuple(one for one in selectors if _selector(one) is not None)
        if isinstance(selectors, list)
        else (),
        namespace_selector=_selector(spec.get("namespaceSelector")),
        current_keys=tuple(key for key in keys.split(",") if key),
        phase=str(status.get("phase") or "Pending"),
        selected_location=str(_part(status, "selectedLocation").get("locationName") or ""),
        transforms=read_transforms(spec.get("transforms"), meta["name"]),
        conflict_policy=CONFLICT_POLICIES.get(str(spec.get("conflictPolicy") or ""), ""),
        dependencies=REFERENCED if spec.get("dependencies") == REFERENCED else WHOLE,
        status_rules=read_status_rules(spec.get("statusRules"), meta["name"]),
    )


def read_status_rules(raw: object, placement: str) -> tuple[StatusRule, ...]:
    """Return the rules in a Placement's spec; invalid ones are replaced by a rule that says so."""
    if raw is None:
        return ()
    try:
        return status_rules(raw, Path())
    except Unusable as error:
        problem = f"Placement {placement}, statusRules: {error}; {error.fix}"
        return (StatusRule("*", "", problem=problem),)


def read_transforms(raw: object, placement: str) -> tuple[Transform, ...]:
    """Return the transforms in a Placement's spec.

    An invalid one stays in the list as such: the objects it is meant for must not sync without it.
    """
    if raw is None:
        return ()
    source = f"Placement {placement}"
    if not isinstance(raw, list) or len(raw) > MAX_TRANSFORMS:
        return (_unreadable("transforms", source, f"must be a list of up to {MAX_TRANSFORMS}"),)
    return tuple(_read_transform(entry, number, source) for number, entry in enumerate(raw))


def _read_transform(raw: object, number: int, source: str) -> Transform:
    name = f"transforms[{number}]"
    if not isinstance(raw, dict):
        return _unreadable(name, source, "must be an object")
    try:
        return read_transform(raw, source)
    except Misplaced as error:
        return _unreadable(name, source, f"{error.key or 'it'} {error}; {error.fix}")


def _unreadable(name: str, source: str, what: str) -> Transform:
    return Transform(name, source, Match(), (Unreadable(what),))


def _part(tree: Json, name: str) -> Json:
    """Return an object within another, {} if it is missing or not an object."""
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def _selector(value: object) -> Selector | None:
    return value if isinstance(value, dict) else None


def pause_text(pause: Pause) -> str:
    """Return a pause as written in the annotation."""
    document = {"until": rfc3339(pause.until) if pause.until else "", "by": pause.by}
    return orjson.dumps(document | {"why": str(pause.why), "by": str(pause.by)}).decode()


def _read_pause(text: str | None) -> Pause | None:
    if not text:
        return None
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        # Somebody asked for a pause and mistyped the details: pausing is the safe interpretation.
        return Pause(0.0, SafeText(), SafeText(text))
    return Pause(
        unix_time(document.get("until")),
        SafeText(document.get("by", "")),
        SafeText(document.get("why", "")),
    )
