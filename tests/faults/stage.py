"""A small world in virtual time, an engine that can die at any write, and a record of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson
from anyio.abc import TaskGroup

from tests.faults.seen import Committed, Tried
from tests.faults.wires import Meddle, Meddled
from tests.simulation.loop import virtual_runtime, virtual_wall
from tests.simulation.wire import ACTOR, Hand, Life, Wire
from tests.world.world import (
    CONFIGMAPS,
    SYNC_TARGETS,
    Side,
    World,
    make_clusters,
    make_configmap,
    make_settings,
    place_everywhere,
)
from tmcconsole.config.settings import Settings
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.records import AnyRecord, SyncState
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, Kind, ObjectKey, conditions_of
from tmcconsole.placement.install import install
from tmcconsole.runtime import Request, Response, Transport, TransportError
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.storage.store import Commit, Snapshot
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.state.ledger import Standing
from tmcconsole.tmc.history.audit import MemoryAudit

KINDS = ("configmaps", "deployments.apps")
SPACE = "shop"
UNHEARD_OF = Standing(SyncState.PENDING, since=-1)
LOOK_S = 0.02  # virtual, between two checks of a claim


@dataclass(slots=True)
class Stage(World):
    """The world. Faults are between the engine and the clusters, not between users and clusters."""

    settings: Settings
    group: TaskGroup
    sims: dict[str, SimCluster]
    now: Callable[[], float]
    seed: int
    tried: list[Tried] = field(default_factory=list)
    committed: list[Committed] = field(default_factory=list)
    meddle: Meddle = lambda _cluster, _request: None
    dead_before: dict[str, float] = field(default_factory=dict)  # watches opened earlier are dead
    life: Life = field(default_factory=lambda: Life(0))
    ended: anyio.Event = field(default_factory=anyio.Event)

    # The engine's lives

    def start(self) -> None:
        """Start an engine with nothing in memory."""
        life = self.life = Life(self.life.number + 1)
        self.ended = anyio.Event()
        self.engine = self._make_engine(life)
        self.group.start_soon(self._live, self.engine, life, self.ended)

    async def stop(self) -> None:
        """End the engine; all it remembers is lost."""
        self.life.end()
        await self.ended.wait()

    async def restart(self) -> None:
        """End the engine and start another."""
        await self.stop()
        self.start()

    async def _live(self, engine: Engine, life: Life, ended: anyio.Event) -> None:
        try:
            with life.scope:
                await engine.run()
        finally:
            life.is_over = True
            ended.set()

    def _make_engine(self, life: Life) -> Engine:
        async def dial(name: str) -> Transport:
            if life.is_over:
                raise TransportError("the process is gone", sent=False)
            return Wire(name, Meddled(name, self), life, self)

        runtime = virtual_runtime(dial, seed=self.seed * 1000 + life.number)
        return Engine(runtime, self.settings, self.audit, replica="one")

    def replace_cluster(self, name: str) -> None:
        """Put another, empty cluster behind a target's address; the old one is gone."""
        now = self.now
        sim = make_clusters((name,), now, virtual_wall, self.seed + 1)[name]
        self.sims[name] = sim
        self.clusters[name] = Side(Client(Hand(sim), name=name), sim)
        self.watch_commits(name, sim)
        self.group.start_soon(sim.run)

    # What was seen

    def sent(self, cluster: str, request: Request, life: int) -> None:
        """Record a request that the engine sends."""
        self.tried.append(Tried(self.now(), cluster, request))

    def answered(self, cluster: str, request: Request, answer: Response | None, life: int) -> None:
        """Record that a request of the engine was answered, or failed."""
        if answer is None:
            return
        for tried in reversed(self.tried):
            if tried.request is request:
                tried.status = answer.status
                return

    def watch_commits(self, cluster: str, store_of: SimCluster) -> None:
        """Record what the cluster's store accepts from now on."""

        def hook(commit: Commit) -> None:
            self.committed.append(
                Committed(
                    self.now(),
                    cluster,
                    commit.verb,
                    commit.kind_id,
                    f"{commit.key.namespace}/{commit.key.name}",
                    ACTOR.get() == "engine",
                    commit.old,
                    commit.new,
                )
            )

        store_of.store.on_commit(hook)

    def writes(self, cluster: str = "", since: float = 0.0) -> list[Tried]:
        """Return the engine's attempts to write, except heartbeats."""
        return [
            one
            for one in self.tried
            if one.is_write and one.at >= since and cluster in ("", one.cluster)
        ]

    def lists(self, cluster: str, kind: Kind, since: float = 0.0) -> list[Tried]:
        """Return the engine's lists of a kind, one for each page."""
        return [
            one
            for one in self.tried
            if one.at >= since and one.cluster == cluster and one.asks_for(kind, "limit")
        ]

    def watches(self, cluster: str, kind: Kind, since: float = 0.0) -> list[Tried]:
        """Return the engine's attempts to watch a kind."""
        return [
            one
            for one in self.tried
            if one.at >= since and one.cluster == cluster and one.asks_for(kind, "watch")
        ]

    def deletions(self, cluster: str = "", since: float = 0.0) -> list[Tried]:
        """Return the engine's attempts to delete on targets."""
        tried = [one for one in self.writes(cluster, since) if one.cluster != "hub"]
        return [one for one in tried if one.request.method == "DELETE"]

    def creations(self, cluster: str, kind: Kind, name: str) -> int:
        """Return how often the engine has created an object."""
        wanted = (cluster, "create", kind.id, f"{SPACE}/{name}")
        found = [(c.cluster, c.verb, c.kind, c.name) for c in self.committed if c.by_engine]
        return found.count(wanted)

    def copy(self, cluster: str, kind: Kind, name: str, space: str = SPACE) -> Json | None:
        """Return what a cluster's store holds ("hub" for the hub's)."""
        return self.sims[cluster].store.get(kind.id, space, name)

    def names_on(self, cluster: str, kind: Kind = CONFIGMAPS, space: str = SPACE) -> list[str]:
        """Return the names of a namespace's objects, the cluster's own left out."""
        trees = self.sims[cluster].store.trees(kind.id, space)
        names = [str(tree["metadata"]["name"]) for tree in trees]
        return sorted(name for name in names if name != "kube-root-ca.crt")

    def data_on(self, cluster: str, name: str = "settings") -> Json:
        """Return the data of a ConfigMap, {} where there is none."""
        tree = self.copy(cluster, CONFIGMAPS, name)
        return dict(tree.get("data") or {}) if tree else {}

    def standing(self, cluster: str, kind: Kind = CONFIGMAPS, name: str = "settings") -> Standing:
        """Return the engine's standing of an object on a target."""
        supervisor = self.engine.supervisors.get(cluster)
        target = supervisor.target if supervisor else None
        entry = target.ledger.get(kind.id, ObjectKey(SPACE, name)) if target else None
        return entry.standing if entry else UNHEARD_OF

    def conditions(self, cluster: str) -> dict[str, str]:
        """Return ``status reason`` of each condition on the cluster's SyncTarget."""
        tree = self.sims["hub"].store.get(SYNC_TARGETS.id, "", cluster) or {}
        return {one["type"]: f"{one['status']} {one['reason']}" for one in conditions_of(tree)}

    def key_of(self, cluster: str) -> str:
        """Return the SyncTarget key."""
        found = self.sims["hub"].store.get("namespaces", "", "kube-system")
        assert found is not None
        return target_key(found["metadata"]["uid"], cluster)

    def finalizers(self, kind: Kind, name: str, space: str = SPACE) -> list[str]:
        """Return a hub object's finalizers: ours by target name, foreign ones as they are."""
        names = {f"workload.kcp.io/syncer-{self.key_of(name)}": name for name in self.clusters}
        tree = self.copy("hub", kind, name, space) or {"metadata": {}}
        return [names.get(entry, entry) for entry in tree["metadata"].get("finalizers") or []]

    async def records(self, kind: type[AnyRecord] | Any) -> list[Any]:
        """Return the board's records of one kind."""
        changes = await self.engine.changes(NOTHING_SEEN)
        return [record for record in changes.upserted if isinstance(record, kind)]

    def audited_deletes(self) -> list[str]:
        """Return the UIDs whose deletion was announced in the audit log."""
        lines = [orjson.loads(line) for line in self.audit.lines]
        return [line["uid"] for line in lines if line.get("action") == "delete-copy"]

    # What is done and awaited

    async def paint(self, colour: str, name: str = "settings") -> None:
        """Change the desired state, as a user does."""
        await self.hub.patch(CONFIGMAPS, SPACE, name, {"data": {"colour": colour}})

    async def until(
        self, claim: Callable[[], Any], what: str = "", within_s: float = 30.0
    ) -> float:
        """Wait until a claim holds; return the seconds that took."""
        began = self.now()
        while not claim():
            if self.now() - began > within_s:
                raise AssertionError(f"not within {within_s} s: {what}")
            await anyio.sleep(LOOK_S)
        return self.now() - began

    async def rest(self, seconds: float = 120.0) -> None:
        """Let time pass; the engine must write nothing meanwhile."""
        began = self.now()
        await anyio.sleep(seconds)
        assert self.writes(since=began) == []


