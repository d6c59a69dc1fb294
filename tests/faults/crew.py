"""Several engines that share a fleet in virtual time; each can die, freeze, or lose a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tests.faults.freezing import REPLICA, FreezingLoop, nobody
from tests.simulation.loop import virtual_runtime, virtual_wall
from tests.simulation.wire import ACTOR, Hand
from tests.world.world import (
    CONFIGMAPS,
    Side,
    make_clusters,
    make_configmap,
    make_settings,
    place_everywhere,
)
from tmcconsole.config.settings import Settings
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.records import TargetRecord, TargetState
from tmcconsole.engine.engine import Engine
from tmcconsole.engine.replicas.election import lease_name
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, ObjectKey, annotations_of, finalizers_of, labels_of
from tmcconsole.placement.install import install
from tmcconsole.runtime import ByteStream, Request, Response, Transport, TransportError
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.storage.store import Commit
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.names.markers import DELETION, FINALIZER, STATE
from tmcconsole.tmc.history.audit import MemoryAudit

SPACE = "shop"
KINDS = ("configmaps", "deployments.apps")
LEASES_KIND = "leases.coordination.k8s.io"
APART = (LEASES_KIND, "synctargets.workload.kcp.io", "events")
PLACING = ("scheduling.kcp.io", "namespaces")


@dataclass(frozen=True, slots=True)
class Written:
    """One commit by an engine, and which replica held which duty in the hub at that moment."""

    at: float
    cluster: str
    by: str
    verb: str
    what: str  # kind namespace/name
    holders: dict[str, str]  # duty -> replica, "" where nobody
    keys: frozenset[str]  # of the targets whose marks were changed on a hub object


@dataclass(slots=True)
class Member:
    """One engine, alive until its scope ends."""

    name: str
    engine: Engine
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    is_dead: bool = False  # killed: nothing it still wants to send goes out
    cut_from: set[str] = field(default_factory=set)  # clusters it cannot reach


@dataclass(slots=True)
class Crew:
    """The world of several engines."""

    hub: Side
    clusters: dict[str, Side]
    sims: dict[str, SimCluster]
    settings: Settings
    group: TaskGroup
    seed: int
    now: Callable[[], float]
    members: dict[str, Member] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    refuse: Callable[[str, str, Request], Response | None] = lambda _who, _cluster, _request: None

    def start(self, name: str, **sync: Any) -> Member:
        """Start an engine."""
        settings = replace(self.settings, sync=replace(self.settings.sync, **sync))
        number = len(self.members) + 1
        member: Member

        async def dial(cluster: str) -> Transport:
            return Line(self, member, cluster)

        runtime = virtual_runtime(dial, seed=self.seed * 1000 + number)
        engine = Engine(runtime, settings, MemoryAudit(virtual_wall), replica=name)
        member = self.members[name] = Member(name, engine)
        token = REPLICA.set(name)
        try:
            self.group.start_soon(self._live, member)
        finally:
            REPLICA.reset(token)
        return member

    async def _live(self, member: Member) -> None:
        try:
            with member.scope:
                await member.engine.run()
        finally:
            member.ended.set()

    def kill(self, name: str) -> None:
        """End an engine as kill -9 does: nothing more is sent."""
        member = self.members.pop(name)
        member.is_dead = True
        member.scope.cancel()

    async def stop(self, name: str) -> None:
        """Stop an engine in an orderly way."""
        member = self.members.pop(name)
        member.scope.cancel()
        await member.ended.wait()

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self._loop().freeze(name)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self._loop().thaw(name)

    def _loop(self) -> FreezingLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, FreezingLoop)
        return loop

    # What is seen

    def key_of(self, cluster: str) -> str:
        """Return the duty of a cluster: ``hub`` or the target's key."""
        if cluster == "hub":
            return "hub"
        found = self.sims["hub"].store.get("namespaces", "", "kube-system")
        assert found is not None
        return target_key(found["metadata"]["uid"], cluster)

    def holder(self, cluster: str) -> str:
        """Return the holder of a cluster's Lease in the hub, alive or not; "" for nobody."""
        name = lease_name(self.key_of(cluster))
        found = self.sims["hub"].store.get(LEASES_KIND, "kube-system", name) or {"spec": {}}
        return str(found["spec"].get("holderIdentity") or "")

    def holders(self) -> dict[str, str]:
        """Return all holders by duty."""
        return {self.key_of(name): self.holder(name) for name in self.sims}

    def watch_commits(self) -> None:
        """Record what engines write from now on, except Leases, heartbeats and events."""
        for cluster, sim in self.sims.items():
            sim.store.on_commit(partial(self._note, cluster))

    def _note(self, cluster: str, commit: Commit) -> None:
        by = ACTOR.get()
        if not by or by == "user" or commit.kind_id in APART:
            return
        what = f"{commit.kind_id} {commit.key.namespace}/{commit.key.name}"
        keys = _marks_changed(commit.old, commit.new)
        self.written.append(
            Written(self.now(), cluster, by, commit.verb, what, self.holders(), keys)
        )

    def intruders(self) -> list[Written]:
        """Return the writes of engines that did not hold the duty at the moment of the commit."""
        return [one for one in self.written if not self._was_allowed(one)]

    def _was_allowed(self, one: Written) -> bool:
        if one.cluster != "hub":
            return one.holders[self.key_of(one.cluster)] == one.by
        if any(part in one.what for part in PLACING):
            return one.holders["hub"] == one.by
        mine = {duty for duty, holder in one.holders.items() if holder == one.by}
        if "hub" in mine:
            mine |= {duty for duty, holder in one.holders.items() if not holder}
        return bool(mine) and one.keys <= mine | {"hub"}

    def creations(self, cluster: str, name: str) -> int:
        """Return how often a ConfigMap was created."""
        what = f"configmaps {SPACE}/{name}"
        found = [
            o for o in self.written if (o.cluster, o.verb, o.what) == (cluster, "create", what)
        ]
        return len(found)

    def data_on(self, cluster: str, name: str = "settings") -> Json:
        """Return the data of a ConfigMap, {} where there is none."""
        tree = self.sims[cluster].store.get("configmaps", SPACE, name)
        return dict(tree.get("data") or {}) if tree else {}

    async def record(self, member: str, cluster: str) -> TargetRecord:
        """Return what an engine says of a target."""
        changes = await self.members[member].engine.changes(NOTHING_SEEN)
        found = [r for r in changes.upserted if isinstance(r, TargetRecord) and r.name == cluster]
        return found[0]

    def state(self, member: str, cluster: str) -> TargetState | None:
        """Return what an engine does with a target."""
        found = self.members[member].engine.supervisors.get(cluster)
        return found.standing.state if found else None

    # What is done and awaited

    async def paint(self, colour: str, name: str = "settings") -> None:
        """Change the desired state, as a user does."""
        await self.hub.patch(CONFIGMAPS, SPACE, name, {"data": {"colour": colour}})

    async def until(
        self, claim: Callable[[], Any], what: str = "", within_s: float = 60.0
    ) -> float:
        """Wait until a claim holds; return the seconds that took."""
        began = self.now()
        while not claim():
            if self.now() - began > within_s:
                raise AssertionError(f"not within {within_s} s: {what}; {self.holders()}")
            await anyio.sleep(0.02)
        return self.now() - began

    async def painted(self, colour: str, within_s: float = 60.0) -> float:
        """Change the desired state and wait until all clusters have it."""
        await self.paint(colour)
        return await self.until(
            lambda: all(self.data_on(name) == {"colour": colour} for name in self.clusters),
            colour,
            within_s,
        )

    async def shared(self) -> None:
        """Wait until every engine has, and keeps, the duties that rendezvous hashing gives it."""
        await anyio.sleep(60)
        holders = self.holders()
        assert all(holder in self.members for holder in holders.values()), holders


