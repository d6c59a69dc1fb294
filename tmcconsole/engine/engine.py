"""The engine: one hub, its targets, and the board. It is an ``EngineLink`` on its own loop."""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole import __version__
from tmcconsole.backoff import Backoff, Retries
from tmcconsole.config.settings import Settings
from tmcconsole.contract.changes import Changes, Revision
from tmcconsole.contract.commands import AnyCommand, AnyReply, Query, Refused
from tmcconsole.contract.records import EngineRecord, SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.board.board import Board
from tmcconsole.engine.board.projector import Projector
from tmcconsole.engine.board.target_records import Tally, failed, waiting
from tmcconsole.engine.commands.dispatch import Commands
from tmcconsole.engine.hub.failing import message_of, understand
from tmcconsole.engine.hub.hub_session import EngineContext, HubSession
from tmcconsole.engine.hub.open_session import open_session
from tmcconsole.engine.hub.orphans import make_orphans
from tmcconsole.engine.hub.silence import Silence
from tmcconsole.engine.hub.silent_targets import SilentTargets
from tmcconsole.engine.replicas.duty_watch import ThisReplica
from tmcconsole.engine.targets.drains import Drains
from tmcconsole.engine.targets.held_deletions import HeldDeletions
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.engine.targets.unplaceable import Unplaceable
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import KubeError
from tmcconsole.runtime import Runtime, first_error, spawn
from tmcconsole.sync.assignment.duties import AS_OPERATOR, HUB, acting_for
from tmcconsole.sync.assignment.selection import selection_of
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.policy.mass_delete_brake import DELETIONS, TRIPPED
from tmcconsole.tmc.errors import ErrorType, Failure, failure
from tmcconsole.tmc.history.audit import AuditLog, AuditUnavailable, Recalled
from tmcconsole.tmc.history.history import CONTACT, History

log = logging.getLogger(__name__)

BACKOFF: Final = Backoff(first_s=1.0, cap_s=15.0)
HEALTHY_S: Final = 60.0  # after this long without a failure, the backoff starts over
CONTACT_S: Final = 1.0  # between two looks at whether the hub answers
FREEZE_AFTER_S: Final = 10.0  # by then the first lists are in; they need no collecting


