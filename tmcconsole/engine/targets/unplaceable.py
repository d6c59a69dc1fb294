"""Objects that belong on a target and cannot be there, because their kind is not synced with it.

Each is noted in the target's ledger with the reason and the remedy of its kind, so that it is
counted and told like any other. What no target shares with the hub is watched here for that only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio
import msgspec

from tmcconsole.contract.records import SyncState
from tmcconsole.engine.connection.informer_set import InformerSet
from tmcconsole.engine.connection.kind_standing import KindStanding
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey
from tmcconsole.sync.names.renames import is_made_by_clusters
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.expected_targets import expected_of
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.state.target import Target

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
        ids = {id for of_target in kinds.values() for id in of_target}
        informers.follow(self._to_watch(ids))
        namespaces = self.session.shared.hub.namespaces.version
        rests_on = (namespaces, *self._versions(ids), *kinds.items())
        if rests_on == self._seen:
            return
        for name, of_target in kinds.items():
            target = self.supervisors[name].target
            if target is not None and self.supervisors[name].connection is not None:
                await self._note(target, of_target)
        self._seen = rests_on

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

    async def _note(self, target: Target, kinds: Mapping[str, KindStanding]) -> None:
        wall = self.session.context.runtime.wall()
        found = {item async for item in self._belonging(target, kinds)}
        for item in found:
            standing = kinds[item.lane]
            message = standing.message
            target.ledger.stand(
                *item, SyncState.HELD, wall, reason=standing.reason, message=message
            )
        for item in self._noted.get(target.name, set()) - found:
            if item.lane in target.kinds:
                target.queue.add(*item)  # its kind is synced now: the reconciler says how it stands
            elif target.copy_of(*item) is None:
                target.ledger.forget(*item)
        self._noted[target.name] = found

    async def _belonging(
        self, target: Target, kinds: Mapping[str, KindStanding]
    ) -> AsyncIterator[Item]:
        """Yield the objects of ``kinds`` that the hub wants on a target."""
        number = 0
        for id in sorted(kinds):
            watched = self._watched(id)
            for cached in watched.informer.objects() if watched is not None else ():
                number += 1
                if number % PER_TURN == 0:
                    await anyio.lowlevel.checkpoint()
                item = Item(id, cached.key)
                if self._belongs(target, item, cached):
                    yield item

    def _belongs(self, target: Target, item: Item, cached: CachedObject) -> bool:
        if cached.deleting or is_made_by_clusters(item.lane, item.key.name) or _is_owned(cached):
            return False
        expected = expected_of(self.session.shared, item, cached.decode())
        return expected is not None and target.key in expected.keys

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
