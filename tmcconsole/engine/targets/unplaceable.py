"""Objects that belong on a target but whose standing there no reconciler sets.

Objects of a kind that is not synced with the target are recorded in its ledger with the kind's
reason and remedy; those wanted on a target that has not answered since the start, in a ledger of
their own (``HubSession.unheard``). So they are counted and shown like any other. Kinds that no
target shares with the hub are watched here for that purpose only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import anyio
import msgspec

from tmcconsole.contract.records import SyncState
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.connection.informer_set import InformerSet
from tmcconsole.engine.connection.kind_standing import KindStanding
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey
from tmcconsole.sync.names.markers import finalizer_keys
from tmcconsole.sync.names.renames import is_made_by_clusters
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.ledger import Ledger
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.errors import ErrorType, failure

LOOK_S: Final = 1.0
SHARE: Final = 20  # a look may take this part of the time: the pause after it grows with it
PER_TURN: Final = 50  # objects looked at before other tasks run
# Why a kind is not synced although somebody may want it to be. What the config excludes by name is
# wanted by nobody, and what belongs to each cluster itself never travels.
WANTED: Final = frozenset(
    {
        "HubRunsWorkloads",
        "KindNotNamed",
        "KindNotServed",
        "NoCommonVersion",
        "SchemaNarrower",
        "ScopeDiffers",
    }
)
_TYPES: Final = {
    "KindNotServed": ErrorType.RESOURCE_NOT_FOUND,
    "KindNotNamed": ErrorType.PLACEMENT_POLICY,
}
_NEEDED: Final = frozenset({"list", "watch"})


class _Owner(msgspec.Struct, gc=False):
    controller: bool | None = False


class _Owned(msgspec.Struct, gc=False):
    ownerReferences: list[_Owner] | None = None


class _Head(msgspec.Struct, gc=False):
    metadata: _Owned


@dataclass(slots=True)
class Unplaceable:
    """Owns the informers of kinds that no target shares, and what was noted in the ledgers."""

    session: HubSession
    supervisors: Mapping[str, Supervisor]
    _unshared: dict[str, Watched] = field(default_factory=dict)  # by kind id
    _noted: dict[str, set[Item]] = field(default_factory=dict)  # by target name
    _seen: tuple[object, ...] = ()  # what the last look rested on

    async def run(self) -> None:
        """Look again whenever something changed, until cancelled."""
        runtime = self.session.context.runtime
        async with anyio.create_task_group() as group:
            informers = InformerSet(
                group=group,
                name="hub, not synced",
                kinds=self._unshared,
                make=self._make_informer,
                first_look=_nothing,
            )
            while True:
                began = runtime.now()
                await self.session.probe.wait_up()
                await self._look(informers)
                await runtime.sleep(max(LOOK_S, SHARE * (runtime.now() - began)))

    async def _look(self, informers: InformerSet) -> None:
        kinds = {
            name: dict(_not_synced(supervisor)) for name, supervisor in self.supervisors.items()
        }
        unheard = {one.name: self._may_be_on(one) for one in self.supervisors.values()}
        ids = {id for of_target in (*kinds.values(), *unheard.values()) for id in of_target}
        informers.follow(self._to_watch(ids))
        namespaces = self.session.shared.hub.namespaces.version
        rests_on = (namespaces, *self._versions(ids), *kinds.items(), *unheard.items())
        if rests_on == self._seen:
            return
        for name, of_target in kinds.items():
            target = self.supervisors[name].target
            if target is None:
                await self._note_unheard(self.supervisors[name], unheard[name])
                continue
            self._has_answered(name)
            if self.supervisors[name].connection is not None:
                await self._note(target, of_target)
        self._seen = rests_on

    def _may_be_on(self, supervisor: Supervisor) -> frozenset[str]:
        """Return the kinds that may be on a target that has not answered since the start."""
        if supervisor.target is not None:
            return frozenset()
        registered = supervisor.registration.found()
        before = registered.synced_kinds if registered is not None else frozenset[str]()
        return before | self.session.shared.hub.kinds.keys()

    def _to_watch(self, ids: set[str]) -> dict[str, Kind]:
        served = {kind.id: kind for kind in reversed(self.session.discovery.kinds)}
        return {
            id: served[id]
            for id in ids - self.session.shared.hub.kinds.keys()
            if id in served and served[id].namespaced and served[id].verbs >= _NEEDED
        }

    def _versions(self, ids: set[str]) -> Iterator[tuple[str, str, bool]]:
        for id in sorted(ids):
            watched = self._watched(id)
            if watched is not None:
                yield id, watched.informer.version, watched.informer.synced

    def _watched(self, id: str) -> Watched | None:
        return self.session.shared.hub.kinds.get(id) or self._unshared.get(id)

    def _has_answered(self, name: str) -> None:
        """Forget what was wanted there: from now on the target's own ledger has the standings."""
        ledger = self.session.unheard.pop(name, None)
        for kind, key, _ in ledger.entries() if ledger is not None else ():
            self.session.context.records.touch(kind, key)

    async def _note(self, target: Target, kinds: Mapping[str, KindStanding]) -> None:
        found = {item async for item, _ in self._belonging(target.key, kinds, self._belongs)}
        for item in sorted(found):
            standing = kinds[item.lane]
            since, message = self._record(target, item, standing), standing.message
            target.ledger.stand(
                *item, SyncState.HELD, since, reason=standing.reason, message=message
            )
        self._end_others(target, kinds, found)
        for item in self._noted.get(target.name, set()) - found:
            if item.lane in target.kinds:
                target.queue.add(*item)  # its kind is synced now: the reconciler says how it stands
            elif target.copy_of(*item) is None:
                target.ledger.forget(*item)
        self._noted[target.name] = found

    def _record(self, target: Target, item: Item, standing: KindStanding) -> float:
        """Record in the history that an object cannot be there; return since when."""
        context = self.session.context
        type_ = _TYPES.get(standing.reason, ErrorType.PLACEMENT_CONSTRAINT)
        told = failure(type_, standing.message, reason=standing.reason)
        return context.history.record_state(
            replace(told, hint=SafeText()),  # the message already says what helps
            target=target.name,
            subject=f"{item.lane}/{item.key}",
            at=context.runtime.wall(),
        )

    def _end_others(
        self, target: Target, kinds: Mapping[str, KindStanding], found: set[Item]
    ) -> None:
        """End, in the history, troubles of objects that the hub no longer wants there."""
        history, wall = self.session.context.history, self.session.context.runtime.wall()
        shared = self.session.shared
        if not (shared.hub.namespaces.synced and shared.placements.has_decided):
            return
        for id in kinds:
            watched = self._watched(id)
            wanted = {str(item.key) for item in found if item.lane == id}
            if watched is not None and watched.informer.synced:
                for name in history.failing(target.name, id):
                    if name not in wanted:
                        history.record_recovery(target.name, f"{id}/{name}", wall)

    async def _note_unheard(self, supervisor: Supervisor, ids: frozenset[str]) -> None:
        """Record what is wanted on a target that has not answered since the start."""
        wall, name = self.session.context.runtime.wall(), supervisor.name
        ledger = self.session.unheard.setdefault(name, Ledger(self.session.context.records))
        message = f"{name} has not answered since the start: what is there is not known"
        left = {Item(id, key) for id, key, _ in ledger.entries()}
        async for item, cached in self._belonging(supervisor.key, ids, self._is_wanted):
            left.discard(item)
            state = SyncState.DELETING if cached.deleting else SyncState.STALE
            ledger.stand(*item, state, wall, reason="NotHeardYet", message=message)
        for item in left:
            ledger.forget(*item)

    async def _belonging(
        self, key: str, ids: Iterable[str], belongs: Callable[[str, Item, CachedObject], bool]
    ) -> AsyncIterator[tuple[Item, CachedObject]]:
        """Yield the objects of some kinds that belong on a target."""
        number = 0
        for id in sorted(ids):
            watched = self._watched(id)
            for cached in watched.informer.objects() if watched is not None else ():
                number += 1
                if number % PER_TURN == 0:
                    await anyio.lowlevel.checkpoint()
                item = Item(id, cached.key)
                if belongs(key, item, cached):
                    yield item, cached

    def _belongs(self, key: str, item: Item, cached: CachedObject) -> bool:
        """True for what the hub wants on a target although its kind is not synced there."""
        if cached.deleting or is_made_by_clusters(item.lane, item.key.name) or _is_owned(cached):
            return False
        expected = expected_of(self.session.shared, item, cached.decode())
        return expected is not None and key in expected.keys

    def _is_wanted(self, key: str, item: Item, cached: CachedObject) -> bool:
        """True for what may have a copy on a target or should have one."""
        return key in finalizer_keys(cached.decode()) or self._belongs(key, item, cached)

    def _make_informer(self, kind: Kind) -> Informer:
        runtime = self.session.context.runtime
        return Informer(self.session.client, kind, runtime, on_change=_told_by_version)


def _not_synced(supervisor: Supervisor) -> Iterator[tuple[str, KindStanding]]:
    """Yield the kinds that are not synced with a connected target, though somebody may want it."""
    here = supervisor.connection
    for id, standing in here.shared_kinds.standings.items() if here is not None else ():
        if standing.pair is None and standing.reason in WANTED:
            yield id, standing


def _is_owned(cached: CachedObject) -> bool:
    """True for what a controller of the hub made: nobody asked for it to travel."""
    owners = msgspec.json.decode(cached.raw, type=_Head).metadata.ownerReferences or ()
    return any(owner.controller for owner in owners)


def _told_by_version(
    _kind: Kind, _key: ObjectKey, _old: CachedObject | None, _new: CachedObject | None
) -> None:
    """A look compares versions; the event itself says nothing more."""


async def _nothing(_id: str) -> None:
    """There is nothing to do once such a kind is listed."""