@dataclass(slots=True)
class Engine:
    """Owns everything below it. ``run`` works until cancelled."""

    runtime: Runtime
    settings: Settings
    audit: AuditLog
    history: History = field(default_factory=History)
    notes: tuple[SafeText, ...] = ()
    replica: str = ""  # our identity in Leases; the same after a restart, if that is certain
    board: Board = field(init=False)
    session: HubSession | None = None
    supervisors: dict[str, Supervisor] = field(default_factory=dict)
    _projector: Projector = field(init=False)
    _started_at: float = field(init=False)
    _hub_reason: SafeText = field(default_factory=SafeText)
    _hub_since: float = 0.0
    _past: tuple[Recalled, ...] = ()

    def __post_init__(self) -> None:
        self.board = Board(self.runtime.token())
        self._started_at = self.runtime.wall()
        if self.settings.sync.leases and not self.replica:
            self.replica = self.runtime.token(16)
        self._projector = Projector(
            self.board, self.supervisors, lambda: self.session, self.runtime.wall
        )
        self.history.on_record(self._projector.record)
        self.history.on_drop(self._projector.drop)

    async def run(self) -> None:
        """Connect to the hub and serve the targets; reconnect on failure."""
        retries = Retries(BACKOFF, self.runtime.now, self.runtime.rng, HEALTHY_S)
        self._past = await self._recall()
        while True:
            try:
                session = await open_session(self._surroundings())
                await self._serve(session)
            except* KubeError as group:
                self._note(group)
            except* Exception as group:
                log.exception("the connection to the hub ended unexpectedly")
                self._note(group)
            finally:
                self.session = None
            await self.runtime.sleep(retries.next_delay())

    async def changes(self, since: Revision) -> Changes:
        """See ``EngineLink``."""
        await self._projector.project()
        self.board.put(self._own_record())
        return self.board.changes(since, self.runtime.wall())

    async def request(self, command: AnyCommand) -> AnyReply:
        """See ``EngineLink``."""
        if self.session is None:
            return Refused(
                reason=SafeText(f"the hub is not connected: {self._hub_reason}"),
                fix=SafeText("try again when it is"),
            )
        read_only = self.settings.console.read_only
        commands = Commands(self.session, self.supervisors, read_only)
        if isinstance(command, Query):  # with no duty: nothing can be written for it
            return await commands.carry_out(command)
        with acting_for(*AS_OPERATOR):
            return await commands.carry_out(command)

    async def _serve(self, session: HubSession) -> None:
        self._hub_reason, self._hub_since = SafeText(), self.runtime.wall()
        log.info("connected to a %s hub, %s", session.identity.flavour, session.identity.cluster)
        try:
            async with anyio.create_task_group() as group:
                self._register(session)
                self.session = session
                await session.run(group)
                with acting_for(HUB):
                    spawn(group, Silence(session).run, name="silence")
                    spawn(group, make_orphans(session).run, name="orphans")
                spawn(group, SilentTargets(session).run, name="silent targets")
                spawn(group, self._record_contact, session, name="hub contact")
                spawn(group, self._end_awaiting, session, name="awaited targets")
                spawn(group, self._freeze, name="freeze")
                unplaceable = Unplaceable(session, self.supervisors)
                spawn(group, unplaceable.run, name="what no target takes")
                held = HeldDeletions(session, self.supervisors)
                spawn(group, held.run, name="held deletions")
                spawn(group, Drains(session, self.supervisors).run, name="drains")
                for supervisor in self.supervisors.values():
                    spawn(group, supervisor.run, name=f"target {supervisor.name}")
        except anyio.get_cancelled_exc_class():
            if session.leases is not None:  # all work has ended: others need not wait
                with anyio.CancelScope(shield=True):
                    await session.leases.release()
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await session.client.aclose()

    def _register(self, session: HubSession) -> None:
        self.supervisors.clear()
        for settings in sorted(self.settings.targets, key=lambda target: target.name):
            self.supervisors[settings.name] = Supervisor(session, settings)
            key = target_key(session.identity.cluster, settings.name)
            session.shared.awaited.add(key)
            session.shared.selections[key] = selection_of(self.settings.sync, settings)

    async def _record_contact(self, session: HubSession) -> None:
        """Keep one line of the history for each time the hub does not answer."""
        sources, probe = session.sources, session.probe
        for informer in (sources.targets, sources.locations, sources.placements):
            await informer.wait_synced()
        while True:
            is_down = self.history.is_failing("hub", "")
            if probe.is_up and is_down:
                self.history.record_recovery("hub", "", self.runtime.wall())
            elif not (probe.is_up or is_down):
                self._record_hub(
                    failure(ErrorType.CLUSTER_UNREACHABLE, probe.message, reason=probe.reason)
                )
            await self.runtime.sleep(CONTACT_S)

    def _record_hub(self, found: Failure) -> None:
        wall = self.runtime.wall()
        self.history.record_error(found, target="hub", subject="", at=wall, trouble=CONTACT)

    async def _end_awaiting(self, session: HubSession) -> None:
        """After the heartbeat timeout, stop waiting for targets that never connected."""
        await self.runtime.sleep(self.settings.sync.heartbeat_timeout_s)
        session.shared.awaited.clear()

    async def _freeze(self) -> None:
        """Caches live as long as we do: keep the garbage collector from scanning them."""
        await self.runtime.sleep(FREEZE_AFTER_S)
        gc.collect()
        gc.freeze()

    def _surroundings(self) -> EngineContext:
        return EngineContext(
            runtime=self.runtime,
            settings=self.settings,
            history=self.history,
            audit=self.audit,
            records=self._projector,
            changed=lambda: None,
            myself=ThisReplica(self.replica, self._is_ready),
            past=self._past,
        )

    async def _recall(self) -> tuple[Recalled, ...]:
        """Return what the brakes must remember; if that cannot be read, all have tripped."""
        try:
            return await self.audit.recall(DELETIONS | {TRIPPED})
        except AuditUnavailable as error:
            message = f"earlier deletions are unknown: {error}"
            wall = self.runtime.wall()
            names = (target.name for target in self.settings.targets)
            return tuple(
                Recalled(at=wall, action=TRIPPED, target=name, uid="", detail=message, outcome="")
                for name in names
            )

    def _is_ready(self, duty: str) -> bool:
        """True if we could carry out a duty now: the hub's duty needs all targets to be known."""
        supervisors = self.supervisors.values()
        wanted = [one for one in supervisors if duty in (HUB, one.key)]
        return bool(wanted) and all(supervisor.is_ready for supervisor in wanted)

    def _note(self, group: BaseExceptionGroup[Exception]) -> None:
        found = understand(first_error(group), "hub")
        message = message_of(found)
        if message != self._hub_reason:
            self._hub_reason, self._hub_since = message, self.runtime.wall()
            log.debug("the hub cannot be used: %s", message)
        self._record_hub(found)

    def _own_record(self) -> EngineRecord:
        session = self.session
        leases = session.leases if session else None
        tallies = self._projector.tallies.values()
        counts = sum((tally.total() for tally in tallies), Tally().total())
        up = session is not None and session.probe.is_up
        reason = session.probe.message if session is not None else self._hub_reason
        return EngineRecord(
            version=__version__,
            started_at=self._started_at,
            hub=SafeText(_hub_name(self.settings)),
            hub_flavour=session.identity.flavour if session else "",
            hub_workspace=SafeText(session.identity.workspace if session else ""),
            hub_connected=up,
            hub_reason=SafeText() if up else reason,
            hub_since=session.probe.since or self._hub_since if session else self._hub_since,
            hub_next_try_at=session.probe.next_try_at if session else 0.0,
            placed=counts.total(),
            in_sync=sum(tally.in_sync() for tally in tallies),
            pending=waiting(counts),
            failed=failed(counts),
            held=counts[SyncState.HELD],
            stale=sum(tally.stale() for tally in tallies),
            write_attempts=self.write_attempts,
            read_only=self.settings.console.read_only,
            replica=SafeText(self.replica),
            hub_holder=SafeText(leases.view.holder_of(HUB) if leases else ""),
            notes=self.notes,
        )

    @property
    def write_attempts(self) -> int:
        """Return how many writes were attempted on all clusters since connecting to the hub."""
        clients: list[Reader] = [self.session.client] if self.session else []
        targets = [supervisor.target for supervisor in self.supervisors.values()]
        clients += [target.client for target in targets if target is not None]
        return sum(client.writes_attempted for client in clients)


def _hub_name(settings: Settings) -> str:
    access = settings.hub
    if access.in_cluster:
        return "in-cluster"
    context = f"#{access.context}" if access.context else ""
    return f"{access.kubeconfig}{context}"
