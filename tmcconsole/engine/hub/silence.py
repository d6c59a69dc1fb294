"""Monitors all SyncTargets of the hub: one without heartbeats is marked not ready."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.sync_target_status import silence_patch
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import CachedObject
from tmcconsole.placement.api import SYNC_TARGETS, read_sync_target
from tmcconsole.sync.names.times import rfc3339
from tmcconsole.tmc.errors import ErrorType, failure
from tmcconsole.tmc.history.history import CONTACT

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
BEATS: Final = "heartbeat"  # subject of a silence in the history


@dataclass(slots=True)
class Silence:
    """Judges by changes seen on our own clock: other machines' clocks do not matter."""

    session: HubSession
    _heard: dict[str, tuple[float, float]] = field(default_factory=dict)  # uid -> (beat, seen at)

    async def run(self) -> None:
        """Check until cancelled."""
        session = self.session
        await session.sources.targets.wait_synced()
        while True:
            await session.context.runtime.sleep(LOOK_S)
            if not session.probe.is_up:
                await session.probe.wait_up()
                self._heard.clear()  # no heartbeat could be seen meanwhile: silence starts over
            if not session.shared.duties.leads:
                self._heard.clear()
                continue
            known = session.sources.targets.objects()
            present = {cached.uid for cached in known}
            self._heard = {uid: at for uid, at in self._heard.items() if uid in present}
            for cached in known:
                await self._look(cached)

    async def _look(self, cached: CachedObject) -> None:
        runtime, tree = self.session.context.runtime, cached.decode()
        found = read_sync_target(tree, self.session.shared.hub.cluster)
        beat, seen_at = self._heard.get(cached.uid, (-1.0, 0.0))
        now = runtime.now()
        if beat != found.heartbeat_at:
            self._heard[cached.uid] = (found.heartbeat_at, now)
            if beat >= 0.0:  # one was seen to arrive
                self.session.context.history.record_recovery(cached.name, BEATS, runtime.wall())
            return
        silent_s = now - seen_at
        if silent_s <= self.session.context.settings.sync.heartbeat_timeout_s:
            return
        patch = silence_patch(tree, wall=runtime.wall(), silent_s=silent_s)
        if patch is None:
            return
        try:
            targets = self.session.sources.targets
            written = await self.session.shared.hub.writer.merge_patch(
                SYNC_TARGETS, cached.key, patch, into=targets, subresource="status"
            )
        except KubeError as error:
            log.warning(
                "%s has no heartbeat, but that could not be written: %s", cached.name, error
            )
            return
        if written is None:
            return
        self._record(cached.name, silent_s)

    def _record(self, name: str, silent_s: float) -> None:
        """Record a silence, once, unless why the target is silent is an open trouble already."""
        context = self.session.context
        if context.history.is_failing(name, "") or context.history.is_failing(name, BEATS):
            return
        wall = context.runtime.wall()
        found = failure(
            ErrorType.CLUSTER_UNREACHABLE, f"no heartbeat since {rfc3339(wall - silent_s)}"
        )
        context.history.record_error(
            found, target=name, subject=BEATS, at=wall, trouble=CONTACT, event="HeartbeatLost"
        )
