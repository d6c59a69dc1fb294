"""The simulated world: a hub, three live clusters, and an engine that may die at any write."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from tests.simulation.loop import virtual_runtime, virtual_wall
from tests.simulation.swarm import TARGETS, Swarm
from tests.simulation.trace import Trace
from tests.simulation.watchdog import Watchdog
from tests.simulation.wire import Hand, Life, Moment, Wire
from tmcconsole.config.settings import ClusterAccess, Settings, TargetSettings
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.placement.install import install
from tmcconsole.runtime import Runtime, Transport, TransportError
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sync.names.identity import target_key
from tmcconsole.tmc.history.audit import MemoryAudit


class WatchedAudit(MemoryAudit):
    """An audit log that survives crashes, and reports what has been announced."""

    def __init__(self, wall: Callable[[], float], announce: Callable[[str], None]) -> None:
        super().__init__(wall)
        self._announce = announce

    async def before(
        self, action: str, *, actor: str, target: str, subject: str, uid: str, detail: str
    ) -> int:
        """See ``AuditLog``."""
        seq = await super().before(
            action, actor=actor, target=target, subject=subject, uid=uid, detail=detail
        )
        self._announce(uid)
        return seq


@dataclass(slots=True)
class World:
    """Everything of one run. Owned by the run's task group."""

    swarm: Swarm
    sims: dict[str, SimCluster]
    hands: dict[str, Client]
    watchdog: Watchdog
    audit: WatchedAudit
    trace: Trace
    group: TaskGroup
    runtimes: random.Random
    life: Life | None = None
    engine: Engine | None = None
    lives: int = 0
    ended: anyio.Event = field(default_factory=anyio.Event)  # of the engine's present life
    _sessions: list[object] = field(default_factory=list)
    _versions: dict[tuple[int, ObjectKey, str], int] = field(default_factory=dict)
    _known_informers: dict[int, Informer] = field(default_factory=dict)
    _inspected: dict[tuple[int, int], CachedObject] = field(default_factory=dict)  # by their ids

    @property
    def hub(self) -> Client:
        """The hub as a user reaches it."""
        return self.hands["hub"]

    def start(self) -> None:
        """Start an engine with nothing in memory."""
        self.lives += 1
        life = self.life = Life(self.lives)
        settings = Settings(
            ClusterAccess(),
            tuple(TargetSettings(name, ClusterAccess(), (("region", name),)) for name in TARGETS),
            Path("/nonexistent"),
            self.swarm.sync,
        )
        self.engine = Engine(self._runtime(life), settings, self.audit, replica="one")
        self.ended = anyio.Event()
        self.trace.commit(f"ENGINE {life.number} starts")
        self.group.start_soon(self._live, self.engine, life, self.ended)

    async def stop(self) -> None:
        """Stop the engine as a signal does, and wait until it has ended."""
        assert self.life is not None
        self.life.scope.cancel()
        await self.ended.wait()

    def crash_at_write(self, writes: int, moment: Moment) -> None:
        """Make the engine die at one of its next writes."""
        assert self.life is not None
        self.life.writes_left, self.life.moment = writes, moment

    def informers(self) -> list[Informer]:
        """Return every informer of the living engine."""
        session = self.engine.session if self.engine else None
        if session is None:
            return []
        hub, sources = session.shared.hub, session.sources
        found = [hub.namespaces, sources.targets, sources.locations, sources.placements]
        found += [watched.informer for watched in hub.kinds.values()]
        for target in session.shared.targets.values():
            found.append(target.namespaces)
            found += [watched.informer for watched in target.kinds.values()]
        return found

    def place_on(self, name: str, space: str) -> str:
        """Return the namespace on a target that stands for one in the hub."""
        session = self.engine.session if self.engine else None
        target = session.shared.targets.get(self.watchdog.keys[name]) if session else None
        return target.names.on_target(space) if target else space

    def memory(self) -> int:
        """Return a number that changes whenever the engine has lost its memory."""
        session = self.engine.session if self.engine else None
        if not self._sessions or self._sessions[-1] is not session:
            self._sessions.append(session)
        return len(self._sessions)

    def braking(self) -> list[str]:
        """Return the targets on which deletions are held."""
        session = self.engine.session if self.engine else None
        targets = session.shared.targets.values() if session else ()
        return [target.name for target in targets if target.brake.tripped]

    def inspect(self) -> None:
        """I7: an informer never shows an older version of an object than before."""
        assert self.life is not None
        for informer in self.informers():
            self._known_informers.setdefault(id(informer), informer)  # so that no id comes twice
            for cached in informer.objects():
                if (id(informer), id(cached)) in self._inspected:
                    continue  # it is frozen: the same Python object is the same version
                self._inspected[id(informer), id(cached)] = cached
                at = (id(informer), cached.key, cached.uid)
                version = int(cached.resource_version or 0)
                if version < self._versions.get(at, 0):
                    self.watchdog.fail("I7", f"{informer}: {cached.key} went back to {version}")
                self._versions[at] = version

    async def _live(self, engine: Engine, life: Life, ended: anyio.Event) -> None:
        try:
            with life.scope:
                await engine.run()
        finally:
            life.is_over = True
            self.trace.commit(f"ENGINE {life.number} is over")
            ended.set()

    def _runtime(self, life: Life) -> Runtime:
        rare = random.Random(f"rare {self.swarm.seed} {life.number}")

        async def dial(name: str) -> Transport:
            if life.is_over:
                raise TransportError("the process is gone", sent=False)
            return Wire(name, self.sims[name].transport(), life, self.watchdog)

        return virtual_runtime(
            dial,
            seed=self.runtimes.getrandbits(32),
            sometimes=lambda _name: rare.random() < self.swarm.rare,
        )


@asynccontextmanager
async def open_world(swarm: Swarm, say: Callable[[str], None]) -> AsyncIterator[World]:
    """Run clusters with their controllers and an installed hub; no engine yet.

    Raises ``Violation`` if an invariant was broken.
    """
    now = asyncio.get_running_loop().time
    sims = {name: _make_cluster(name, swarm.seed) for name in ("hub", *TARGETS)}
    hub_uid = sims["hub"].store.get("namespaces", "", "kube-system")
    assert hub_uid is not None
    keys = {name: target_key(hub_uid["metadata"]["uid"], name) for name in TARGETS}
    trace = Trace(now, say)
    async with anyio.create_task_group() as group:
        watchdog = Watchdog(sims, keys, now, trace, group.cancel_scope.cancel)
        audit = WatchedAudit(virtual_wall, lambda uid: watchdog.announced.update([uid]))
        hands = {name: Client(Hand(sim), name=name) for name, sim in sims.items()}
        runtimes = random.Random(f"runtimes {swarm.seed}")
        world = World(swarm, sims, hands, watchdog, audit, trace, group, runtimes)
        watchdog.on_request, watchdog.memory = world.inspect, world.memory
        for name, sim in sims.items():
            group.start_soon(sim.run, name=f"cluster {name}")
        await install(
            world.hub,
            tuple(TargetSettings(name, ClusterAccess(), (("region", name),)) for name in TARGETS),
        )
        yield world
        group.cancel_scope.cancel()
    if watchdog.violation is not None:
        raise watchdog.violation


def _make_cluster(name: str, seed: int) -> SimCluster:
    return SimCluster(
        name,
        now=asyncio.get_running_loop().time,
        wall=virtual_wall,
        rng=random.Random(f"cluster {name} {seed}"),
        flavour="hub" if name == "hub" else "workload",
    )
