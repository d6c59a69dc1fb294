"""Follows the events of one cluster and copies those about synced objects to the hub."""

from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.ingest import Quarantined
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.state.ledger import LANE
from tmcconsole.sync.state.target import Target
from tmcconsole.sync.up.events import EventMirror, involved_in

log = logging.getLogger(__name__)

EVENTS: Final = Kind("", "v1", "events", "Event")
WATCH_S: Final = 600.0
IDLE_S: Final = 90.0  # bookmarks come about once a minute
RETRY_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class EventWatch:
    """Nothing is cached, and nothing from before the start is copied: an event is news, not
    state.
    """

    session: HubSession
    client: Client
    target: Target
    probe: Probe
    mirror: EventMirror

    async def run(self) -> None:
        """Follow until cancelled; a watch that ends starts again at the present."""
        while True:
            await self.probe.wait_up()
            await self.session.probe.wait_up()
            try:
                await self._follow(await self._present())
            except KubeError as error:
                log.info("%s: watching events again: %s", self.target.name, error)
            if self.mirror.left_out:
                log.info(
                    "%s: %d events were dropped by the rate limit",
                    self.target.name,
                    self.mirror.left_out,
                )
            await self.session.context.runtime.sleep(RETRY_S)

    async def _present(self) -> str:
        pages = self.client.list_pages(EVENTS, limit=1)
        async with aclosing(pages):
            async for page in pages:
                return page.resource_version
        return ""

    async def _follow(self, version: str) -> None:
        stream = self.client.watch(
            EVENTS, resource_version=version, timeout_s=WATCH_S, idle_s=IDLE_S
        )
        async with aclosing(stream):
            async for news in stream:
                if isinstance(news, Quarantined) or news.object is None or news.type == "DELETED":
                    continue
                await self._tell(news.object.decode())

    async def _tell(self, event: Json) -> None:
        about = self._about(event)
        if about is None or not self.session.shared.duties.holds(self.target.key):
            return
        tree = self.mirror.take(event, about)
        if tree is None:
            return
        hub = self.session.shared.hub
        try:
            await hub.writer.apply(EVENTS, tree, into=None, force=True)
        except KubeError as error:  # one event more or less: the next one reports it again
            log.info("the hub rejected an event of %s: %s", self.target.name, error)

    def _about(self, event: Json) -> Json | None:
        """Return the hub object that an event is about, None if it is not one of ours."""
        target, session = self.target, self.session
        side = session.upsyncing.sides.get(target.key)
        kinds = {id: watched.kind for id, watched in target.kinds.items()}
        kinds |= {id: watched.kind for id, watched in (side.here if side else {}).items()}
        found = involved_in(event, kinds)
        if found is None:
            return None
        id, there = found
        namespace = target.names.in_hub(there.namespace)
        if namespace is None:
            return None
        key = ObjectKey(namespace, there.name)
        if target.ledger.get(id, key) is not None and target.copy_of(id, key) is not None:
            cached = session.shared.hub.cached(id, key)
        else:
            cached = session.upsyncing.cached(LANE + id, key)
        return cached.decode() if cached else None
