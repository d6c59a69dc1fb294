"""One connection to a target: its parts, what runs on it, and what ends with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from anyio.abc import TaskGroup

from tmcconsole.engine.connection.connect import cluster_uid, watch_identity
from tmcconsole.engine.connection.probe import OnceUp, Probe
from tmcconsole.engine.hub.failing import ErrorReporter
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.upsyncing import UpWiring, sweep
from tmcconsole.engine.targets.event_mirror import EventWatch
from tmcconsole.engine.targets.freshness import Freshness
from tmcconsole.engine.targets.heartbeat import Heartbeat
from tmcconsole.engine.targets.shared_kinds import SharedKinds
from tmcconsole.engine.targets.wiring import Wiring
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Kind
from tmcconsole.runtime import spawn
from tmcconsole.sync.crd_sync import FOLLOW_S, Definitions
from tmcconsole.sync.deletion.namespace_gc import LOOK_S, NamespaceGC
from tmcconsole.sync.down.reconciler import DownSync
from tmcconsole.sync.policy import FOLLOW
from tmcconsole.sync.queue.controller import Controller
from tmcconsole.sync.state.ledger import LANE
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.up.events import EventMirror
from tmcconsole.sync.up.reconciler import UpSync


@dataclass(frozen=True, slots=True)
class Connection:
    """What exists only while a target is connected. It is complete, or does not exist."""

    session: HubSession
    client: Client
    wiring: Wiring
    probe: Probe
    up: UpWiring
    shared_kinds: SharedKinds
    heartbeat: Heartbeat

    @property
    def target(self) -> Target:
        """The target as the reconcilers see it."""
        return self.wiring.target

    def start(
        self, group: TaskGroup, identity: str, recovered: Callable[[], Awaitable[None]]
    ) -> None:
        """Start all work in ``group``. ``identity``: the UID of the cluster that is meant."""
        shared, context, target = self.session.shared, self.session.context, self.target
        name = target.name
        shared.targets[target.key] = target
        shared.awaited.discard(target.key)
        spawn(group, target.namespaces.run, name=f"{name} informer namespaces")
        if context.settings.sync.events:
            mirror = EventMirror(name, context.runtime.now)
            events = EventWatch(
                session=self.session,
                client=self.client,
                target=target,
                probe=self.probe,
                mirror=mirror,
            )
            spawn(group, events.run, name=f"{name} events")
        self.up.start()
        self.shared_kinds.start()
        spawn(group, self.probe.run, recovered, name=f"{name} probe")
        spawn(group, self._controller().run, name=f"{name} controller")
        who = partial(cluster_uid, self.client)
        watched = (who, identity, name, context.runtime, self.probe.wait_up)
        spawn(group, watch_identity, *watched, name=f"{name} identity")
        spawn(group, self.heartbeat.run, name=f"{name} heartbeat")
        freshness = Freshness(self.session, self.probe, target)
        spawn(group, freshness.run, name=f"{name} freshness")
        spawn(group, self._tidy, name=f"{name} tidy")
        if context.settings.sync.crds == FOLLOW:
            spawn(group, self._bring_definitions, name=f"{name} definitions")

    def nudge(self) -> None:
        """The cluster responds again: continue."""
        self.target.namespaces.nudge()
        for watched in self.target.kinds.values():
            watched.informer.nudge()
        self.up.nudge()
        self.target.queue.retry_failed()

    async def look_anew(self) -> None:
        """Reconcile everything as if for the first time: earlier conclusions do not count."""
        for kind, key, entry in list(self.target.ledger.entries()):
            entry.settled = None
            self.target.queue.add(kind, key)
        for id, watched in list(self.target.kinds.items()):
            there = self.session.shared.hub.kinds.get(id)
            if watched.informer.synced and there is not None and there.informer.synced:
                await self.wiring.when_synced(id)
        self.up.side.reported.clear()
        for id in self.up.side.here:
            sweep(self.up.side, id)

    def _controller(self) -> Controller:
        session, context, target = self.session, self.session.context, self.target
        up = OnceUp(session.probe, UpSync(session.shared, self.up.side))
        return Controller(
            name=target.name,
            queue=target.queue,
            gate=self.probe,
            reconciler=DownSync(session.shared, target),
            others={LANE: up},
            outcomes=ErrorReporter(
                runtime=context.runtime,
                history=context.history,
                side="target",
                name=target.name,
                ledger=target.ledger,
                rights=self.shared_kinds.rights,
                serves=self._serves,
                attempts=target.attempts,
            ),
            workers=context.settings.sync.workers,
        )

    def _serves(self, lane: str) -> bool:
        """Return whether the kind of a lane is synced, so that a look says how its objects are."""
        if lane.startswith(LANE):
            return lane.removeprefix(LANE) in self.up.side.above
        return lane in self.target.kinds and lane in self.session.shared.hub.kinds

    async def _tidy(self) -> None:
        shared, target = self.session.shared, self.target
        tidy = NamespaceGC(shared, target, self._all_kinds)
        while True:
            await self.session.context.runtime.sleep(LOOK_S)
            await self.probe.wait_up()
            if shared.duties.holds(target.key):
                await tidy.look()

    async def _bring_definitions(self) -> None:
        definitions = Definitions(self.session.shared, self.target)
        while True:
            await self.session.context.runtime.sleep(FOLLOW_S)
            await self.probe.wait_up()
            found = self.shared_kinds.discovery
            if await definitions.look(self.session.discovery, found):
                self.shared_kinds.soon()

    def _all_kinds(self) -> tuple[Kind, ...] | None:
        found = self.shared_kinds.discovery
        return None if found.failed else found.preferred()
