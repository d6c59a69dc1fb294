"""Telling the hub that a target lives, and what is the matter where it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.settings import TargetSettings
from tmcconsole.engine.heartbeat import Signs, status_patch
from tmcconsole.engine.reach import Reach
from tmcconsole.engine.session import HubSession
from tmcconsole.kube.discovery import Discovery
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.informer import Phase
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.placement.api import SYNC_TARGETS
from tmcconsole.sync.markers import MANAGER
from tmcconsole.sync.world import Target

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0  # how soon a change of conditions is written


@dataclass(slots=True)
class Beats:
    """The heartbeat of one connected target. ``last_at``: Unix seconds of the last accepted."""

    session: HubSession
    settings: TargetSettings
    reach: Reach
    target: Target
    discovery: Callable[[], Discovery | None]
    last_at: float = 0.0
    errors: int = 0

    async def run(self) -> None:
        """Beat while the cluster answers; write changed conditions at once. Until cancelled."""
        runtime, period = self.session.around.runtime, self.session.around.settings.sync.heartbeat_s
        due = runtime.now()
        while True:
            await self.session.reach.wait_up()  # nobody takes a heartbeat while the hub is away
            if not self.session.world.duties.holds(self.target.key):
                due = runtime.now()  # its holder beats; we do at once where we become it
                await runtime.sleep(LOOK_S)
                continue
            beat = self.reach.is_up and runtime.now() >= due
            if await self._write(beat) and beat:
                due = runtime.now() + period * runtime.rng.uniform(0.9, 1.0)
            await runtime.sleep(LOOK_S)

    async def _write(self, beat: bool) -> bool:
        """Write what changed; False where the hub did not take it."""
        session = self.session
        key = ObjectKey("", self.settings.name)
        cached = session.sources.targets.get(key)
        if cached is None:
            return False
        wall = session.around.runtime.wall()
        patch = status_patch(cached.decode(), self._signs(), wall=wall, beat=beat)
        if patch is None:
            return True
        try:
            written = await session.client.merge_patch(
                SYNC_TARGETS, key, patch, manager=MANAGER, subresource="status"
            )
        except KubeError as error:
            self.errors += 1
            log.warning("heartbeat of %s was not accepted: %s", self.settings.name, error)
            return False
        session.sources.targets.observe(written)
        if beat:
            self.last_at = wall
        session.around.changed()
        return True

    def _signs(self) -> Signs:
        timeout = self.session.around.settings.sync.heartbeat_timeout_s
        kinds = [watched.kind for watched in self.target.kinds.values()]
        return Signs(
            self.reach.is_up,
            self.reach.reason,
            str(self.reach.message),
            self.reach.down_s > timeout,
            tuple(self._missing()),
            tuple(sorted((kind.group, kind.resource, kind.version) for kind in kinds)),
        )

    def _missing(self) -> list[str]:
        """Kinds that cannot be listed, each with its reason; an outage of all is not that."""
        found = self.discovery()
        told = [f"{group}: {why}" for group, why in (found.failed if found else ())]
        hub = self.session.world.hub.kinds
        for id, watched in sorted(self.target.kinds.items()):
            for side, one in (("here", watched), ("in the hub", hub.get(id))):
                state = one.informer.state if one else None
                if state is not None and state.phase in (Phase.DENIED, Phase.GONE):
                    told.append(f"{id}: {state.phase.value} {side}: {state.message}")
        return told
