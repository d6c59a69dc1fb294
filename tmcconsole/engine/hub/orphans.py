"""What a SyncTarget owned in the hub is deleted with it, as in kcp, and audited."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from tmcconsole.backoff import Backoff
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.upsyncing import BRAKE_PERCENT, BRAKE_TIMES
from tmcconsole.kube.errors import Conflict, KubeError
from tmcconsole.kube.objects import CachedObject, Json, labels_of
from tmcconsole.placement.api import SYNC_TARGETS, read_sync_target
from tmcconsole.sync.deletion.delete_gate import Held
from tmcconsole.sync.names.markers import UPSYNC, UPSYNCED, finalizer_keys, state_keys
from tmcconsole.sync.policy.mass_delete_brake import MassDeleteBrake
from tmcconsole.sync.state.hub import Watched
from tmcconsole.sync.up.removal import delete_above, strip_finalizer

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
BACKOFF: Final = Backoff(first_s=2 * LOOK_S, cap_s=60.0)
REASON: Final = "SyncTargetGone"


@dataclass(slots=True)
class Orphans:
    """Sweeps the hub for objects whose SyncTarget is gone. One brake for all of them."""

    session: HubSession
    brake: MassDeleteBrake
    told: str = ""  # the last reason for keeping them

    async def run(self) -> None:
        """Sweep repeatedly until cancelled; this costs nothing if there are no orphans."""
        runtime, wait_s, failures = self.session.context.runtime, LOOK_S, 0
        while True:
            await runtime.sleep(wait_s)
            await self.session.probe.wait_up()
            if not self.session.shared.duties.leads:
                continue  # another replica sweeps
            try:
                await self.look()
                wait_s, failures = LOOK_S, 0
            except KubeError as error:
                self._tell(f"cleanup after deleted SyncTargets will be retried: {error}")
                failures += 1
                wait_s = BACKOFF.delay(failures, runtime.rng)

    async def look(self) -> None:
        """Delete what no SyncTarget owns any more. Raises ``KubeError``."""
        found = self._candidates(self._known_keys())
        if not found:
            return
        live = await self._live_keys()
        now, shared = self.session.context.runtime.now(), self.session.shared
        for watched, cached, key in found:
            if key in live:
                continue
            if cached.deleting:
                await strip_finalizer(shared, watched, cached, key)
                continue
            self.brake.judge_list(watched.informer, "the hub", now)
            if not self.brake.admit(cached.uid, now, len(watched.informer)):
                self._tell(f"objects of deleted SyncTargets are kept: {self.brake.tripped}")
                return
            await self._delete(watched, cached, key)

    async def _delete(self, watched: Watched, cached: CachedObject, key: str) -> None:
        shared = self.session.shared
        try:
            await delete_above(shared, watched, cached, self.brake, key, REASON)
        except Held as held:
            self._tell(str(held))
        except Conflict:
            log.info(
                "%s %s has changed meanwhile; it will be checked again", watched.kind.id, cached.key
            )

    def _known_keys(self) -> frozenset[str] | None:
        targets = self.session.sources.targets
        if not targets.synced:
            return None
        return frozenset(self._key_of(cached.decode()) for cached in targets.objects())

    async def _live_keys(self) -> frozenset[str]:
        """Ask the hub which SyncTargets exist: a cache may lag."""
        pages = self.session.client.list_pages(SYNC_TARGETS)
        return frozenset([self._key_of(one.decode()) async for page in pages for one in page.items])

    def _key_of(self, tree: Json) -> str:
        return read_sync_target(tree, self.session.shared.hub.cluster).key

    def _candidates(self, known: frozenset[str] | None) -> list[tuple[Watched, CachedObject, str]]:
        if known is None:
            return []
        found = []
        for _, watched in sorted(self.session.upsyncing.kinds.items()):
            for cached in watched.informer.objects() if watched.informer.synced else ():
                tree = cached.decode()
                key = labels_of(tree).get(UPSYNCED, "")
                if key and key not in known and _is_ours(tree, key):
                    found.append((watched, cached, key))
        return found

    def _tell(self, message: str) -> None:
        if message == self.told:
            return
        self.told = message
        context = self.session.context
        context.history.record(
            "lifecycle", "UpsyncedKept", at=context.runtime.wall(), target="hub", message=message
        )


def make_orphans(session: HubSession) -> Orphans:
    """Return the sweeper of one session."""
    least = BRAKE_TIMES * session.shared.settings.brake_deletes
    return Orphans(session, MassDeleteBrake(least, BRAKE_PERCENT))


def _is_ours(tree: Json, key: str) -> bool:
    return state_keys(tree).get(key) == UPSYNC and key in finalizer_keys(tree)
