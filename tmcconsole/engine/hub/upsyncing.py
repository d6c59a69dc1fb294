"""What targets own, watched on both sides: informers and queues of upsync."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from anyio.abc import TaskGroup

from tmcconsole.config.settings import SyncSettings
from tmcconsole.engine.connection.informer_set import InformerSet
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.client.reader import Watcher
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey, labels_of
from tmcconsole.runtime import Runtime, spawn
from tmcconsole.sync.names.markers import CLUSTER, STATE, UPSYNC, UPSYNCED
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import LANE, ObjectRecords
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.up.reconcile_context import UpSide

# Pods come and go, and deleting the hub's object loses nothing: the brake is for mass loss only.
BRAKE_TIMES: Final = 10  # this multiple of the limit for copies
BRAKE_PERCENT: Final = 50.0
_NEEDED_ABOVE: Final = frozenset({"get", "list", "watch", "patch", "delete"})
_NEEDED_BELOW: Final = frozenset({"get", "list", "watch"})


def kinds_above(hub: Discovery, settings: SyncSettings, *, hub_runs_pods: bool) -> dict[str, Kind]:
    """Return the kinds that may be upsynced, in the hub's version, by ``Kind.id``.

    Pods are never upsynced to a hub that runs pods itself: its controllers would adopt them.
    """
    wanted = {*settings.upsync_kinds} - {"secrets"}
    if settings.upsync_secrets:
        wanted.add("secrets")
    if hub_runs_pods:
        wanted.discard("pods")
    found = {kind.id: kind for kind in reversed(hub.kinds) if kind.id in wanted}
    return {id: kind for id, kind in sorted(found.items()) if kind.verbs >= _NEEDED_ABOVE}


@dataclass(slots=True)
class Upsyncing:
    """The hub's part: one informer per kind for all targets, and who owns what."""

    shared: SyncContext
    client: Watcher  # of the hub
    runtime: Runtime
    records: ObjectRecords
    kinds: dict[str, Watched] = field(default_factory=dict)  # by Kind.id
    sides: dict[str, UpSide] = field(default_factory=dict)  # by target key
    _mirrors: InformerSet | None = None

    def start(self, group: TaskGroup) -> None:
        """Watch in ``group``."""
        self._mirrors = InformerSet(
            group=group,
            name="hub up",
            kinds=self.kinds,
            make=self._make_informer,
            first_look=self._when_synced,
        )

    def follow(self, wanted: dict[str, Kind]) -> None:
        """Watch these kinds in the hub."""
        assert self._mirrors is not None
        self._mirrors.follow(wanted)

    def nudge(self) -> None:
        """The hub responds again."""
        for watched in self.kinds.values():
            watched.informer.nudge()

    def join(self, side: UpSide) -> None:
        """Report hub events about what this target owns to it from now on."""
        self.sides[side.target.key] = side

    def cached(self, lane: str, key: ObjectKey) -> CachedObject | None:
        """Return the hub's object for an item of an upsync lane."""
        watched = self.kinds.get(lane.removeprefix(LANE)) if lane.startswith(LANE) else None
        return watched.informer.get(key) if watched else None

    def below(self, target: str, item: Item) -> CachedObject | None:
        """Return the object on a target (by its key) for an upsync item."""
        side = self.sides.get(target)
        if side is None or not item.lane.startswith(LANE):
            return None
        return side.below(item.lane.removeprefix(LANE), item.key)

    def hub_changed(self, kind: str, key: ObjectKey) -> None:
        """A Service in the hub decides whether its Endpoints go up, a namespace whether anything
        does.
        """
        for side in self.sides.values():
            if kind == "services":
                side.ask("endpoints", key)
            if kind == "namespaces":
                _look_into(side, key.name)

    def copy_changed(self, target: str, kind: str, key: ObjectKey) -> None:
        """A Service on a target (by its key) appeared or disappeared."""
        if kind == "services" and target in self.sides:
            self.sides[target].ask("endpoints", key)

    def _make_informer(self, kind: Kind) -> Informer:
        return Informer(
            self.client,
            kind,
            self.runtime,
            on_change=self._changed,
            label_selector=UPSYNCED,
        )

    def _changed(
        self, kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        for cached in (old, new):
            owner = labels_of(cached.decode()).get(UPSYNCED, "") if cached else ""
            if owner in self.sides:
                self.sides[owner].ask(kind.id, key)
        self.records.touch(LANE + kind.id, key)

    async def _when_synced(self, id: str) -> None:
        await self.kinds[id].informer.wait_synced()
        for side in self.sides.values():
            sweep(side, id)


@dataclass(slots=True)
class UpWiring:
    """One target's part: what is watched there, and how its events become the hub's keys."""

    upsyncing: Upsyncing
    client: Client
    side: UpSide
    settings: SyncSettings
    group: TaskGroup  # of the connection
    _informers: InformerSet = field(init=False)
    _watches_secrets: bool = False

    def __post_init__(self) -> None:
        self._informers = InformerSet(
            group=self.group,
            name=f"{self.side.target.name} up",
            kinds=self.side.here,
            make=self._make_informer,
            first_look=self._when_synced,
        )

    def start(self) -> None:
        """Receive hub events about what the target owns from now on."""
        self.upsyncing.join(self.side)

    def follow(self, found: Discovery) -> None:
        """Watch what may be upsynced and both sides serve."""
        wanted: dict[str, Kind] = {}
        for id, watched in self.upsyncing.kinds.items():
            there = found.find(id, watched.kind.version)
            if there is not None and there.verbs >= _NEEDED_BELOW:
                wanted[id] = there
        secrets = wanted.pop("secrets", None)
        _, stopped = self._informers.follow(wanted)
        for id in stopped:
            self.side.target.queue.drop_lane(LANE + id)
        if secrets is not None and not self._watches_secrets:
            self._watches_secrets = True
            self._watch_secrets(secrets)

    def nudge(self) -> None:
        """The target responds again."""
        for watched in (*self.side.here.values(), *self.side.named.values()):
            watched.informer.nudge()

    def _make_informer(self, kind: Kind) -> Informer:
        """Endpoints take their labels from their Service, which lacks the second one."""
        key = self.side.target.key
        ours = f"{CLUSTER}={key}"
        selector = ours if kind.id == "endpoints" else f"{ours},{STATE}{key}={UPSYNC}"
        return Informer(
            self.client,
            kind,
            self.upsyncing.runtime,
            on_change=self._changed,
            label_selector=selector,
        )

    def _changed(
        self, kind: Kind, key: ObjectKey, _old: CachedObject | None, _new: CachedObject | None
    ) -> None:
        namespace = self.side.target.names.in_hub(key.namespace)
        if namespace is not None:
            self.side.ask(kind.id, ObjectKey(namespace, key.name))

    async def _when_synced(self, id: str) -> None:
        await self.side.target.namespaces.wait_synced()  # needed to map namespaces to the hub's
        await self.side.here[id].informer.wait_synced()
        sweep(self.side, id)

    def _watch_secrets(self, kind: Kind) -> None:
        for name in self.settings.upsync_secrets:
            namespace, _, secret = name.partition("/")
            key = ObjectKey(namespace, secret)
            task = f"{self.side.target.name} secret {name}"
            spawn(self.group, self._watch_secret, kind, key, name=task)

    async def _watch_secret(self, kind: Kind, key: ObjectKey) -> None:
        """Watch one Secret by its name: no other one is ever read for this."""
        target = self.side.target
        await target.namespaces.wait_synced()
        informer = Informer(
            self.client,
            kind,
            self.upsyncing.runtime,
            on_change=self._changed,
            namespace=target.names.on_target(key.namespace),
            name=key.name,
        )
        self.side.named[key] = Watched(kind, informer)
        self.side.ask("secrets", key)
        await informer.run()


def make_side(upsyncing: Upsyncing, target: Target, before: UpSide | None) -> UpSide:
    """Return the side of a new connection; what the brake has counted for the target is kept."""
    if before is not None and before.target.identity != target.identity:
        before = None
    sync = upsyncing.shared.settings
    brake = MassDeleteBrake(BRAKE_TIMES * sync.brake_deletes, BRAKE_PERCENT)
    return UpSide(target, upsyncing.kinds, before.brake if before else brake)


def sweep(side: UpSide, id: str) -> None:
    """Queue all objects of a kind, on either side: objects that vanished unwatched leave no
    event.
    """
    above, here = side.above.get(id), side.here.get(id)
    for cached in above.informer.objects() if above else ():
        if labels_of(cached.decode()).get(UPSYNCED) == side.target.key:
            side.ask(id, cached.key)
    for cached in here.informer.objects() if here else ():
        namespace = side.target.names.in_hub(cached.namespace)
        if namespace is not None:
            side.ask(id, ObjectKey(namespace, cached.name))


def _look_into(side: UpSide, namespace: str) -> None:
    space = side.target.names.on_target(namespace)
    for id, watched in side.here.items():
        for cached in watched.informer.in_namespace(space):
            side.ask(id, ObjectKey(namespace, cached.name))
    for key in side.named:
        if key.namespace == namespace:
            side.ask("secrets", key)
