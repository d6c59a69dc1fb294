"""Which kinds of a target are not watched now, on either side: only their last state is known."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.contract.text import SafeText
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.runtime import Runtime
from tmcconsole.sync.state.target import StaleKind, Target
from tmcconsole.tmc.errors import ErrorType, failure

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
GRACE_S: Final = 3.0  # a failure that ends sooner is not reported
# By then the probe reports that a side does not respond, once instead of for each kind.
PROBED_S: Final = 20.0
HUB: Final = "the hub"
HINT: Final = "Ask the API server for the kind with kubectl; its copies are left as they are."


@dataclass(slots=True)
class Freshness:
    """Owns ``Target.stale`` of one connection.

    A side that does not respond at all is reported as such, and its kinds are not checked.
    """

    session: HubSession
    probe: Probe
    target: Target
    _seen: dict[str, float] = field(default_factory=dict)  # monotonic: failing since, by kind

    async def run(self) -> None:
        """Check every second until cancelled."""
        while True:
            self.look()
            await self.session.context.runtime.sleep(LOOK_S)

    def look(self) -> None:
        """Record which kinds are stale now, and report what began or ended."""
        now, found = self.session.context.runtime.now(), {}
        looks = {id: self._stale(id) for id in self.target.kinds}
        are_all = all(stale is not None for stale in looks.values())
        for id, stale in looks.items():
            grace = PROBED_S if are_all or _is_contact(stale) else GRACE_S
            if stale is not None and now - self._seen.setdefault(id, now) >= grace:
                found[id] = stale
            elif stale is None:
                self._seen.pop(id, None)
        before, self.target.stale = self.target.stale, found
        for id in sorted(before.keys() | found.keys()):
            self._tell(id, before.get(id), found.get(id))

    def _stale(self, id: str) -> StaleKind | None:
        runtime = self.session.context.runtime
        here, there = self.target.kinds.get(id), self.session.shared.hub.kinds.get(id)
        if here is not None and self.probe.is_up:
            found = stale_kind(self.target.name, here.informer, runtime)
            if found is not None:
                return found
        if there is not None and self.session.probe.is_up:
            return stale_kind(HUB, there.informer, runtime)
        return None

    def _tell(self, id: str, before: StaleKind | None, now: StaleKind | None) -> None:
        if (before is None) == (now is None):
            return
        context, name = self.session.context, self.target.name
        self.target.ledger.look_again(id)
        context.changed()
        if now is None:
            log.info("%s: %s is watched again", name, id)
            context.history.record_recovery(name, id, context.runtime.wall())
            return
        log.warning("%s: %s is not watched in %s: %s", name, id, now.where, now.message)
        if not now.is_told:
            message = f"{id} is not watched in {now.where}: {now.message}"
            found = failure(ErrorType.SYNC_FAILURE, message, reason=now.reason, hint=HINT)
            trouble = f"stale {id}"
            context.history.record_error(
                found, target=name, subject=id, at=now.since, trouble=trouble, event="KindStale"
            )


def _is_contact(stale: StaleKind | None) -> bool:
    return stale is not None and stale.reason in ("Unreachable", "Timeout", "Unauthorized")


def stale_kind(where: str, informer: Informer, runtime: Runtime) -> StaleKind | None:
    """Return what is wrong with a cache, or None if it is current."""
    state = informer.state
    if not state.failing_since or state.phase is Phase.WATCHING:
        return None
    since = runtime.wall() - (runtime.now() - state.failing_since)
    is_told = state.phase in (Phase.DENIED, Phase.GONE)
    return StaleKind(
        where=where,
        reason=SafeText(state.reason),
        message=state.message,
        since=since,
        is_told=is_told,
    )
