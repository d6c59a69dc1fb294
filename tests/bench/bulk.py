"""1000 ConfigMaps and 200 Deployments from the hub to two clusters, against a bare client loop.

The loop does per object what a sync engine cannot do without: one merge patch in the hub, and
one server-side apply on each cluster.
"""

from __future__ import annotations

import time
from functools import partial

import anyio

from tests.bench.fleet import Fleet
from tests.bench.hands import Hands, in_parallel, open_hands, running_engine, until
from tests.bench.table import Row
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_configmap, make_deployment
from tmcconsole.contract.records import SyncState
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.state.target import Target

WIDTH = 32  # requests in flight in the bare loop; the best of 8, 16 and 32


def measure(fleet: Fleet, quick: bool) -> list[Row]:
    """Return the wall and CPU seconds of both."""
    return anyio.run(_measure, fleet, 10 if quick else 1)


async def _measure(fleet: Fleet, divisor: int) -> list[Row]:
    configmaps, deployments = 1000 // divisor, 200 // divisor
    async with open_hands(fleet) as hands:
        loop_wall, loop_cpu = await _loop(hands, configmaps, deployments)
        async with running_engine(fleet, hands) as engine:
            wall, cpu = await _run_engine(hands, engine, configmaps, deployments)
    what = f"{configmaps} ConfigMaps + {deployments} Deployments, hub to 2 clusters"
    return [
        Row(f"{what}: bare loop", fleet.servers, f"{loop_wall:.2f} s, CPU {loop_cpu:.2f} s"),
        Row(f"{what}: engine", fleet.servers, f"{wall:.2f} s, CPU {cpu:.2f} s"),
        Row("engine / bare loop, wall", fleet.servers, f"{wall / loop_wall:.2f} x", "≤ 1.2 x"),
    ]


async def _loop(hands: Hands, configmaps: int, deployments: int) -> tuple[float, float]:
    await hands.make_namespace("loop")
    for client in hands.clusters.values():
        await hands.apply(client, _namespaces(), {"metadata": {"name": "loop"}})
    await hands.fill("loop", configmaps, deployments)
    jobs = [
        (CONFIGMAPS, make_configmap(f"cm-{n}", "loop", payload="x" * 1024))
        for n in range(configmaps)
    ]
    jobs += [(DEPLOYMENTS, make_deployment(f"web-{n}", 1, "loop")) for n in range(deployments)]
    wall, cpu = time.perf_counter(), time.process_time()
    await in_parallel(WIDTH, [partial(_sync_one, hands, *job) for job in jobs])
    return time.perf_counter() - wall, time.process_time() - cpu


async def _sync_one(hands: Hands, kind: Kind, tree: Json) -> None:
    meta = tree["metadata"]
    patch = {"metadata": {"labels": {"bench": "Sync"}, "finalizers": ["bench.example/sync"]}}
    key = ObjectKey(meta["namespace"], meta["name"])
    await hands.hub.merge_patch(kind, key, patch, manager="bench")
    for client in hands.clusters.values():
        await hands.apply(client, kind, tree)


async def _run_engine(
    hands: Hands, engine: Engine, configmaps: int, deployments: int
) -> tuple[float, float]:
    """The objects are in the hub already; labelling their namespace places them all."""
    await hands.make_namespace("bulk")
    await hands.place("bulk")
    await hands.fill("bulk", configmaps, deployments)
    await anyio.sleep(2)  # the engine has seen them and is idle
    wall, cpu = time.perf_counter(), time.process_time()
    await hands.make_namespace("bulk", labels={"app": "bulk"})
    await until(lambda: _written(engine, configmaps + deployments))
    return time.perf_counter() - wall, time.process_time() - cpu


def _written(engine: Engine, count: int) -> bool:
    """Return whether every apply of every object on every target has been answered."""
    session = engine.session
    targets = list(session.shared.targets.values()) if session else []
    if any(len(target.queue) for target in targets):  # counting them all is not the engine's work
        return False
    return all(_in_sync(target) >= count for target in targets)


def _in_sync(target: Target) -> int:
    entries = target.ledger.entries()
    return sum(1 for _, _, entry in entries if entry.standing.state is SyncState.IN_SYNC)


def _namespaces() -> Kind:
    return Kind("", "v1", "namespaces", "Namespace", namespaced=False)