@dataclass(frozen=True, slots=True)
class Line:
    """A ``Transport`` of one engine to one cluster. The server goes on when its client stops."""

    crew: Crew
    member: Member
    cluster: str

    async def request(self, request: Request) -> Response:
        """See ``Transport``."""
        self._require()
        refused = self.crew.refuse(self.member.name, self.cluster, request)
        if refused is not None:
            return refused
        answers: list[Response | TransportError] = []
        answered = anyio.Event()

        async def serve() -> None:
            ACTOR.set(self.member.name)
            try:
                answers.append(await self.crew.sims[self.cluster].transport().request(request))
            except TransportError as error:
                answers.append(error)
            answered.set()

        with nobody():
            self.crew.group.start_soon(serve)
        await answered.wait()
        if self.cluster in self.member.cut_from:
            raise TransportError("the connection broke", sent=True)
        answer = answers[0]
        if isinstance(answer, TransportError):
            raise answer
        return answer

    def stream(self, request: Request) -> AbstractAsyncContextManager[ByteStream]:
        """See ``Transport``."""
        self._require()
        return self._open(request)

    @asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[ByteStream]:
        async with self.crew.sims[self.cluster].transport().stream(request) as stream:
            yield _Cable(stream, self)

    async def aclose(self) -> None:
        """See ``Transport``."""

    def _require(self) -> None:
        if self.member.is_dead or self.cluster in self.member.cut_from:
            raise TransportError("no route", sent=False)


@dataclass(frozen=True, slots=True)
class _Cable:
    inner: ByteStream
    line: Line

    @property
    def head(self) -> Response:
        return self.inner.head

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self.inner.chunks():
            self.line._require()
            yield chunk


def _marks_changed(old: Json | None, new: Json | None) -> frozenset[str]:
    before, after = _marks(old), _marks(new)
    return frozenset(key for key, _ in before ^ after)


def _marks(tree: Json | None) -> set[tuple[str, str]]:
    if tree is None:
        return set()
    found = {(one.removeprefix(FINALIZER), one) for one in finalizers_of(tree)
             if one.startswith(FINALIZER)}  # fmt: skip
    for prefix, strings in ((STATE, labels_of(tree)), (DELETION, annotations_of(tree))):
        found |= {(one.removeprefix(prefix), one) for one in strings if one.startswith(prefix)}
    return found


@asynccontextmanager
async def open_crew(
    *engines: str, clusters: tuple[str, ...] = ("east", "west", "north"), seed: int = 1, **sync: Any
) -> AsyncIterator[Crew]:
    """Run clusters and engines between them, with a ConfigMap that is in sync everywhere."""
    now = asyncio.get_running_loop().time
    sims = make_clusters(clusters, now, virtual_wall, seed)
    settings = make_settings(clusters, **{"kinds_allow": KINDS, **sync})
    sides = {name: Side(Client(Hand(sim), name=name), sim) for name, sim in sims.items()}
    hub = sides.pop("hub")
    async with anyio.create_task_group() as group:
        crew = Crew(hub, sides, sims, settings, group, seed, now)
        for sim in sims.values():
            group.start_soon(sim.run)
        await install(hub.user, settings.targets)
        crew.watch_commits()
        for name in engines:
            crew.start(name)
        await place_everywhere(crew, SPACE)  # type: ignore[arg-type]  # only its hub is asked for
        await hub.apply(CONFIGMAPS, make_configmap("settings"))
        await crew.until(lambda: all(crew.data_on(name) for name in clusters), "in sync")
        yield crew
        group.cancel_scope.cancel()


def cached_key(name: str) -> ObjectKey:
    """Return the key of a ConfigMap."""
    return ObjectKey(SPACE, name)
