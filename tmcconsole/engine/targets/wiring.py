"""How a target's caches call the queues: from events on a cluster to hub keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tmcconsole.contract.records import Pause
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.cache.informer import Informer, InformerState
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey, content_changed
from tmcconsole.placement.api import NAMESPACES, SyncTarget
from tmcconsole.sync.names.markers import CLUSTER, is_bookkeeping
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.policy.service_accounts import Accounts
from tmcconsole.sync.policy.target_writer import TargetWriter
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit
from tmcconsole.sync.queue.workqueue import WorkQueue
from tmcconsole.sync.state.ledger import Ledger
from tmcconsole.sync.state.namespace_names import NamespaceNames
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.status.reconciler import wants_status


@dataclass(slots=True)
class Wiring:
    """Connects one target's informers with its queue and the hub's status queue."""

    session: HubSession
    client: Client
    target: Target | None = None  # set once it is made; no event comes before
    on_state: Callable[[Kind, InformerState], None] = lambda _kind, _state: None

    def make_informer(self, kind: Kind) -> Informer:
        """Return an informer of our copies of a kind, and of nothing else there."""
        assert self.target is not None
        return Informer(
            self.client,
            kind,
            self.session.context.runtime,
            on_change=self._copy_changed,
            label_selector=f"{CLUSTER}={self.target.key}",
            on_state=self._informer_changed,
        )

    def make_namespace_informer(self) -> Informer:
        """Return an informer of all namespaces: ours must be told from foreign ones."""
        return Informer(
            self.client,
            NAMESPACES,
            self.session.context.runtime,
            on_change=self._namespace_changed,
        )

    async def when_synced(self, kind: str) -> None:
        """Once both sides of a kind are listed, look at every object of either."""
        target, hub = self.target, self.session.shared.hub
        assert target is not None
        here, there = target.kinds.get(kind), hub.kinds.get(kind)
        if here is None or there is None:
            return
        for informer in (hub.namespaces, target.namespaces, there.informer, here.informer):
            await informer.wait_synced()
        for cached in there.informer.objects():
            hub.queue.add(kind, cached.key, backlog=True)
            if cached.status_digest:
                hub.statuses.add(kind, cached.key)
        for copy in here.informer.objects():
            hub_key = target.hub_key(kind, copy.key)
            if hub_key is not None:
                target.queue.add(kind, hub_key, backlog=True)
        target.ledger.forget_refusals(kind)
        target.look_at_known(kind)
        for name in self.session.context.history.failing(target.name, kind):
            namespace, _, last = name.rpartition("/")  # what is gone has failed for the last time
            target.queue.add(kind, ObjectKey(namespace, last), backlog=True)

    def _informer_changed(self, kind: Kind, state: InformerState) -> None:
        self.on_state(kind, state)

    def _copy_changed(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        assert self.target is not None
        hub_key = self.target.hub_key(kind.id, key)
        if hub_key is None:
            return
        if content_changed(old, new):
            self.target.queue.add(kind.id, hub_key, backlog=not self._has_listed(kind.id))
            self.session.upsyncing.copy_changed(self.target.key, kind.id, hub_key)
        if wants_status(old, new):
            self.session.shared.hub.statuses.add(kind.id, hub_key)
        self.session.context.touched(kind.id, hub_key)

    def _has_listed(self, kind: str) -> bool:
        """True once events tell of changes; before, they only tell of what there is."""
        watched = self.target.kinds.get(kind) if self.target else None
        return watched is not None and watched.informer.synced

    def _namespace_changed(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        target = self.target
        assert target is not None
        if new is not None:
            target.names.learn(new.decode())
        namespace = target.names.in_hub(key.name)
        if namespace is None or (old is not None and new is not None):
            return
        hub = self.session.shared.hub
        for id, watched in hub.kinds.items():
            if id in target.kinds:
                for cached in watched.informer.in_namespace(namespace):
                    target.queue.add(id, cached.key, backlog=True)
        if new is None:
            in_hub = hub.namespaces.get(ObjectKey("", namespace)) is not None
            target.names.forget(key.name, is_in_hub=in_hub)


def make_target(
    wiring: Wiring,
    registered: SyncTarget,
    before: Target | None,
    sync_target: Callable[[], SyncTarget | None],
) -> Target:
    """Return the target of a new connection; what was known of its objects is kept."""
    session = wiring.session
    runtime, sync = session.context.runtime, session.context.settings.sync

    def pause() -> Pause | None:
        found = sync_target()
        return found.pause_at(runtime.wall()) if found else None

    def draining() -> bool:
        found = sync_target()
        return bool(found and found.is_evicting(runtime.wall()))

    def labels() -> tuple[tuple[str, str], ...]:
        pairs = (sync_target() or registered).labels.items()
        return tuple(sorted((name, value) for name, value in pairs if not is_bookkeeping(name)))

    def deletes_allowed_until() -> float:
        found = sync_target()
        return found.allow_deletes_until if found else 0.0

    kept = before if before is not None and before.identity == registered.identity else None
    mode = sync.namespaces
    if mode == "auto":
        mode = "kcp" if session.identity.flavour == "kcp" else "same"
    ledger = kept.ledger if kept else Ledger(session.context.touched)
    return Target(
        registered.identity,
        wiring.client,
        TargetWriter(wiring.client, Accounts(wiring.client, runtime.now)),
        ConcurrencyLimit(runtime.now, runtime.sleep),
        wiring.make_namespace_informer(),
        NamespaceNames(
            registered.identity,
            session.shared.hub.cluster,
            mode,
            sync.namespace_prefix,
            of_workspace=session.identity.flavour == "kcp",
        ),
        kept.queue if kept else WorkQueue(runtime.now),
        ledger,
        kept.brake if kept else _brake(session, registered),
        pause,
        draining,
        labels,
        deletes_allowed_until,
    )


def _brake(session: HubSession, registered: SyncTarget) -> MassDeleteBrake:
    """Return a brake that remembers what earlier processes deleted on the target."""
    surroundings = session.context
    runtime, sync = surroundings.runtime, surroundings.settings.sync
    brake = MassDeleteBrake(sync.brake_deletes, sync.brake_percent)
    past = (one for one in surroundings.past if one.target == registered.name)
    brake.remember(past, registered.allow_deletes_until, runtime.now(), runtime.wall())
    return brake
