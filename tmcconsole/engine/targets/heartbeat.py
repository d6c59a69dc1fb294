"""Reports to the hub that a target is alive, and what is wrong if anything is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.settings import TargetSettings
from tmcconsole.contract.records import KindState
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.hub.sync_target_status import (
    StatusInputs,
    SyncedResource,
    disconnected_patch,
    status_patch,
)
from tmcconsole.engine.targets.shared_kinds import SharedKinds
from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.placement.api import SYNC_TARGETS
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.state.target import Target

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0  # how soon a change of conditions is written
_TOLD: Final = {
    KindState.ACCEPTED: KindState.ACCEPTED,
    KindState.INCOMPATIBLE: KindState.INCOMPATIBLE,
    KindState.GONE: KindState.PENDING,
}


@dataclass(slots=True)
class Heartbeat:
    """The heartbeat of one connected target. ``last_at``: Unix seconds of the last accepted."""

    session: HubSession
    settings: TargetSettings
    probe: Probe
    target: Target
    shared_kinds: SharedKinds
    last_at: float = 0.0
    errors: int = 0

    async def run(self) -> None:
        """Send heartbeats while the cluster responds; write changed conditions at once. Until
        cancelled.
        """
        runtime, period = (
            self.session.context.runtime,
            self.session.context.settings.sync.heartbeat_s,
        )
        due = runtime.now()
        while True:
            await self.session.probe.wait_up()  # nobody takes a heartbeat while the hub is away
            if not self.session.shared.duties.holds(self.target.key):
                due = runtime.now()  # its holder beats; we do at once where we become it
                await runtime.sleep(LOOK_S)
                continue
            beat = self.probe.is_up and runtime.now() >= due
            if await self._write(beat) and beat:
                due = runtime.now() + period * runtime.rng.uniform(0.9, 1.0)
            await runtime.sleep(LOOK_S)

    async def _write(self, beat: bool) -> bool:
        """Write what changed; return False if the hub did not accept it."""
        session = self.session
        key = ObjectKey("", self.settings.name)
        cached = session.sources.targets.get(key)
        if cached is None:
            return False
        wall = session.context.runtime.wall()
        patch = status_patch(cached.decode(), self._signs(), wall=wall, beat=beat)
        if patch is None:
            return True
        try:
            written = await session.shared.hub.writer.beat(
                SYNC_TARGETS, key, patch, into=session.sources.targets
            )
        except KubeError as error:
            self.errors += 1
            log.warning("heartbeat of %s was not accepted: %s", self.settings.name, error)
            return False
        if written is None:
            return False
        if beat:
            self.last_at = wall
        session.context.changed()
        return True

    def _signs(self) -> StatusInputs:
        timeout = self.session.context.settings.sync.heartbeat_timeout_s
        return StatusInputs(
            connected=self.probe.is_up,
            reason=self.probe.reason,
            message=str(self.probe.message),
            heartbeat_lost=self.probe.down_s > timeout,
            imports_missing=tuple(self._missing()),
            synced_resources=tuple(self._synced()),
            stale=tuple(
                f"{id} in {one.where}: {one.reason}"
                for id, one in sorted(self.target.stale.items())
                if not one.is_told
            ),
            unauthorized=self.shared_kinds.unauthorized(),
        )

    def _synced(self) -> Iterator[SyncedResource]:
        """What is synced, or was and will be; missing rights have their own condition."""
        for id, standing in sorted(self.shared_kinds.standings.items()):
            is_ours = standing.state in _TOLD or standing.state is KindState.PENDING
            if not is_ours or standing.reason == "KindNotServed":
                continue
            resource, _, group = id.partition(".")
            pair = standing.pair
            versions = (pair.hub.version,) if pair else standing.hub_versions
            versions = versions or standing.target_versions
            state = _TOLD.get(standing.state, KindState.PENDING)
            yield SyncedResource(group, resource, versions, state.value)

    def _waiting_for(self, id: str) -> str:
        """Return how many objects of the hub's should be there and are not, "" for none."""
        count = len(self.target.ledger.keys(id))
        return f"{count} object{'' if count == 1 else 's'}" if count else ""

    def _missing(self) -> Iterator[str]:
        """Return the kinds that cannot be synced now, each with its reason; an outage does not
        count.

        Kinds that the account may not list have their own condition.
        """
        found = self.shared_kinds.discovery
        yield from (f"{group}: {why}" for group, why in found.failed)
        for id, standing in sorted(self.shared_kinds.standings.items()):
            if standing.state in (KindState.GONE, KindState.INCOMPATIBLE):
                yield f"{id}: {standing.state.value}: {standing.message}"
            elif standing.reason == "KindNotServed" and (waiting := self._waiting_for(id)):
                yield f"{id}: {standing.message} ({waiting} wait for it)"
        hub = self.session.shared.hub.kinds
        for id, watched in sorted(self.target.kinds.items()):
            for side, one in (("here", watched), ("in the hub", hub.get(id))):
                state = one.informer.state if one else None
                if state is not None and state.phase is Phase.GONE:
                    yield f"{id}: {state.phase.value} {side}: {state.message}"


async def tell_disconnected(session: HubSession, name: str, reason: str, message: str) -> None:
    """Record on a SyncTarget why it is not served now, if the hub can be reached."""
    cached = session.sources.targets.get(ObjectKey("", name))
    if cached is None or not session.probe.is_up:
        return
    if not session.shared.duties.holds(target_key(session.identity.cluster, name)):
        return  # its holder may well be connected
    wall = session.context.runtime.wall()
    patch = disconnected_patch(cached.decode(), reason, message, wall=wall)
    if patch is None:
        return
    try:
        await session.shared.hub.writer.merge_patch(
            SYNC_TARGETS, cached.key, patch, into=session.sources.targets, subresource="status"
        )
    except KubeError as error:
        log.warning("the status of %s, which is not served, could not be written: %s", name, error)
