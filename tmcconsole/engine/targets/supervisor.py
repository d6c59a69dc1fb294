"""The supervisor of one target: connects, serves, notices loss, connects again. Forever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from tmcconsole.contract.records import TargetState
from tmcconsole.engine.connection.connect import (
    SetupError,
    cluster_uid,
    dial,
    require_same,
    watch_identity,
)
from tmcconsole.engine.connection.informer_set import InformerSet
from tmcconsole.engine.connection.kind_standing import keep_unknown
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.hub.failing import ErrorReporter, message_of, understand
from tmcconsole.engine.hub.upsyncing import UpWiring, make_side, sweep
from tmcconsole.engine.replicas.fence import Fenced
from tmcconsole.engine.targets.event_mirror import EventWatch
from tmcconsole.engine.targets.heartbeat import Heartbeat, tell_disconnected
from tmcconsole.engine.targets.shared_kinds import KindMemory, SharedKinds
from tmcconsole.engine.targets.target_state import Stance
from tmcconsole.engine.targets.wiring import Wiring, make_target
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery, discover
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import KubeError, Unreachable
from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.placement.api import SYNC_TARGETS, SyncTarget
from tmcconsole.runtime import Transport, spawn
from tmcconsole.sync.assignment.duties import acting_for
from tmcconsole.sync.crd_sync import FOLLOW_S, Definitions
from tmcconsole.sync.deletion.namespace_gc import LOOK_S, NamespaceGC
from tmcconsole.sync.down.reconciler import DownSync
from tmcconsole.sync.names.markers import CLUSTER_UID
from tmcconsole.sync.policy import FOLLOW
from tmcconsole.sync.queue.controller import Controller
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.up.events import EventMirror
from tmcconsole.sync.up.reconciler import UpSync
from tmcconsole.tmc.errors import ErrorType

log = logging.getLogger(__name__)

RETRY_FIRST_S: Final = 1.0
RETRY_CAP_S: Final = 30.0
HEALTHY_S: Final = 60.0  # served for so long, the next failure is a first again
WAIT_S: Final = 1.0  # for a SyncTarget that is not in the hub yet


@dataclass(slots=True)
class Supervisor(Stance):
    """Owns one target's connection and what works on it."""

    target: Target | None = None  # as of the last connection
    probe: Probe | None = None
    heartbeat: Heartbeat | None = None
    kinds: KindMemory = field(default_factory=KindMemory)
    sharing: SharedKinds | None = None  # of the connection there is now
    cluster_uid: str = ""
    _up: UpWiring | None = None
    _wiring: Wiring | None = None
    _failures: int = 0  # in a row, without a healthy while between them
    _served_from: float = 0.0  # monotonic; 0 = the last try did not get so far

    @property
    def is_ready(self) -> bool:
        """True where we could write there this moment: connected, and all is listed."""
        target, probe = self.target, self.probe
        if target is None or probe is None or not probe.is_up or not self.is_connected:
            return False
        watched = [one.informer for one in target.kinds.values()]
        return all(informer.synced for informer in (target.namespaces, *watched))

    async def run(self) -> None:
        """Serve the target until cancelled; one that fails harms no other."""
        self.session.on_kinds.append(self._look_at_kinds)
        self.session.on_rights.append(self._hub_rights_changed)
        await self.session.sources.targets.wait_synced()
        if self.session.leases is not None:
            await self.session.leases.wait_looked()
        with acting_for(self.key):
            await self._run()

    async def _run(self) -> None:
        while True:
            try:
                await self._serve(await self._registered())
            except* KubeError as group:
                await self._failed(_first(group))
            except* Exception as group:
                log.exception("target %s failed unexpectedly", self.name)
                await self._failed(_first(group))

    async def _registered(self) -> SyncTarget:
        """Wait until the hub has the SyncTarget."""
        while True:
            found = self.sync_target()
            if found is not None:
                return found
            self._enter(
                TargetState.REFUSED,
                "SyncTargetMissing",
                f"the hub has no SyncTarget {self.name}: run tmc-console init --install, or take "
                "the target out of the config",
            )
            await self.session.context.runtime.sleep(WAIT_S)

    async def _serve(self, registered: SyncTarget) -> None:
        """Connect once and work until something ends it; always by an exception."""
        if not self._failures:  # after a failure it stays what it is until it is connected
            self._enter(TargetState.CONNECTING, "", "")
        client = await dial(self.session.context.runtime, self.name, self._fenced)
        try:
            await self._check_identity(client, registered)
            self.kinds.known |= registered.synced_kinds
            self.kinds.discovery = keep_unknown(await discover(client), self.kinds.discovery)
            async with anyio.create_task_group() as group:
                await self._start(group, client, registered)
                self._served_from = self.session.context.runtime.now()
                self._enter_work()
                await self._watch_over(registered)
        finally:
            self.sharing = None
            with anyio.CancelScope(shield=True):
                await client.aclose()

    def _fenced(self, open: Transport) -> Transport:
        leases = self.session.leases
        return Fenced(open, leases.holds, self.key) if leases else open

    async def _check_identity(self, client: Reader, registered: SyncTarget) -> None:
        """Another cluster behind the same name is another target: stop and say so."""
        uid = await cluster_uid(client)
        self.cluster_uid = uid
        require_same(registered.cluster_uid or uid, uid, self.name)
        if not registered.cluster_uid and self._holds():
            patch = {
                "metadata": {
                    "annotations": {CLUSTER_UID: uid},
                    "labels": {"internal.workload.kcp.io/key": registered.key},
                }
            }
            key = ObjectKey("", self.name)
            await self.session.shared.hub.writer.merge_patch(
                SYNC_TARGETS,
                key,
                patch,
                into=self.session.sources.targets,
                uid=registered.identity.uid,
            )

    async def _start(self, group: TaskGroup, client: Client, registered: SyncTarget) -> None:
        session, context = self.session, self.session.context
        wiring = self._wiring = Wiring(session, client)
        target = make_target(wiring, registered, self.target, lambda: self.sync_target())
        wiring.target = self.target = target
        target.is_connected = lambda: self.is_connected
        mirrors = InformerSet(
            group, self.name, target.kinds, wiring.make_informer, wiring.when_synced
        )
        heard_at = self.probe.contact_at if self.probe else 0.0
        self.probe = Probe(client, context.runtime, context.changed, contact_at=heard_at)
        sync = replace(context.settings.sync, **dict(self.settings.overrides))
        sharing = SharedKinds(session, sync, client, target, mirrors, self.probe, self.kinds)
        wiring.on_state, doubt = sharing.informer_changed, sharing.rights.doubt
        failing = ErrorReporter(
            context.runtime, context.history, "target", self.name, target.ledger, doubt
        )
        controller = Controller(
            self.name,
            target.queue,
            self._reconcile,
            failing.on_error,
            failing.on_success,
            context.settings.sync.workers,
        )
        self.heartbeat = Heartbeat(session, self.settings, self.probe, target, sharing)
        session.shared.targets[target.key] = target
        session.shared.awaited.discard(target.key)
        spawn(group, target.namespaces.run, name=f"{self.name} informer namespaces")
        sharing.on_discovery = self._start_up(group, client, target)
        sharing.start(group)
        self.sharing = sharing
        spawn(group, self.probe.run, self._recovered, name=f"{self.name} probe")
        spawn(group, controller.run, name=f"{self.name} controller")
        who = partial(cluster_uid, client)
        identity = (who, self.cluster_uid, self.name, context.runtime, self.probe.wait_up)
        spawn(group, watch_identity, *identity, name=f"{self.name} identity")
        spawn(group, self.heartbeat.run, name=f"{self.name} heartbeat")
        spawn(group, self._tidy, target, name=f"{self.name} tidy")
        if context.settings.sync.crds == FOLLOW:
            spawn(group, self._bring_definitions, target, name=f"{self.name} definitions")

    def _follow_events(self, group: TaskGroup, client: Client, target: Target) -> None:
        context = self.session.context
        if not context.settings.sync.events:
            return
        assert self.probe is not None
        mirror = EventMirror(self.name, context.runtime.now)
        eventing = EventWatch(self.session, client, target, self.probe, mirror)
        spawn(group, eventing.run, name=f"{self.name} events")

    def _start_up(
        self, group: TaskGroup, client: Client, target: Target
    ) -> Callable[[Discovery], None]:
        """Start what goes up; return what is to be called when the target's kinds are known."""
        self._follow_events(group, client, target)
        session, before = self.session, self._up.side if self._up else None
        kept = before if before is not None and before.target.identity == target.identity else None
        side = make_side(session.upsyncing, target, kept)
        self._up = UpWiring(session.upsyncing, client, side, session.context.settings.sync)
        self._up.start(group)
        return self._up.follow

    async def _reconcile(self, item: Item) -> float | None:
        assert self.target is not None
        assert self.probe is not None
        assert self._up is not None
        await self.probe.wait_up()
        if item.lane.startswith(LANE):
            await self.session.probe.wait_up()
            return await UpSync(self.session.shared, self._up.side).reconcile(item)
        return await DownSync(self.session.shared, self.target).reconcile(item)

    def _look_at_kinds(self) -> None:
        if self.sharing is not None:
            self.sharing.soon()

    def _hub_rights_changed(self) -> None:
        if self.sharing is not None:
            self.sharing.tell()

    async def _tidy(self, target: Target) -> None:
        assert self.probe is not None
        tidy = NamespaceGC(self.session.shared, target, self._all_kinds)
        while True:
            await self.session.context.runtime.sleep(LOOK_S)
            await self.probe.wait_up()
            if self._holds():
                await tidy.look()

    async def _bring_definitions(self, target: Target) -> None:
        assert self.probe is not None
        definitions = Definitions(self.session.shared, target)
        while True:
            await self.session.context.runtime.sleep(FOLLOW_S)
            await self.probe.wait_up()
            found = self.kinds.discovery
            if found is not None and await definitions.look(self.session.discovery, found):
                self._look_at_kinds()

    def _all_kinds(self) -> tuple[Kind, ...] | None:
        found = self.kinds.discovery
        return found.preferred() if found is not None and not found.failed else None

    async def _recovered(self) -> None:
        """The cluster answers again: is it still the same one? Then go on where we were."""
        assert self.target is not None
        registered = self.sync_target()
        if registered is None:
            raise self._missing()
        await self._check_identity(self.target.client, registered)
        self.target.namespaces.nudge()
        for watched in self.target.kinds.values():
            watched.informer.nudge()
        if self._up is not None:
            self._up.nudge()
        self.target.queue.retry_failed()

    async def _watch_over(self, registered: SyncTarget) -> None:
        """Translate reachability into the target's state; end where a new connection is needed."""
        assert self.probe is not None
        assert self.target is not None
        orders, labels = self._orders(registered), self.target.labels()
        held = self._holds()
        while True:
            await self._wait(WAIT_S)
            found = self.sync_target()
            if found is None or found.identity != registered.identity:
                raise self._missing()
            before_held, held = held, self._holds()
            if held and not before_held:
                await self._take_over(found)
            before, orders = orders, self._orders(found)
            if orders != before:
                self.target.look_again()
            if labels != (labels := self.target.labels()):
                self.target.look_at_all()
            if self.probe.is_up:
                self._enter_work()
            elif self.probe.reason in ("Unauthorized", "Credentials", "Certificate"):
                raise _reach_error(self.probe)
            else:
                self.next_try_at = self.probe.next_try_at
                self._enter(TargetState.UNREACHABLE, self.probe.reason, self.probe.message)

    async def _take_over(self, found: SyncTarget) -> None:
        """From here on we are the writer: nothing of what we concluded while watching counts."""
        assert self.target is not None
        assert self.probe is not None
        assert self._wiring is not None
        if self.probe.is_up:
            await self._check_identity(self.target.client, found)
        for kind, key, entry in list(self.target.ledger.entries()):
            entry.settled = None
            self.target.queue.add(kind, key)
        for id, watched in list(self.target.kinds.items()):
            there = self.session.shared.hub.kinds.get(id)
            if watched.informer.synced and there is not None and there.informer.synced:
                await self._wiring.when_synced(id)
        if self._up is not None:
            self._up.side.reported.clear()
            for id in self._up.side.here:
                sweep(self._up.side, id)

    def _missing(self) -> SetupError:
        return SetupError(
            "SyncTargetMissing", f"the SyncTarget {self.name} was deleted, or made anew"
        )

    async def _failed(self, error: BaseException) -> None:
        """Note why there is no connection, and wait before the next one."""
        context = self.session.context
        found = understand(error if isinstance(error, Exception) else Exception(error), "target")
        context.history.record_error(found, target=self.name, subject="", at=context.runtime.wall())
        state = TargetState.UNREACHABLE
        if found.type is ErrorType.CLUSTER_AUTHENTICATION:
            state = TargetState.UNAUTHORIZED
        if isinstance(error, SetupError):
            state = TargetState.REFUSED
        if self._served_from and context.runtime.now() - self._served_from >= HEALTHY_S:
            self._failures = 0
        self._served_from = 0.0
        self._failures += 1
        ceiling = min(RETRY_CAP_S, RETRY_FIRST_S * 2 ** min(self._failures - 1, 10))
        pause = context.runtime.rng.uniform(ceiling / 2, ceiling)
        self.next_try_at = context.runtime.wall() + pause
        reason = error.reason if isinstance(error, SetupError) else found.reason
        self._enter(state, str(reason), message_of(found))
        await tell_disconnected(self.session, self.name, str(reason), message_of(found))
        await context.runtime.sleep(pause)


def silent(supervisors: Mapping[str, Supervisor]) -> dict[str, float]:
    """Return the targets that do not answer, and when each was last heard (Unix seconds)."""
    return {
        name: (one.probe.contact_at if one.probe else 0.0) or one.since
        for name, one in sorted(supervisors.items())
        if not one.is_connected
    }


def _reach_error(probe: Probe) -> Unreachable:
    """Return the error of a server that needs a new connection: other credentials, another CA."""
    reason = "Credentials" if probe.reason == "Unauthorized" else probe.reason
    return Unreachable(str(probe.message), sent=True, reason=reason)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one real error out of a group: the others came of it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
