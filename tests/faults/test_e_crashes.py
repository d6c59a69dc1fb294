"""E1: the process dies at each of its writes in turn; the next one reaches the same end state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import pytest

from tests.faults.fixtures import LIMIT_S, SEED
from tests.faults.stage import SPACE, Stage, open_shop
from tests.simulation.loop import SeededLoop
from tests.simulation.wire import Moment
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    make_configmap,
    make_deployment,
)
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.markers import LEAVE_ANYWAY, ORIGIN

# not sent; committed, but the reply lost; committed, and the reply seen
MOMENTS: Final[tuple[Moment, ...]] = ("before", "after", "soon after")
MAPS: Final = ("other", "settings")
REST_S: Final = 90.0


async def create(world: Stage) -> None:
    await world.hub.apply(CONFIGMAPS, make_configmap("fresh"))
    await world.hub.apply(DEPLOYMENTS, make_deployment())


async def update(world: Stage) -> None:
    await world.paint("green")
    await world.paint("red", "other")


async def delete(world: Stage) -> None:
    for name in MAPS:
        await world.hub.delete(CONFIGMAPS, SPACE, name)


async def recreate(world: Stage) -> None:
    await world.hub.delete(CONFIGMAPS, SPACE, "settings")

    def is_gone_or_nobody_works() -> bool:
        return world.life.is_over or world.copy("hub", CONFIGMAPS, "settings") is None

    await world.until(is_gone_or_nobody_works, "deleted")
    if world.copy("hub", CONFIGMAPS, "settings") is None:
        await world.hub.apply(CONFIGMAPS, make_configmap("settings", colour="new"))


async def take_back(world: Stage) -> None:
    """Change some copies and delete one, as somebody on the cluster does."""
    east, west = world.clusters["east"], world.clusters["west"]
    await east.patch(CONFIGMAPS, SPACE, "settings", {"data": {"colour": "pink"}})
    await east.patch(CONFIGMAPS, SPACE, "other", {"data": {"colour": None, "more": "text"}})
    await west.delete(CONFIGMAPS, SPACE, "settings")


async def drain(world: Stage) -> None:
    spec = {"unschedulable": True, "evictAfter": "2027-01-01T00:00:00Z"}
    await world.hub.patch(SYNC_TARGETS, "", "east", {"spec": spec})


async def unplace(world: Stage) -> None:
    """Let nothing select it any more, and allow its copies to go."""
    marks = {"labels": {"app": "nobody"}, "annotations": {LEAVE_ANYWAY: "*"}}
    await world.hub.patch(NAMESPACES, "", SPACE, {"metadata": marks})


async def divide(world: Stage) -> None:
    await world.hub.apply(DEPLOYMENTS, make_deployment(replicas=5))
    await world.hub.patch(PLACEMENTS, "", SPACE, {"spec": {"strategy": "Spread"}})


async def end_namespace(world: Stage) -> None:
    await world.hub.delete(NAMESPACES, "", SPACE)


Workload = Callable[[Stage], Awaitable[None]]
WORKLOADS: Final[dict[str, Workload]] = {
    one.__name__: one
    for one in (
        create,
        update,
        delete,
        recreate,
        take_back,
        drain,
        unplace,
        divide,
        end_namespace,
    )
}
USUAL: Final = ("create", "delete")  # the others are in the thorough tier
WRITES_MOST: Final = 30  # of one workload: more would mean that the engine writes in circles
LEFT_ON: Final = {  # ConfigMaps in the end, on hub, east and west
    "create": ["fresh other settings"] * 3,
    "delete": [""] * 3,
    "drain": ["other settings", "", "other settings"],
    "unplace": ["other settings", "", ""],
    "end_namespace": [""] * 3,
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    "workload",
    [
        pytest.param(name, marks=[] if name in USUAL else pytest.mark.thorough)
        for name in sorted(WORKLOADS)
    ],
)
def test_E1_a_crash_at_any_write_changes_nothing_of_the_end(workload: str, moment: Moment) -> None:
    undisturbed, writes = _in_virtual_time(workload, moment, -1)
    assert 0 < writes <= WRITES_MOST

    for number in range(writes):
        end, _ = _in_virtual_time(workload, moment, number)
        assert end == undisturbed, f"died at write {number}, {moment}"


def _in_virtual_time(workload: str, moment: Moment, dies_at: int) -> tuple[Json, int]:
    async def main() -> tuple[Json, int]:
        return await _story(workload, moment, dies_at)

    options: dict[str, Any] = {"loop_factory": lambda: SeededLoop(SEED, LIMIT_S)}
    return anyio.run(main, backend_options=options)


async def _story(workload: str, moment: Moment, dies_at: int) -> tuple[Json, int]:
    """Return the end state, and how many writes the engine made of the workload."""
    # Without Leases: their writes, a quarter of all, would count among those to die at.
    async with open_shop(("east", "west"), maps=MAPS, leases=False) as world:
        theirs = make_configmap("theirs", "default", owner="somebody else")
        await world.clusters["east"].apply(CONFIGMAPS, theirs, manager="stranger")
        foreign = world.copy("east", CONFIGMAPS, "theirs", "default")
        await anyio.sleep(5)
        began, world.life.moment = world.now(), moment
        lives = world.life.number
        world.life.writes_left = dies_at
        await WORKLOADS[workload](world)
        if dies_at >= 0:
            with anyio.fail_after(300):
                await world.ended.wait()
            await anyio.sleep(1)
            world.start()
            if workload == "recreate" and world.data_on("hub") != {"colour": "new"}:
                await recreate(world)
        await anyio.sleep(REST_S)

        assert world.life.number == lives + (dies_at >= 0)
        assert world.copy("east", CONFIGMAPS, "theirs", "default") == foreign
        _check_creations(world)
        await world.rest(60)
        return _end_state(world, workload), len(world.writes(since=began))


def _check_creations(world: Stage) -> None:
    """Over all lives, each source is copied to a cluster once, and once per deletion by others."""
    made = [
        (one.cluster, one.kind, annotations_of(one.new or {"metadata": {}}).get(ORIGIN))
        for one in world.committed
        if one.by_engine and one.verb == "create" and one.cluster != "hub"
    ]
    copies = [entry for entry in made if entry[2]]
    repaired = sum(
        one.verb == "delete" and not one.by_engine and one.cluster != "hub" and one.kind in KINDS
        for one in world.committed
    )
    assert len(copies) <= len(set(copies)) + repaired


KINDS: Final = (CONFIGMAPS.id, DEPLOYMENTS.id)


def _end_state(world: Stage, workload: str) -> Json:
    sides = ("hub", "east", "west")
    if workload in LEFT_ON:
        assert [" ".join(world.names_on(side)) for side in sides] == LEFT_ON[workload]
    state: Json = {}
    for side in sides:
        space = world.copy(side, NAMESPACES, SPACE, "")
        state[f"{side} namespace"] = _bare(space) if space else None
        for kind in (CONFIGMAPS, DEPLOYMENTS):
            trees = world.sims[side].store.trees(kind.id, SPACE)
            state |= {f"{side} {t['metadata']['name']} {kind.kind}": _bare(t) for t in trees}
    return state


def _bare(tree: Json) -> Json:
    """Leave out what differs between runs: UIDs, versions, times, and who wrote what when."""
    meta = tree["metadata"]
    status = {k: v for k, v in (tree.get("status") or {}).items() if k != "conditions"}
    is_ours = meta["name"] != "kube-root-ca.crt"
    return {
        "data": tree.get("data") if is_ours else None,
        "spec": tree.get("spec"),
        "status": status,
        "labels": meta.get("labels"),
        "annotations": sorted(meta.get("annotations") or {}),
        "finalizers": sorted(meta.get("finalizers") or []),
    }
