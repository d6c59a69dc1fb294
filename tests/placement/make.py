"""SyncTargets, Locations and Placements as values, valid by default."""

from __future__ import annotations

from typing import Any

from tmcconsole.kube.objects import Json
from tmcconsole.placement.api import (
    ONE_TO_ANY,
    Location,
    Placement,
    Selector,
    SyncTarget,
)
from tmcconsole.sync.names.identity import TargetIdentity

WALL = 1_800_000_000.0
ANYWHERE: Selector = {}


def make_target(
    name: str,
    *,
    ready: bool = True,
    cordoned: bool = False,
    evict_after: float = 0.0,
    **labels: str,
) -> SyncTarget:
    return SyncTarget(
        TargetIdentity("hub", name, f"uid-{name}"),
        labels,
        cordoned,
        evict_after,
        ready,
        None,
        "",
        0.0,
        0.0,
        frozenset(),
    )


def make_location(
    name: str = "default", selector: Selector | None = ANYWHERE, **labels: str
) -> Location:
    return Location(name, labels, selector)


def make_placement(
    strategy: str = ONE_TO_ANY,
    *,
    current: tuple[SyncTarget, ...] = (),
    uid: str = "uid-placement",
    **more: Any,
) -> Placement:
    settings: dict[str, Any] = {
        "name": "shop",
        "uid": uid,
        "strategy": strategy,
        "location_selectors": (ANYWHERE,),
        "namespace_selector": {"matchLabels": {"app": "shop"}},
        "current_keys": tuple(target.key for target in current),
        "phase": "Bound",
        "selected_location": "default",
    }
    return Placement(**(settings | more))


def make_tree(kind: str = "Placement", **meta: Any) -> Json:
    return {"kind": kind, "metadata": {"name": "shop", "uid": "u", "resourceVersion": "7", **meta}}
