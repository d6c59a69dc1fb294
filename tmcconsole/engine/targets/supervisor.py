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
from tmcconsole.engine.connection.informer_set import Mirrors
from tmcconsole.engine.connection.kind_standing import keep_unknown
from tmcconsole.engine.connection.probe import Reach
from tmcconsole.engine.hub.failing import Failing, told, understand
from tmcconsole.engine.hub.upsyncing import UpWiring, make_side, sweep
from tmcconsole.engine.replicas.fence import Fenced
from tmcconsole.engine.targets.event_mirror import Eventing
from tmcconsole.engine.targets.heartbeat import Beats, tell_disconnected
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
from tmcconsole.sync.definitions import FOLLOW_S, Definitions
from tmcconsole.sync.deletion.namespace_gc import LOOK_S, Tidy
from tmcconsole.sync.down.reconciler import DownSync
from tmcconsole.sync.names.markers import CLUSTER_UID, MANAGER
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
    reach: Reach | None = None
    beats: Beats | None = None
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
        target, reach = self.target, self.reach
        if target is None or reach is None or not reach.is_up or not self.is_connected:
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
            await self.session.around.runtime.sleep(WAIT_S)

    async def _serve(self, registered: SyncTarget) -> None:
        """Connect once and work until something ends it; always by an exception."""
        if not self._failures:  # after a failure it stays what it is until it is connected
            self._enter(TargetState.CONNECTING, "", "")
        client = await dial(self.session.around.runtime, self.name, self._fenced)
        try:
            await self._check_identity(client, registered)
            self.kinds.known |= registered.synced_kinds
            self.kinds.discovery = keep_unknown(await discover(client), self.kinds.discovery)
            async with anyio.create_task_group() as group:
                await self._start(group, client, registered)
                self._served_from = self.session.around.runtime.now()
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
                    "uid": registered.identity.uid,
                    "annotations": {CLUSTER_UID: uid},
                    "labels": {"internal.workload.kcp.io/key": registered.key},
                }
            }
            key = ObjectKey("", self.name)
            written = await self.session.client.merge_patch(
                SYNC_TARGETS, key, patch, manager=MANAGER
            )
            self.session.sources.targets.observe(written)

    async def _start(self, group: TaskGroup, client: Client, registered: SyncTarget) -> None:
        session, around = self.session, self.session.around
        wiring = self._wiring = Wiring(session, client)
        target = make_target(wiring, registered, self.target, lambda: self.sync_target())
        wiring.target = self.target = target
        target.is_connected = lambda: self.is_connected
        mirrors = Mirrors(group, self.name, target.kinds, wiring.make_informer, wiring.when_synced)
        heard_at = self.reach.contact_at if self.reach else 0.0
        self.reach = Reach(client, around.runtime, around.changed, contact_at=heard_at)
        sync = replace(around.settings.sync, **dict(self.settings.overrides))
        sharing = SharedKinds(session, sync, client, target, mirrors, self.reach, self.kinds)
        wiring.on_state, doubt = sharing.informer_changed, sharing.rights.doubt
        failing = Failing(around.runtime, around.history, "target", self.name, target.ledger, doubt)
        controller = Controller(
            self.name,
            target.queue,
            self._reconcile,
            failing.on_error,
            failing.on_success,
            around.settings.sync.workers,
        )
        self.beats = Beats(session, self.settings, self.reach, target, sharing)
        session.world.targets[target.key] = target
        session.world.awaited.discard(target.key)
        spawn(group, target.namespaces.run, name=f"{self.name} informer namespaces")
        sharing.on_discovery = self._start_up(group, client, target)
        sharing.start(group)
        self.sharing = sharing
        spawn(group, self.reach.run, self._recovered, name=f"{self.name} probe")
        spawn(group, controller.run, name=f"{self.name} controller")
        who = partial(cluster_uid, client)
        identity = (who, self.cluster_uid, self.name, around.runtime, self.reach.wait_up)
        spawn(group, watch_identity, *identity, name=f"{self.name} identity")
        spawn(group, self.beats.run, name=f"{self.name} heartbeat")
        spawn(group, self._tidy, target, name=f"{self.name} tidy")
        if around.settings.sync.crds == FOLLOW:
            spawn(group, self._bring_definitions, target, name=f"{self.name} definitions")

    def _follow_events(self, group: TaskGroup, client: Client, target: Target) -> None:
        around = self.session.around
        if not around.settings.sync.events:
            return
        assert self.reach is not None
        mirror = EventMirror(self.name, around.runtime.now)
        eventing = Eventing(self.session, client, target, self.reach, mirror)
        spawn(group, eventing.run, name=f"{self.name} events")

    def _start_up(
        self, group: TaskGroup, client: Client, target: Target
    ) -> Callable[[Discovery], None]:
        """Start what goes up; return what is to be called when the target's kinds are known."""
        self._follow_events(group, client, target)
        session, before = self.session, self._up.side if self._up else None
        kept = before if before is not None and before.target.identity == target.identity else None
        side = make_side(session.upsyncing, target, kept)
        self._up = UpWiring(session.upsyncing, client, side, session.around.settings.sync)
        self._up.start(group)
        return self._up.follow

    async def _reconcile(self, item: Item) -> float | None:
        assert self.target is not None
        assert self.reach is not None
        assert self._up is not None
        await self.reach.wait_up()
        if item.lane.startswith(LANE):
            await self.session.reach.wait_up()
            return await UpSync(self.session.world, self._up.side).reconcile(item)
        return await DownSync(self.session.world, self.target).reconcile(item)

    def _look_at_kinds(self) -> None:
        if self.sharing is not None:
            self.sharing.soon()

    def _hub_rights_changed(self) -> None:
        if self.sharing is not None:
            self.sharing.tell()

    async def _tidy(self, target: Target) -> None:
        assert self.reach is not None
        tidy = Tidy(self.session.world, target, self._all_kinds)
        while True:
            await self.session.around.runtime.sleep(LOOK_S)
            await self.reach.wait_up()
            if self._holds():
                await tidy.look()

    async def _bring_definitions(self, target: Target) -> None:
        assert self.reach is not None
        definitions = Definitions(self.session.world, target)
        while True:
            await self.session.around.runtime.sleep(FOLLOW_S)
            await self.reach.wait_up()
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
        assert self.reach is not None
        assert self.target is not None
        wishes, labels = self._wishes(registered), self.target.labels()
        held = self._holds()
        while True:
            await self._wait(WAIT_S)
            found = self.sync_target()
            if found is None or found.identity != registered.identity:
                raise self._missing()
            before_held, held = held, self._holds()
            if held and not before_held:
                await self._take_over(found)
            before, wishes = wishes, self._wishes(found)
            if wishes != before:
                self.target.look_again()
            if labels != (labels := self.target.labels()):
                self.target.look_at_all()
            if self.reach.is_up:
                self._enter_work()
            elif self.reach.reason in ("Unauthorized", "Credentials", "Certificate"):
                raise _reach_error(self.reach)
            else:
                self.next_try_at = self.reach.next_try_at
                self._enter(TargetState.UNREACHABLE, self.reach.reason, self.reach.message)

    async def _take_over(self, found: SyncTarget) -> None:
        """From here on we are the writer: nothing of what we concluded while watching counts."""
        assert self.target is not None
        assert self.reach is not None
        assert self._wiring is not None
        if self.reach.is_up:
            await self._check_identity(self.target.client, found)
        for kind, key, entry in list(self.target.ledger.entries()):
            entry.settled = None
            self.target.queue.add(kind, key)
        for id, watched in list(self.target.kinds.items()):
            there = self.session.world.hub.kinds.get(id)
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
        around = self.session.around
        found = understand(error if isinstance(error, Exception) else Exception(error), "target")
        around.history.record_error(found, target=self.name, subject="", at=around.runtime.wall())
        state = TargetState.UNREACHABLE
        if found.type is ErrorType.CLUSTER_AUTHENTICATION:
            state = TargetState.UNAUTHORIZED
        if isinstance(error, SetupError):
            state = TargetState.REFUSED
        if self._served_from and around.runtime.now() - self._served_from >= HEALTHY_S:
            self._failures = 0
        self._served_from = 0.0
        self._failures += 1
        ceiling = min(RETRY_CAP_S, RETRY_FIRST_S * 2 ** min(self._failures - 1, 10))
        pause = around.runtime.rng.uniform(ceiling / 2, ceiling)
        self.next_try_at = around.runtime.wall() + pause
        reason = error.reason if isinstance(error, SetupError) else found.reason
        self._enter(state, str(reason), told(found))
        await tell_disconnected(self.session, self.name, str(reason), told(found))
        await around.runtime.sleep(pause)


def silent(supervisors: Mapping[str, Supervisor]) -> dict[str, float]:
    """Return the targets that do not answer, and when each was last heard (Unix seconds)."""
    return {
        name: (one.reach.contact_at if one.reach else 0.0) or one.since
        for name, one in sorted(supervisors.items())
        if not one.is_connected
    }


def _reach_error(reach: Reach) -> Unreachable:
    """Return the error of a server that needs a new connection: other credentials, another CA."""
    reason = "Credentials" if reach.reason == "Unauthorized" else reach.reason
    return Unreachable(str(reach.message), sent=True, reason=reason)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one real error out of a group: the others came of it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
