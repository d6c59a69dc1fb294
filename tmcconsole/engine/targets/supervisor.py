"""The supervisor of one target: connects, serves, notices loss, reconnects. Forever."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from tmcconsole.backoff import Backoff
from tmcconsole.config.settings import TargetSettings
from tmcconsole.contract.records import TargetState
from tmcconsole.engine.connection.connect import (
    SetupError,
    cluster_uid,
    dial,
    require_same,
)
from tmcconsole.engine.connection.kind_standing import KindPair, keep_unknown
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.hub.failing import message_of, understand
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.upsyncing import UpWiring, make_side
from tmcconsole.engine.replicas.fence import Fenced
from tmcconsole.engine.targets.connection import Connection
from tmcconsole.engine.targets.heartbeat import Heartbeat, tell_disconnected
from tmcconsole.engine.targets.registration import Registration
from tmcconsole.engine.targets.shared_kinds import KindMemory, SharedKinds
from tmcconsole.engine.targets.target_state import TargetStanding
from tmcconsole.engine.targets.wiring import Wiring
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery, discover
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import KubeError, Unreachable
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.placement.api import SYNC_TARGETS, SyncTarget
from tmcconsole.runtime import Transport, first_error
from tmcconsole.sync.assignment.duties import acting_for
from tmcconsole.sync.names.markers import CLUSTER_UID
from tmcconsole.sync.policy import judge_kind
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.errors import ErrorType

log = logging.getLogger(__name__)

BACKOFF: Final = Backoff(first_s=1.0, cap_s=30.0)
HEALTHY_S: Final = 60.0  # after this long without a failure, the backoff starts over
WAIT_S: Final = 1.0  # before checking again for a SyncTarget missing from the hub


@dataclass(slots=True)
class Supervisor:
    """Owns one target's connection and state."""

    session: HubSession
    settings: TargetSettings
    registration: Registration = field(init=False)
    standing: TargetStanding = field(init=False)
    connection: Connection | None = None  # None while there is none
    last: Connection | None = None  # the current one, else the last one
    kinds: KindMemory = field(default_factory=KindMemory)
    cluster_uid: str = ""
    _failures: int = 0  # consecutive, without a healthy period between them
    _served_from: float = 0.0  # monotonic; 0 = the last attempt did not get this far

    def __post_init__(self) -> None:
        self.registration = Registration(self.session, self.settings.name)
        self.standing = TargetStanding(self.registration)

    @property
    def name(self) -> str:
        """The SyncTarget's name."""
        return self.settings.name

    @property
    def key(self) -> str:
        """The SyncTarget's key: the duty in whose name all is written there."""
        return self.registration.key

    @property
    def target(self) -> Target | None:
        """The target as of the last connection, None before the first."""
        return self.last.target if self.last else None

    @property
    def probe(self) -> Probe | None:
        """The probe of the last connection, None before the first."""
        return self.last.probe if self.last else None

    @property
    def is_ready(self) -> bool:
        """True if we could write there now: connected, and everything is listed."""
        here = self.connection
        if here is None or not here.probe.is_up or not self.standing.is_connected:
            return False
        watched = [one.informer for one in here.target.kinds.values()]
        return all(informer.synced for informer in (here.target.namespaces, *watched))

    async def run(self) -> None:
        """Serve the target until cancelled; a failure does not affect other targets."""
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
                registered = await self._registered()
                self._watch_what_was_synced(registered)
                await self._serve(registered)
            except* KubeError as group:
                await self._failed(first_error(group))
            except* Exception as group:
                log.exception("target %s failed unexpectedly", self.name)
                await self._failed(first_error(group))

    async def _registered(self) -> SyncTarget:
        """Wait until the hub has the SyncTarget."""
        while True:
            found = self.registration.found()
            if found is not None:
                return found
            self.standing.enter(
                TargetState.REFUSED,
                "SyncTargetMissing",
                f"the hub has no SyncTarget {self.name}: run tmc-console init --install, or take "
                "the target out of the config",
            )
            await self.session.context.runtime.sleep(WAIT_S)

    def _watch_what_was_synced(self, registered: SyncTarget) -> None:
        """Have the hub watched for what the target held before, until it says what it serves.

        What is wanted there and what the hub says of it is to be told although it does not answer.
        """
        if self.name in self.session.served:
            return
        settings = replace(self.session.context.settings.sync, **dict(self.settings.overrides))
        runs_pods = self.session.identity.runs_pods
        here = self.session.discovery.by_id()
        found = (here[id][0] for id in sorted(registered.synced_kinds & here.keys()))
        pairs = {
            kind.id: KindPair(kind, kind)
            for kind in found
            if judge_kind(kind, settings, hub_runs_pods=runs_pods) is None
        }
        self.session.serve(self.name, pairs)

    async def _serve(self, registered: SyncTarget) -> None:
        """Connect once and work until something ends it; always by an exception."""
        if not self._failures:  # after a failure the state stays until it is connected
            self.standing.enter(TargetState.CONNECTING, "", "")
        client = await dial(self.session.context.runtime, self.name, self._fenced)
        try:
            await self._check_identity(client, registered)
            self.kinds.known |= registered.synced_kinds
            discovery = keep_unknown(await discover(client), self.kinds.discovery)
            self.kinds.discovery = discovery
            async with anyio.create_task_group() as group:
                here = self.connection = self.last = self._connect(
                    group, client, registered, discovery
                )
                here.start(group, self.cluster_uid, partial(self._recovered, here))
                self._served_from = self.session.context.runtime.now()
                self.standing.enter_work()
                await self._watch_over(here, registered)
        finally:
            self.connection = None
            with anyio.CancelScope(shield=True):
                await client.aclose()

    def _fenced(self, open: Transport) -> Transport:
        leases = self.session.leases
        return Fenced(open, leases.holds, self.key) if leases else open

    async def _check_identity(self, client: Reader, registered: SyncTarget) -> None:
        """A different cluster behind the same name is a different target: stop and say so."""
        uid = await cluster_uid(client)
        self.cluster_uid = uid
        require_same(registered.cluster_uid or uid, uid, self.name)
        if not registered.cluster_uid and self.registration.is_ours:
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

    def _connect(
        self, group: TaskGroup, client: Client, registered: SyncTarget, discovery: Discovery
    ) -> Connection:
        """Build a connection; what earlier ones learned of the same cluster is kept."""
        session, context, last = self.session, self.session.context, self.last
        wiring = Wiring(
            session=session,
            client=client,
            registration=self.registration,
            contact=self.standing,
            identity=registered.identity,
            before=self.target,
        )
        heard_at = last.probe.contact_at if last else 0.0
        probe = Probe(client, context.runtime, context.changed, contact_at=heard_at)
        up = UpWiring(
            upsyncing=session.upsyncing,
            client=client,
            side=make_side(session.upsyncing, wiring.target, last.up.side if last else None),
            settings=context.settings.sync,
            group=group,
        )
        shared_kinds = SharedKinds(
            session=session,
            settings=replace(context.settings.sync, **dict(self.settings.overrides)),
            wiring=wiring,
            up=up,
            probe=probe,
            memory=self.kinds,
            discovery=discovery,
            group=group,
        )
        return Connection(
            session=session,
            client=client,
            wiring=wiring,
            probe=probe,
            up=up,
            shared_kinds=shared_kinds,
            heartbeat=Heartbeat(
                session=session,
                settings=self.settings,
                probe=probe,
                target=wiring.target,
                shared_kinds=shared_kinds,
            ),
        )

    def _look_at_kinds(self) -> None:
        if self.connection is not None:
            self.connection.shared_kinds.soon()

    def _hub_rights_changed(self) -> None:
        if self.connection is not None:
            self.connection.shared_kinds.tell()

    async def _recovered(self, here: Connection) -> None:
        """The cluster responds again: check that it is still the same one, then continue."""
        registered = self.registration.found()
        if registered is None:
            raise self._missing()
        await self._check_identity(here.client, registered)
        here.nudge()

    async def _watch_over(self, here: Connection, registered: SyncTarget) -> None:
        """Turn reachability into the target's state; end if a new connection is needed."""
        registration, standing, probe = self.registration, self.standing, here.probe
        holding, labels = registration.holding(), registration.labels()
        ours = registration.is_ours
        while True:
            await self._wait(WAIT_S)
            found = registration.found()
            if found is None or found.identity != registered.identity:
                raise self._missing()
            before, ours = ours, registration.is_ours
            if ours and not before:
                await self._take_over(here, found)
            if holding != (holding := registration.holding()):
                here.target.look_again()
            if labels != (labels := registration.labels()):
                here.target.look_at_all()
            if probe.is_up:
                standing.enter_work()
            elif probe.reason in ("Unauthorized", "Credentials", "Certificate"):
                raise _reach_error(probe)
            else:
                standing.next_try_at = probe.next_try_at
                standing.enter(TargetState.UNREACHABLE, probe.reason, probe.message)

    async def _wait(self, at_most_s: float) -> None:
        if self.session.leases is None:
            await self.session.context.runtime.sleep(at_most_s)
        else:
            await self.session.leases.wait_change(at_most_s)

    async def _take_over(self, here: Connection, found: SyncTarget) -> None:
        """From now on we are the writer: what we concluded while watching does not count."""
        if here.probe.is_up:
            await self._check_identity(here.client, found)
        await here.look_anew()

    def _missing(self) -> SetupError:
        return SetupError(
            "SyncTargetMissing", f"the SyncTarget {self.name} was deleted or recreated"
        )

    async def _failed(self, error: Exception) -> None:
        """Record why there is no connection, and wait before the next attempt."""
        context = self.session.context
        found = understand(error, "target")
        state = TargetState.UNREACHABLE
        if found.type is ErrorType.CLUSTER_AUTHENTICATION:
            state = TargetState.UNAUTHORIZED
        if isinstance(error, SetupError) or found.type is ErrorType.CONFIGURATION_ERROR:
            state = TargetState.REFUSED
        if self._served_from and context.runtime.now() - self._served_from >= HEALTHY_S:
            self._failures = 0
        self._served_from = 0.0
        self._failures += 1
        pause = BACKOFF.delay(self._failures, context.runtime.rng)
        self.standing.next_try_at = context.runtime.wall() + pause
        reason = error.reason if isinstance(error, SetupError) else found.reason
        self.standing.enter(state, str(reason), message_of(found), error=found)
        await tell_disconnected(self.session, self.name, str(reason), message_of(found))
        await context.runtime.sleep(pause)


def silent(supervisors: Mapping[str, Supervisor]) -> dict[str, float]:
    """Return the targets that do not respond, and when each last did (Unix seconds)."""
    return {
        name: (one.probe.contact_at if one.probe else 0.0) or one.standing.since
        for name, one in sorted(supervisors.items())
        if not one.standing.is_connected
    }


def _reach_error(probe: Probe) -> Unreachable:
    """Return the error of a server that needs a new connection: different credentials or CA."""
    reason = "Credentials" if probe.reason == "Unauthorized" else probe.reason
    return Unreachable(str(probe.message), sent=True, reason=reason)