@asynccontextmanager
async def open_stage(
    names: tuple[str, ...] = ("east", "west"), *, seed: int = 1, **sync: Any
) -> AsyncIterator[Stage]:
    """Run clusters, an installed hub and an engine between them; all end with the context."""
    now = asyncio.get_running_loop().time
    sims = make_clusters(names, now, virtual_wall, seed)
    settings = make_settings(names, **{"kinds_allow": KINDS, **sync})
    sides = {name: Side(Client(Hand(sim), name=name), sim) for name, sim in sims.items()}
    hub = sides.pop("hub")
    audit = MemoryAudit(virtual_wall)
    async with anyio.create_task_group() as group:
        idle = Engine(virtual_runtime(_nowhere, seed=seed), settings, audit)
        stage = Stage(hub, sides, idle, audit, settings, group, sims, now, seed)
        for name, sim in sims.items():
            stage.watch_commits(name, sim)
            group.start_soon(sim.run)
        await install(hub.user, settings.targets)
        stage.start()
        yield stage
        group.cancel_scope.cancel()


async def _nowhere(name: str) -> Transport:
    raise TransportError(f"{name} is nowhere", sent=False)


@asynccontextmanager
async def open_shop(
    names: tuple[str, ...] = ("east", "west"),
    *,
    maps: tuple[str, ...] = ("settings",),
    seed: int = 1,
    **sync: Any,
) -> AsyncIterator[Stage]:
    """Open a stage whose namespace ``shop`` is placed everywhere, its ConfigMaps in sync."""
    async with open_stage(names, seed=seed, **sync) as world:
        await place_everywhere(world, SPACE)
        for name in maps:
            await world.hub.apply(CONFIGMAPS, make_configmap(name))
        await world.until(
            lambda: all(world.names_on(name) == sorted(maps) for name in names), "in sync"
        )
        await world.settle()
        yield world


def show_the_past(sim: SimCluster, past: Snapshot) -> None:
    """Let lists and watches of a cluster show an earlier state, until ``stale_lists`` ends."""
    sim.faults.switch("stale_lists")
    sim.faults._frozen = past


async def strip_finalizers(world: Stage, kind: Kind, name: str) -> None:
    """Take all finalizers off a hub object, as a desperate user does."""
    await world.hub.patch(kind, SPACE, name, {"metadata": {"finalizers": None}})
