"""The scheduler: decides all Placements again whenever anything they depend on changes.

One pass at a time over everything; deciding is cheap and pure, and only differences are written.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole.backoff import Backoff
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
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Json, Kind, ObjectKey
from tmcconsole.placement.api import (
    DEFAULT_LOCATION,
    LOCATIONS,
    PLACEMENTS,
    SYNC_TARGETS,
    Location,
    SyncTarget,
    read_location,
    read_placement,
    read_sync_target,
)
from tmcconsole.placement.decided import Decided, moved
from tmcconsole.placement.decisions import Decisions
from tmcconsole.placement.namespace_labels import plan_namespace
from tmcconsole.placement.report import (
    location_status,
    namespace_status,
    placement_annotation,
    placement_status,
)
from tmcconsole.placement.select import INVALID_SELECTOR, decide
from tmcconsole.runtime import Runtime
from tmcconsole.sync.assignment.duties import Duties
from tmcconsole.sync.state.hub import Hub
from tmcconsole.tmc.history.history import History

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0  # after a conflicting write: the next pass computes it again
BACKOFF: Final = Backoff(first_s=2 * RETRY_S, cap_s=30.0)  # while the hub does not respond
REFUSED_S: Final = 60.0  # the hub rejects a write: it would at once reject it again
IDLE_S: Final = 3600.0


@dataclass(slots=True)
class Sources:
    """The caches that decisions depend on."""

    targets: Informer
    locations: Informer
    placements: Informer

    @property
    def synced(self) -> bool:
        """True once all are listed: before that nothing is decided."""
        return self.targets.synced and self.locations.synced and self.placements.synced


@dataclass(slots=True)
class Scheduler:
    """Owns the decisions; writes Placements' status and namespaces' labels in the hub."""

    runtime: Runtime
    hub: Hub
    sources: Sources
    decisions: Decisions
    on_decided: Callable[[], None]  # decisions have changed
    history: History
    duties: Duties = field(default_factory=Duties)  # decisions are written by who leads
    _failures: int = 0  # consecutive passes that failed for lack of the hub
    _wake: anyio.Event = field(default_factory=anyio.Event)

    def notice(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        """Handle an event of one of the sources, or of a namespace."""
        if kind.id == NAMESPACES.id:
            self.decisions.forget(key.name)
            if old is not None and new is not None and old.content_digest == new.content_digest:
                return
        if kind.id == SYNC_TARGETS.id and self._is_heartbeat(old, new):
            return
        self._wake.set()

    def wake(self) -> None:
        """Start a pass soon: the hub responds again."""
        self._wake.set()

    async def run(self) -> None:
        """Decide again at every change, and when time makes a difference; until cancelled."""
        while True:
            self._wake = anyio.Event()
            wait = await self.run_once() if self._is_ready() else RETRY_S
            with anyio.move_on_after(wait):
                await self._wake.wait()

    async def run_once(self) -> float:
        """Make one pass; return the seconds until the next one is due even if nothing changes."""
        try:
            due = [await self._ensure_default_location()]
            self._decide()
            decided = list(self.decisions.decided.values())
            due += [await self._write_placement(one) for one in decided]
            due += await self._write_locations()
            due += await self._write_namespaces()
        except KubeError as error:
            log.warning("scheduling will be retried: %s", error)
            self._failures += 1
            return BACKOFF.delay(self._failures, self.runtime.rng)
        self._failures = 0
        wall = self.runtime.wall()
        due += [t.evict_after for t in self.targets() if t.evict_after > wall]
        later = [at - wall for at in due if at]
        return max(0.05, min(later)) if later else IDLE_S

    def targets(self) -> list[SyncTarget]:
        """Return all SyncTargets in the hub, by name."""
        found = self.sources.targets.objects()
        return [read_sync_target(entry.decode(), self.hub.cluster) for entry in found]

    def _is_ready(self) -> bool:
        return self.sources.synced and self.hub.namespaces.synced

    def _is_heartbeat(self, old: CachedObject | None, new: CachedObject | None) -> bool:
        if old is None or new is None or old.content_digest != new.content_digest:
            return False
        cluster = self.hub.cluster
        before = read_sync_target(old.decode(), cluster)
        return before.ready == read_sync_target(new.decode(), cluster).ready

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
        emptied = {t.key: t.leave_anyway for t in targets if t.leave_anyway and t.is_evicting(wall)}
        if self.decisions.replace(new, emptied):
            self.on_decided()

    async def _ensure_default_location(self) -> float:
        """As in kcp: where there is a SyncTarget, there is a Location that matches all."""
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
        bound = any(one.selects(self.decisions.labels(name)) for name in namespaces)
        marks = placement_annotation(tree, one.decision)
        again_at = await self._patch(PLACEMENTS, key, marks, self.sources.placements)
        if again_at:
            return again_at
        if marks and self.duties.leads:
            self._record_move(one)
        fresh = self.sources.placements.get(key)
        status = placement_status(
            fresh.decode() if fresh else tree, one.decision, bound=bound, wall=wall
        )
        return await self._patch(PLACEMENTS, key, status, self.sources.placements, "status")

    def _record_move(self, one: Decided) -> None:
        """Record that a Placement chose other targets than those its annotation named so far."""
        targets = {target.key: target for target in self.targets()}
        event, message = moved(one, targets, self.runtime.wall())
        self.history.record(
            "placement",
            event,
            at=self.runtime.wall(),
            subject=f"placements/{one.placement.name}",
            message=message,
        )

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
        decided = list(self.decisions.decided.values())
        is_readable = not any(one.decision.reason == INVALID_SELECTOR for one in decided)
        for cached in self.hub.namespaces.objects():
            labels = self.decisions.labels(cached.name)
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
        """Write one difference; return when to compute it again (Unix seconds), 0.0 if done."""
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
        """What the hub says about one object must not prevent the others from being written."""
        if not self.duties.leads:
            return 0.0
        wall = self.runtime.wall()
        try:
            await write()
        except (Conflict, NotFound):  # NotFound: the kind is not served now
            return wall + RETRY_S
        except (BadRequest, Forbidden, Invalid, TooLarge) as error:
            log.warning("the hub rejected the labels of %s %s: %s", informer.kind.kind, name, error)
            return wall + REFUSED_S
        return 0.0
