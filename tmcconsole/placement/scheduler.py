"""The scheduler: decides all Placements anew whenever something they rest on changed.

One pass at a time over everything; deciding is cheap and pure, and only differences are written.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole.config.settings import StatusRule
from tmcconsole.config.transforms import Transform
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    KubeError,
    NotFound,
    TooLarge,
)
from tmcconsole.kube.objects import (
    CachedObject,
    Json,
    Kind,
    ObjectKey,
    annotations_of,
    labels_of,
)
from tmcconsole.placement.api import (
    DEFAULT_LOCATION,
    LOCATIONS,
    NAMESPACES,
    PLACEMENTS,
    SPREAD,
    SYNC_TARGETS,
    Location,
    Placement,
    SyncTarget,
    read_location,
    read_placement,
    read_sync_target,
)
from tmcconsole.placement.decided import Decided, essence, told
from tmcconsole.placement.namespace_labels import plan_namespace
from tmcconsole.placement.report import (
    location_status,
    namespace_status,
    placement_annotation,
    placement_status,
)
from tmcconsole.placement.select import INVALID_SELECTOR, decide
from tmcconsole.runtime import Runtime
from tmcconsole.sync.assignment.closure import REFERENCED, WHOLE
from tmcconsole.sync.names.markers import PLACED, STATE
from tmcconsole.sync.state.hub import Hub

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0  # after a conflicting write: the next pass computes it anew
RETRY_CAP_S: Final = 30.0  # while the hub does not answer
REFUSED_S: Final = 60.0  # the hub refuses a write: it would again at once
IDLE_S: Final = 3600.0


@dataclass(slots=True)
class Sources:
    """The caches that decisions rest on."""

    targets: Informer
    locations: Informer
    placements: Informer

    @property
    def synced(self) -> bool:
        """True once all were listed: before that nothing is decided."""
        return self.targets.synced and self.locations.synced and self.placements.synced


@dataclass(slots=True)
class Scheduler:
    """Owns the decisions; writes Placements' status and namespaces' labels in the hub."""

    runtime: Runtime
    hub: Hub
    sources: Sources
    on_decided: Callable[[], None]  # decisions changed
    may_write: Callable[[], bool] = lambda: True  # False: another replica writes them down
    decided: dict[str, Decided] = field(default_factory=dict)  # by Placement name
    has_decided: bool = False  # once at least since the start
    _failures: int = 0  # passes in a row that the hub did not answer
    _wake: anyio.Event = field(default_factory=anyio.Event)
    _namespace_labels: dict[str, dict[str, str]] = field(default_factory=dict)
    # What ``_sending`` found, by namespace and target key; every object of a namespace asks.
    _sent: dict[str, dict[str, list[Placement]]] = field(default_factory=dict)

    def notice(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        """Take note of an event in one of the sources, or of a namespace."""
        if kind.id == NAMESPACES.id:
            self._namespace_labels.pop(key.name, None)
            self._sent.pop(key.name, None)
            if old is not None and new is not None and old.content_digest == new.content_digest:
                return
        if kind.id == SYNC_TARGETS.id and self._is_heartbeat(old, new):
            return
        self._wake.set()

    def wake(self) -> None:
        """Make a pass soon: the hub answers again."""
        self._wake.set()

    async def run(self) -> None:
        """Decide again at every change, and when time makes a difference; until cancelled."""
        while True:
            self._wake = anyio.Event()
            wait = await self.run_once() if self._is_ready() else RETRY_S
            with anyio.move_on_after(wait):
                await self._wake.wait()

    async def run_once(self) -> float:
        """Make one pass; return seconds until the next is due although nothing changes."""
        try:
            due = [await self._ensure_default_location()]
            self._decide()
            due += [await self._write_placement(one) for one in list(self.decided.values())]
            due += await self._write_locations()
            due += await self._write_namespaces()
        except KubeError as error:
            log.warning("scheduling will be tried again: %s", error)
            self._failures += 1
            ceiling = min(RETRY_CAP_S, RETRY_S * 2 ** min(self._failures, 10))
            return self.runtime.rng.uniform(ceiling / 2, ceiling)
        self._failures = 0
        wall = self.runtime.wall()
        due += [t.evict_after for t in self.targets() if t.evict_after > wall]
        later = [at - wall for at in due if at]
        return max(0.05, min(later)) if later else IDLE_S

    def targets(self) -> list[SyncTarget]:
        """Return all SyncTargets in the hub, by name."""
        found = self.sources.targets.objects()
        return [read_sync_target(entry.decode(), self.hub.cluster) for entry in found]

    def divided_among(self, namespace: str) -> tuple[str, ...] | None:
        """Return the target keys a Spread Placement divides replicas among, None without one.

        A cordoned target keeps what it has and gets no new namespace: only where the namespace is
        can replicas be.
        """
        labels = self._labels(namespace)
        for name in sorted(self.decided):
            one = self.decided[name]
            if one.placement.strategy == SPREAD and one.selects(labels):
                return tuple(key for key in one.decision.keys if STATE + key in labels)
        return None

    def transforms(self, namespace: str, key: str) -> tuple[Transform, ...] | None:
        """Return the transforms of all Placements that send a namespace to target ``key``.

        None where Placements brought it there and none says so any more: it is about to leave,
        and what was made of its objects until now must not change on the way.
        """
        sending = self._sending(namespace, key)
        if not sending and self._is_placed(namespace):
            return None
        return tuple(transform for one in sending for transform in one.transforms)

    def takes(self, namespace: str, key: str) -> str:
        """Return what of a namespace goes to target ``key``: WHOLE, REFERENCED, or "" as above."""
        sending = self._sending(namespace, key)
        if not sending and self._is_placed(namespace):
            return ""
        is_whole = not sending or any(one.dependencies == WHOLE for one in sending)
        return WHOLE if is_whole else REFERENCED

    def _sending(self, namespace: str, key: str) -> list[Placement]:
        """Those that select it and chose the target; else those of which that cannot be told."""
        known = self._sent.get(namespace, {}).get(key)
        if known is None:
            labels = self._labels(namespace)
            here = [one for _, one in sorted(self.decided.items()) if key in one.decision.keys]
            found = [one.placement for one in here if namespace and one.selects(labels)]
            unclear = [one.placement for one in here if one.decision.reason == INVALID_SELECTOR]
            known = found or unclear
            if namespace in self._namespace_labels:
                self._sent.setdefault(namespace, {})[key] = known
        return known

    def _is_placed(self, namespace: str) -> bool:
        found = self.hub.namespaces.get(ObjectKey("", namespace)) if namespace else None
        return found is not None and PLACED in annotations_of(found.decode())

    def status_rules(self, namespace: str) -> tuple[StatusRule, ...]:
        """Return how Placements that select a hub namespace want statuses merged, by name."""
        labels = self._labels(namespace)
        chosen = [self.decided[name] for name in sorted(self.decided)]
        return tuple(
            rule
            for one in chosen
            if one.placement.status_rules and one.selects(labels)
            for rule in one.placement.status_rules
        )

    def placed_keys(self) -> frozenset[str] | None:
        """Return the keys of all targets that Placements chose, None where one cannot be read.

        Cluster-scoped objects have no namespace to follow: they may go wherever anything may.
        """
        decisions = [one.decision for one in self.decided.values()]
        if any(decision.reason == INVALID_SELECTOR for decision in decisions):
            return None
        return frozenset(key for decision in decisions for key in decision.keys)

    def conflict_policy(self, namespace: str) -> tuple[str, str]:
        """Return the conflict policy asked for a namespace and the Placement's name, or ""."""
        for name in sorted(self.decided):
            placement = self.decided[name].placement
            if placement.conflict_policy and self.decided[name].selects(self._labels(namespace)):
                return placement.conflict_policy, name
        return "", ""

    def reason_for(self, namespace: str) -> str:
        """Return why objects of a namespace are where they are, for a person."""
        if not namespace:
            return "cluster-scoped: on hold on every target of any Placement until set to Sync"
        labels = self._labels(namespace)
        found = [
            told(name, one) for name, one in sorted(self.decided.items()) if one.selects(labels)
        ]
        return "; ".join(found) or "no Placement selects the namespace"

    def _is_ready(self) -> bool:
        return self.sources.synced and self.hub.namespaces.synced

    def _is_heartbeat(self, old: CachedObject | None, new: CachedObject | None) -> bool:
        if old is None or new is None or old.content_digest != new.content_digest:
            return False
        cluster = self.hub.cluster
        before = read_sync_target(old.decode(), cluster)
        return before.ready == read_sync_target(new.decode(), cluster).ready

    def _labels(self, namespace: str) -> Mapping[str, str]:
        known = self._namespace_labels.get(namespace)
        if known is None:
            found = self.hub.namespaces.get(ObjectKey("", namespace))
            known = dict(labels_of(found.decode())) if found else {}
            if found:  # a name that is not there must not be remembered: nothing would remove it
                self._namespace_labels[namespace] = known
        return known

    def _decide(self) -> None:
        targets = self.targets()
        locations: list[Location] = [
            read_location(entry.decode()) for entry in self.sources.locations.objects()
        ]
        wall = self.runtime.wall()
        new: dict[str, Decided] = {}
        for entry in self.sources.placements.objects():
            placement = read_placement(entry.decode())
            if not entry.deleting:
                decision = decide(placement, locations, targets, wall)
                new[placement.name] = Decided(placement, decision)
        changed = {name: essence(one) for name, one in new.items()} != {
            name: essence(one) for name, one in self.decided.items()
        }
        self.decided, self.has_decided = new, True
        self._sent.clear()
        if changed:
            self.on_decided()

    async def _ensure_default_location(self) -> float:
        """As in kcp: where there is a SyncTarget there is a Location that matches all."""
        here = self.sources.locations.get(ObjectKey("", DEFAULT_LOCATION))
        if here is not None or not len(self.sources.targets):
            return 0.0
        tree: Json = {
            "apiVersion": LOCATIONS.api_version,
            "kind": LOCATIONS.kind,
            "metadata": {"name": DEFAULT_LOCATION},
            "spec": {
                "resource": {
                    "group": SYNC_TARGETS.group,
                    "version": SYNC_TARGETS.version,
                    "resource": SYNC_TARGETS.resource,
                },
                "description": "All SyncTargets",
                "instanceSelector": {},
            },
        }
        locations = self.sources.locations
        writer = self.hub.writer
        return await self._write(
            lambda: writer.apply(LOCATIONS, tree, into=locations), locations, DEFAULT_LOCATION
        )

    async def _write_placement(self, one: Decided) -> float:
        key = ObjectKey("", one.placement.name)
        cached = self.sources.placements.get(key)
        if cached is None:
            return 0.0
        tree = cached.decode()
        wall = self.runtime.wall()
        namespaces = [entry.name for entry in self.hub.namespaces.objects()]
        bound = any(one.selects(self._labels(name)) for name in namespaces)
        marks = placement_annotation(tree, one.decision)
        again_at = await self._patch(PLACEMENTS, key, marks, self.sources.placements)
        if again_at:
            return again_at
        fresh = self.sources.placements.get(key)
        status = placement_status(
            fresh.decode() if fresh else tree, one.decision, bound=bound, wall=wall
        )
        return await self._patch(PLACEMENTS, key, status, self.sources.placements, "status")

    async def _write_locations(self) -> list[float]:
        targets, wall = self.targets(), self.runtime.wall()
        due = []
        for cached in self.sources.locations.objects():
            tree = cached.decode()
            patch = location_status(tree, read_location(tree), targets, wall)
            informer = self.sources.locations
            due.append(await self._patch(LOCATIONS, cached.key, patch, informer, "status"))
        return due

    async def _write_namespaces(self) -> list[float]:
        due: list[float] = []
        decided = list(self.decided.values())
        is_readable = not any(one.decision.reason == INVALID_SELECTOR for one in decided)
        for cached in self.hub.namespaces.objects():
            labels = self._labels(cached.name)
            selecting = [one for one in decided if one.selects(labels)]
            plan = plan_namespace(
                cached.decode(),
                tuple(choice.target for one in selecting for choice in one.decision.choices),
                selected=any(one.decision.location for one in selecting),
                may_leave=is_readable,
                wall=self.runtime.wall(),
            )
            due.append(await self._patch(NAMESPACES, cached.key, plan.patch, self.hub.namespaces))
            due.append(plan.again_at)
            due.append(await self._write_namespace_status(cached.key))
        return due

    async def _write_namespace_status(self, key: ObjectKey) -> float:
        fresh = self.hub.namespaces.get(key)
        patch = namespace_status(fresh.decode(), self.runtime.wall()) if fresh else None
        return await self._patch(NAMESPACES, key, patch, self.hub.namespaces, "status")

    async def _patch(
        self, kind: Kind, key: ObjectKey, patch: Json | None, informer: Informer, sub: str = ""
    ) -> float:
        """Write one difference; return when to compute it again (Unix seconds), 0.0 for done."""
        if not patch:
            return 0.0
        writer = self.hub.writer
        return await self._write(
            lambda: writer.merge_patch(kind, key, patch, into=informer, subresource=sub),
            informer,
            key.name,
        )

    async def _write(
        self, write: Callable[[], Awaitable[CachedObject | None]], informer: Informer, name: str
    ) -> float:
        """What the hub says of one object must not keep the others from being written."""
        if not self.may_write():
            return 0.0
        wall = self.runtime.wall()
        try:
            await write()
        except (Conflict, NotFound):  # NotFound: the kind is not served now
            return wall + RETRY_S
        except (BadRequest, Forbidden, Invalid, TooLarge) as error:
            log.warning("the hub refuses to mark %s %s: %s", informer.kind.kind, name, error)
            return wall + REFUSED_S
        return 0.0
