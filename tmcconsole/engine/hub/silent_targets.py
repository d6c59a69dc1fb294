"""Which SyncTargets have lost their heartbeats: their last reports are old, and marked so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.sync_target_status import HEARTBEAT
from tmcconsole.kube.objects import condition_of
from tmcconsole.placement.api import read_sync_target
from tmcconsole.sync.names.silent_target import SilentTarget

LOOK_S: Final = 1.0


@dataclass(slots=True)
class SilentTargets:
    """Keeps ``SyncContext.silent`` as in the hub, the same for every replica."""

    session: HubSession
    _seen: str = ""  # version of the SyncTargets at the last check

    async def run(self) -> None:
        """Check until cancelled; queue all statuses when a target is silent or heard again."""
        session = self.session
        await session.sources.targets.wait_synced()
        while True:
            if self._seen != session.sources.targets.version:
                self._seen = session.sources.targets.version
                found = self._silent()
                if found != session.shared.silent:
                    session.shared.silent = found
                    session.report_all()
            await session.context.runtime.sleep(LOOK_S)

    def _silent(self) -> dict[str, SilentTarget]:
        trees = [cached.decode() for cached in self.session.sources.targets.objects()]
        lost = [
            tree for tree in trees if (condition_of(tree, HEARTBEAT) or {}).get("status") == "False"
        ]
        read = [read_sync_target(tree, self.session.shared.hub.cluster) for tree in lost]
        return {one.key: SilentTarget(one.name, one.heartbeat_at) for one in read}
