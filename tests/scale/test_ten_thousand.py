"""Ten thousand objects on three targets: all arrive, and then nobody writes any more."""

from __future__ import annotations

from tests.faults.stage import SPACE, Stage, open_stage
from tests.simulation.loop import run_virtual
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    make_configmap,
    make_deployment,
    place_everywhere,
)

OBJECTS = 10_000
DEPLOYMENTS_AMONG_THEM = 200
TARGETS = ("east", "north", "west")
MINUTE_S = 60.0
LONG_S = 3600.0  # virtual


def in_sync(stage: Stage) -> int:
    """Return how many pairs of object and target the engine calls in sync."""
    targets = [supervisor.target for supervisor in stage.engine.supervisors.values()]
    settled = [
        sum(entry.settled is not None for _, _, entry in target.ledger.entries())
        for target in targets
        if target is not None
    ]
    return sum(settled)


def test_ten_thousand_objects_converge_and_a_restart_writes_nothing() -> None:
    pairs = OBJECTS * len(TARGETS)
    deployments = [f"d{number:05}" for number in range(DEPLOYMENTS_AMONG_THEM)]
    maps = [f"c{number:05}" for number in range(OBJECTS - DEPLOYMENTS_AMONG_THEM)]

    async def story() -> None:
        async with open_stage(TARGETS) as stage:

            def is_ready(name: str) -> bool:
                tree = stage.copy("hub", DEPLOYMENTS, name) or {}
                return bool(tree.get("status", {}).get("readyReplicas") == len(TARGETS))

            await place_everywhere(stage, SPACE)
            for name in maps:
                await stage.hub.apply(CONFIGMAPS, make_configmap(name))
            for name in deployments:
                await stage.hub.apply(DEPLOYMENTS, make_deployment(name, replicas=1))
            await stage.until(lambda: in_sync(stage) == pairs, "in sync", LONG_S)
            await stage.until(lambda: all(map(is_ready, deployments)), "ready in the hub", LONG_S)
            await stage.settle()
            assert all(stage.names_on(name) == maps for name in TARGETS)
            assert all(stage.names_on(name, DEPLOYMENTS) == deployments for name in TARGETS)
            applied = [one for one in stage.writes() if one.cluster != "hub"]
            assert len(applied) == pairs + len(TARGETS), "an object or namespace written twice"

            await stage.rest(MINUTE_S)
            began = stage.now()
            await stage.restart()
            await stage.until(lambda: in_sync(stage) == pairs, "in sync after a restart", LONG_S)
            await stage.rest(MINUTE_S)
            assert stage.writes(since=began) == []

    run_virtual(story, seed=1, limit_s=2 * LONG_S)
