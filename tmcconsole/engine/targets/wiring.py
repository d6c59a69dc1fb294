"""How a target's caches feed the queues: from events on a cluster to hub keys."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field

from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.registration import Registration
from tmcconsole.kube.cache.informer import Informer, OnState
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Kind, ObjectKey, content_changed
from tmcconsole.sync.assignment.closure import is_workload
from tmcconsole.sync.desired.replica_division import DIVIDED_KINDS
from tmcconsole.sync.leaving.departures import workload_gone
from tmcconsole.sync.leaving.kept_replicas import wake_keepers
from tmcconsole.sync.names.identity import TargetIdentity
from tmcconsole.sync.names.markers import CLUSTER
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.policy.service_accounts import Accounts
from tmcconsole.sync.policy.target_writer import TargetWriter
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit
from tmcconsole.sync.queue.workqueue import Item, WorkQueue
from tmcconsole.sync.state.ended_copies import note_ended
from tmcconsole.sync.state.ledger import Ledger, ObjectRecords
from tmcconsole.sync.state.namespace_names import NamespaceNames
from tmcconsole.sync.state.stays import Stays
from tmcconsole.sync.state.target import Contact, Target
from tmcconsole.sync.status.reconciler import wants_status


@dataclass(frozen=True, slots=True)
class CopyNews:
    """Who hears that a copy stands otherwise: its record, and what waits to be replaced by it."""

    records: ObjectRecords
    stays: Stays

    def touch(self, kind: str, key: ObjectKey) -> None:
        """See ``ObjectRecords``."""
        self.records.touch(kind, key)
        self.stays.wake(Item(kind, key))


@dataclass(slots=True)
class Wiring:
    """Connects one target's informers with its queue and the hub's status queue."""

    session: HubSession
    client: Client
    registration: Registration
    contact: Contact
    identity: TargetIdentity
    before: InitVar[Target | None]  # of the last connection: what was known of objects is kept
    target: Target = field(init=False)

    def __post_init__(self, before: Target | None) -> None:
        self.target = self._make_target(before)

    def make_informer(self, kind: Kind, on_state: OnState) -> Informer:
        """Return an informer of our copies of a kind, and of nothing else there."""
        return Informer(
            self.client,
            kind,
            self.session.context.runtime,
            on_change=self._copy_changed,
            label_selector=f"{CLUSTER}={self.target.key}",
            on_state=on_state,
        )

    def _make_namespace_informer(self) -> Informer:
        """Return an informer of all namespaces, to tell ours from foreign ones."""
        return Informer(
            self.client,
            NAMESPACES,
            self.session.context.runtime,
            on_change=self._namespace_changed,
        )

    async def when_synced(self, kind: str) -> None:
        """Once both sides of a kind are listed, queue all objects of either."""
        target, hub = self.target, self.session.shared.hub
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
        self._look_at_failing(kind)

    def _look_at_failing(self, kind: str) -> None:
        """Queue what failed in an earlier run: what is gone has failed for the last time."""
        hub, target = self.session.shared.hub, self.target
        for name, queue in ((target.name, target.queue), ("hub", hub.queue)):
            for found in self.session.context.history.failing(name, kind):
                namespace, _, last = found.rpartition("/")
                queue.add(kind, ObjectKey(namespace, last), backlog=True)

    def _copy_changed(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        hub_key = self.target.hub_key(kind.id, key)
        if hub_key is None:
            return
        if content_changed(old, new):
            self.target.queue.add(kind.id, hub_key, backlog=not self._has_listed(kind.id))
            self.session.upsyncing.copy_changed(self.target.key, kind.id, hub_key)
        shared = self.session.shared
        note_ended(shared, self.target, Item(kind.id, hub_key), old, new)
        if wants_status(old, new):
            shared.hub.statuses.add(kind.id, hub_key)
        shared.stays.wake(Item(kind.id, hub_key))
        if kind.id in DIVIDED_KINDS:
            wake_keepers(shared, Item(kind.id, hub_key))
        if is_workload(kind.id) and (new is None or new.deleting):
            workload_gone(shared, self.target, hub_key.namespace)
        self.session.context.records.touch(kind.id, hub_key)

    def _has_listed(self, kind: str) -> bool:
        """True once events report changes; before, they only report what exists."""
        watched = self.target.kinds.get(kind)
        return watched is not None and watched.informer.synced

    def _namespace_changed(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        target = self.target
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

    def _make_target(self, before: Target | None) -> Target:
        session, identity = self.session, self.identity
        runtime, sync = session.context.runtime, session.context.settings.sync
        kept = before if before is not None and before.identity == identity else None
        mode = sync.namespaces
        if mode == "auto":
            mode = "kcp" if session.identity.flavour == "kcp" else "same"
        return Target(
            identity=identity,
            client=self.client,
            writer=TargetWriter(self.client, Accounts(self.client, runtime.now)),
            concurrency=ConcurrencyLimit(runtime.now, runtime.sleep),
            namespaces=self._make_namespace_informer(),
            names=NamespaceNames(
                identity,
                session.shared.hub.cluster,
                mode,
                sync.namespace_prefix,
                of_workspace=session.identity.flavour == "kcp",
            ),
            queue=kept.queue if kept else WorkQueue(runtime.now),
            ledger=kept.ledger
            if kept
            else Ledger(CopyNews(session.context.records, session.shared.stays)),
            brake=kept.brake if kept else self._make_brake(),
            orders=self.registration,
            contact=self.contact,
        )

    def _make_brake(self) -> MassDeleteBrake:
        """Return a brake that remembers what earlier processes deleted on the target."""
        context, name = self.session.context, self.registration.name
        runtime, sync = context.runtime, context.settings.sync
        brake = MassDeleteBrake(sync.brake_deletes, sync.brake_percent)
        past = (one for one in context.past if one.target == name)
        allowed_until = self.registration.deletes_allowed_until()
        brake.remember(past, allowed_until, runtime.now(), runtime.wall())
        return brake
