"""Connects to the hub: from a transport to a session whose parts know each other."""

from __future__ import annotations

from typing import Final

from tmcconsole.engine.connection.connect import (
    HubIdentity,
    discover_hub,
    identify_hub,
    open_transport,
)
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.hub.hub_session import EngineContext, HubSession
from tmcconsole.engine.hub.upsyncing import Upsyncing
from tmcconsole.engine.replicas.duty_watch import make_leases, timing_of
from tmcconsole.engine.replicas.fence import Fenced, Holds
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Kind, ObjectKey, content_changed
from tmcconsole.placement.api import LOCATIONS, PLACEMENTS, SYNC_TARGETS
from tmcconsole.placement.decisions import Decisions
from tmcconsole.placement.scheduler import Scheduler, Sources
from tmcconsole.runtime import Runtime
from tmcconsole.sync.policy import Policy
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit
from tmcconsole.sync.queue.workqueue import WorkQueue
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.hub import Hub
from tmcconsole.sync.state.hub_writer import HubWriter
from tmcconsole.sync.state.reference_index import ReferenceIndex

HUB_WIDTH: Final = 64  # maximum parallel requests to the hub


async def open_session(context: EngineContext) -> HubSession:
    """Connect to the hub. Raises ``KubeError`` with what is wrong and what would help."""
    runtime, sync = context.runtime, context.settings.sync
    transport = await open_transport(runtime, "hub")
    holds = Holds(runtime.now, timing_of(sync)) if sync.leases else None
    client = Client(Fenced(transport, holds) if holds else transport, name="hub")
    try:
        identity = await identify_hub(client)
        discovery = await discover_hub(client)
    except BaseException:
        await client.aclose()
        raise
    session = _assemble(context, client, identity, discovery)
    if holds is not None:
        past_the_fence = Client(transport, name="hub")  # its own writes are not the sync's
        session.leases = make_leases(
            context.myself,
            runtime=runtime,
            settings=context.settings,
            client=past_the_fence,
            identity=identity,
            holds=holds,
            probe=session.probe,
        )
    return session


def _assemble(
    context: EngineContext, client: Client, identity: HubIdentity, discovery: Discovery
) -> HubSession:
    runtime = context.runtime
    session: HubSession

    def noticed(
        kind: Kind, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        session.scheduler.notice(kind, key, old, new)
        if kind.id == NAMESPACES.id:
            _namespace_changed(session, key, old, new)
        context.changed()

    def informer(kind: Kind) -> Informer:
        return Informer(client, kind, runtime, on_change=noticed)

    hub = _hub(client, runtime, identity, informer(NAMESPACES))
    sources = Sources(informer(SYNC_TARGETS), informer(LOCATIONS), informer(PLACEMENTS))
    decisions = Decisions(hub.namespaces, context.settings.transforms)
    scheduler = Scheduler(
        runtime=runtime,
        hub=hub,
        sources=sources,
        decisions=decisions,
        on_decided=lambda: session.reassign_all(),
        history=context.history,
    )
    shared = SyncContext(
        runtime=runtime,
        settings=context.settings.sync,
        policy=Policy(context.settings.sync, identity.cluster, identity.workspace),
        hub=hub,
        history=context.history,
        audit=context.audit,
        placements=decisions,
        referred=ReferenceIndex(hub),
    )
    answers = Probe(client, runtime, context.changed)
    upsyncing = Upsyncing(shared, client, runtime, context.records)
    session = HubSession(
        context=context,
        identity=identity,
        discovery=discovery,
        client=client,
        shared=shared,
        scheduler=scheduler,
        sources=sources,
        probe=answers,
        upsyncing=upsyncing,
    )
    return session


def _hub(client: Client, runtime: Runtime, identity: HubIdentity, namespaces: Informer) -> Hub:
    concurrency = ConcurrencyLimit(runtime.now, runtime.sleep, HUB_WIDTH)
    return Hub(
        client=client,
        writer=HubWriter(client, concurrency),
        concurrency=concurrency,
        cluster=identity.cluster,
        flavour=identity.flavour,
        namespaces=namespaces,
        queue=WorkQueue(runtime.now),
        statuses=WorkQueue(runtime.now),
    )


def _namespace_changed(
    session: HubSession, key: ObjectKey, old: CachedObject | None, new: CachedObject | None
) -> None:
    """A namespace's labels decide for the objects in it."""
    if not content_changed(old, new):
        return
    hub = session.shared.hub
    session.upsyncing.hub_changed(NAMESPACES.id, key)
    if new is None:
        session.shared.referred.forget(key.name)
    for id, watched in hub.kinds.items():
        for cached in watched.informer.in_namespace(key.name):
            hub.queue.add(id, cached.key, backlog=True)
