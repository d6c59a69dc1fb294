"""One connection to the hub and everything that lives on it: caches, scheduler, hub workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from anyio.abc import TaskGroup

from tmcconsole.config.settings import Settings
from tmcconsole.engine.connection.connect import (
    HubIdentity,
    discover_hub,
    hub_cluster,
    require_same,
    watch_identity,
)
from tmcconsole.engine.connection.informer_set import InformerSet
from tmcconsole.engine.connection.kind_standing import KindPair, keep_unknown
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.connection.rediscovery import Rediscovery
from tmcconsole.engine.connection.rights import Rights, hub_rights
from tmcconsole.engine.hub.failing import ErrorReporter, HubOutcomes
from tmcconsole.engine.hub.upsyncing import Upsyncing, kinds_above
from tmcconsole.engine.replicas.duty_watch import DutyWatch, ThisReplica
from tmcconsole.engine.replicas.leases import Leases
from tmcconsole.kube.cache.crd_informer import KnownDefinitions, watch_definitions
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.cache.informer_state import InformerState, Phase
from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.client.reader import Watcher
from tmcconsole.kube.errors import BadAnswer, KubeError
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Kind, ObjectKey, content_changed
from tmcconsole.placement.scheduler import Scheduler, Sources
from tmcconsole.runtime import Runtime, spawn
from tmcconsole.sync.assigner import Assigner
from tmcconsole.sync.assignment.duties import HUB, acting_for
from tmcconsole.sync.leaving.reconciler import LeavingSync
from tmcconsole.sync.queue.controller import Controller, Reconciler
from tmcconsole.sync.queue.workqueue import Item, WorkQueue
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.ledger import Ledger, ObjectRecords
from tmcconsole.sync.status.reconciler import StatusSync, wants_status
from tmcconsole.tmc.history.audit import AuditLog, Recalled
from tmcconsole.tmc.history.history import History

log = logging.getLogger(__name__)


@dataclass(slots=True)
class EngineContext:
    """What outlives a connection to the hub."""

    runtime: Runtime
    settings: Settings
    history: History
    audit: AuditLog
    records: ObjectRecords
    changed: Callable[[], None]  # something else shown on a screen changed
    myself: ThisReplica = field(default_factory=ThisReplica)
    past: tuple[Recalled, ...] = ()  # from earlier processes: what brakes must remember


@dataclass(slots=True)
class HubSession:
    """A connected hub. ``targets`` supervisors run in its task group."""

    context: EngineContext
    identity: HubIdentity
    discovery: Discovery
    client: Watcher  # changes go through the hub's writer
    shared: SyncContext
    scheduler: Scheduler
    sources: Sources
    probe: Probe
    upsyncing: Upsyncing
    leases: Leases | None = None  # None: this engine is the only one
    # What the targets serve in common with the hub, by target name.
    served: dict[str, dict[str, KindPair]] = field(default_factory=dict)
    on_kinds: list[Callable[[], None]] = field(default_factory=list)  # what the hub serves changed
    on_rights: list[Callable[[], None]] = field(default_factory=list)  # what we may do did
    definitions: KnownDefinitions = field(init=False)
    rights: Rights = field(init=False)
    # By target name: what is wanted on targets that have not answered since the start.
    unheard: dict[str, Ledger] = field(default_factory=dict)
    _mirrors: InformerSet | None = None
    _well: dict[Item, int] = field(default_factory=dict)  # see ``HubOutcomes``
    _again: Rediscovery = field(init=False)

    def __post_init__(self) -> None:
        runtime = self.context.runtime
        self._again = Rediscovery(runtime, self._look)
        self.definitions = watch_definitions(self.client, runtime, self._definitions_changed)
        self.rights = Rights(
            client=self.client,
            runtime=runtime,
            kinds=self._kinds,
            needs=hub_rights,
            wait_up=self.probe.wait_up,
            changed=self._rights_changed,
        )

    async def run(self, group: TaskGroup) -> None:
        """Start all of the hub's tasks in ``group``."""
        with acting_for(HUB):  # assignments and statuses are written in the name of targets
            self._start(group)

    def _start(self, group: TaskGroup) -> None:
        if self.leases is not None:
            sharing = DutyWatch(
                shared=self.shared,
                scheduler=self.scheduler,
                leases=self.leases,
                reassign_all=self.reassign_all,
                report_all=self.report_all,
            )
            sharing.begin()
            spawn(group, self.leases.run, name="leases")
            spawn(group, sharing.run, name="sharing")
        hub = self.shared.hub
        self._mirrors = InformerSet(
            group=group,
            name="hub",
            kinds=hub.kinds,
            make=self._make_informer,
            first_look=self._look_at_known,
        )
        self.upsyncing.start(group)
        self._follow_up()
        definitions = self.definitions.informer
        for informer in (hub.namespaces, definitions, *self._own_informers()):
            spawn(group, informer.run, name=f"hub informer {informer.kind.id}")
        spawn(group, self.probe.run, self._recovered, name="hub probe")
        who = partial(hub_cluster, self.client)
        runtime, wait_up = self.context.runtime, self.probe.wait_up
        identity = (who, self.identity.cluster, "the hub", runtime, wait_up)
        spawn(group, watch_identity, *identity, name="hub identity")
        spawn(group, self.scheduler.run, name="scheduler")
        spawn(group, self._again.run, name="hub discovery")
        spawn(group, self.rights.run, name="hub rights")
        self._work(group, "assign", hub.queue, Assigner(self.shared))
        self._work(group, "leaving", self.shared.stays.queue, LeavingSync(self.shared))
        self._work(group, "status", hub.statuses, StatusSync(self.shared, self.context.records))

    def _work(self, group: TaskGroup, name: str, queue: WorkQueue, reconciler: Reconciler) -> None:
        context, hub = self.context, self.shared.hub
        reporter = ErrorReporter(
            runtime=context.runtime,
            history=context.history,
            side="hub",
            name="hub",
            ledger=None,
            rights=self.rights,
            unmarked=self.shared.targets if queue is hub.queue else {},
        )
        controller = Controller(
            name=name,
            queue=queue,
            gate=self.probe,
            reconciler=reconciler,
            outcomes=HubOutcomes(
                reporter,
                other=hub.statuses if queue is hub.queue else hub.queue,
                well=self._well,
                unmerged=self.shared.unmerged,
            ),
            workers=context.settings.sync.workers,
        )
        spawn(group, controller.run, name=f"hub {name} controller")

    def serve(self, target: str, pairs: dict[str, KindPair]) -> None:
        """Note what a target shares with the hub, and watch the union in the hub."""
        self.served[target] = pairs
        self.follow()

    def follow(self) -> None:
        """Start and stop the hub's informers so that each kind shared with some target is
        watched.
        """
        assert self._mirrors is not None
        wanted: dict[str, Kind] = {}
        for pairs in self.served.values():
            wanted |= {id: pair.hub for id, pair in pairs.items()}
        started, stopped = self._mirrors.follow(wanted)
        for kind in stopped:
            self.shared.hub.queue.drop_lane(kind)
            self.shared.hub.statuses.drop_lane(kind)
        if started or stopped:
            log.info("watching %d kinds in the hub", len(self.shared.hub.kinds))
        self.rights.look_at(self.shared.hub.kinds)

    def _follow_up(self) -> None:
        sync = self.context.settings.sync
        wanted = kinds_above(self.discovery, sync, hub_runs_pods=self.identity.runs_pods)
        self.upsyncing.follow(wanted)

    def reassign_all(self) -> None:
        """Reconcile the assignment of every object: decisions or targets changed."""
        for id, watched in self.shared.hub.kinds.items():
            for cached in watched.informer.objects():
                self.shared.hub.queue.add(id, cached.key, backlog=True)
                if cached.status_digest:  # a Placement may say how it is merged
                    self.shared.hub.statuses.add(id, cached.key, backlog=True)

    def report_all(self) -> None:
        """Reconcile every object's status: who reports, or how old reports are, has changed."""
        for id, watched in self.shared.hub.kinds.items():
            for cached in watched.informer.objects():
                self.shared.hub.statuses.add(id, cached.key)

    def rediscover(self) -> None:
        """Run the hub's discovery soon."""
        self._again.soon()

    def _own_informers(self) -> tuple[Informer, ...]:
        return self.sources.targets, self.sources.locations, self.sources.placements

    async def _recovered(self) -> None:
        require_same(self.identity.cluster, await hub_cluster(self.client), "the hub")
        for watched in self.shared.hub.kinds.values():
            watched.informer.nudge()
        for informer in (self.shared.hub.namespaces, *self._own_informers()):
            informer.nudge()
        self.upsyncing.nudge()
        self._retry_failed()
        self.scheduler.wake()

    def _retry_failed(self) -> None:
        """A target's work needs the hub, too: it reads before it deletes."""
        hub = self.shared.hub
        for queue in (hub.queue, hub.statuses, *(t.queue for t in self.shared.targets.values())):
            queue.retry_failed()

    async def _look_at_known(self, kind: str) -> None:
        """Once a kind is listed in the hub, let the targets reconcile what they remember of it."""
        watched = self.shared.hub.kinds.get(kind)
        if watched is None:
            return
        await watched.informer.wait_synced()
        self.shared.referred.look_again()
        for target in self.shared.targets.values():
            target.look_at_known(kind)

    def _make_informer(self, kind: Kind) -> Informer:
        return Informer(
            self.client,
            kind,
            self.context.runtime,
            on_change=self._object_changed,
            on_state=self._informer_changed,
        )

    def _informer_changed(self, kind: Kind, state: InformerState) -> None:
        if state.phase is Phase.GONE or state.reason == BadAnswer.reason:
            self.rediscover()
        if state.phase is Phase.DENIED:
            self.rights.doubt(kind.id)
        for callback in self.on_rights:
            callback()

    def _rights_changed(self) -> None:
        self.rights.nudge_permitted(self.shared.hub.kinds)
        if not self.rights.missing:
            self._retry_failed()
        for callback in self.on_rights:
            callback()

    def _definitions_changed(self) -> None:
        self.shared.hub.ending = self.definitions.ending()
        self.rediscover()
        for callback in self.on_kinds:  # a schema may have changed, and nothing else
            callback()

    def _kinds(self) -> dict[str, Kind]:
        hub = self.shared.hub.kinds
        return {NAMESPACES.id: NAMESPACES} | {id: watched.kind for id, watched in hub.items()}

    def _object_changed(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        hub = self.shared.hub
        if content_changed(old, new):
            self.shared.referred.note(kind.id, key, new)
            watched = hub.kinds.get(kind.id)
            has_listed = watched is not None and watched.informer.synced
            hub.queue.add(kind.id, key, backlog=not has_listed)
            self.upsyncing.hub_changed(kind.id, key)
        # A reverted desired state has a new generation to be observed; labels say who counts.
        marked = new is not None and new.status_digest and content_changed(old, new)
        if wants_status(old, new) or marked:
            hub.statuses.add(kind.id, key)
        self.context.records.touch(kind.id, key)

    async def _look(self) -> None:
        await self.probe.wait_up()
        try:
            found = keep_unknown(await discover_hub(self.client), self.discovery)
        except KubeError as error:
            log.warning("discovery of the hub failed: %s", error)
            return
        if found != self.discovery:
            self.discovery = found
            self._follow_up()
            for callback in self.on_kinds:
                callback()
