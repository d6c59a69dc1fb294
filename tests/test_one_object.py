"""The story of one Deployment: hub, two clusters, its status back, its end.

Read this first. Everything here goes through real requests to (simulated) API servers; the only
thing that moves objects between them is the engine.
"""

from __future__ import annotations

import pytest

from tests.world.world import (
    DEPLOYMENTS,
    World,
    make_deployment,
    open_world,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.records import ObjectRecord, SyncState
from tmcconsole.kube.objects import Json, annotations_of, finalizers_of, labels_of
from tmcconsole.sync.names.identity import target_key

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


async def test_one_object() -> None:
    async with open_world(("east", "west")) as world:
        await story(world)


async def story(world: World, namespace: str = "shop") -> None:
    """The same on simulated and on real API servers."""
    east, west = sorted(world.clusters)

    # A user writes one namespace, one Placement and one Deployment, all in the hub.
    await place_everywhere(world, namespace)
    await world.hub.apply(DEPLOYMENTS, make_deployment("web", replicas=2, namespace=namespace))

    # It appears on both clusters, as ours: labelled, and traceable to where it came from.
    for name in (east, west):
        copy = await world.on(name, DEPLOYMENTS, namespace, "web")
        assert copy["spec"]["replicas"] == 2
        assert labels_of(copy)["internal.workload.kcp.io/cluster"] == key_of_target(world, name)
        assert f"{namespace}/web" in annotations_of(copy)["syncer.kcp.io/origin"]

    # Before the first copy was written, the hub object was protected by a finalizer for each.
    source = await hub_deployment(world, namespace)
    assert set(finalizers_of(source)) == {
        f"workload.kcp.io/syncer-{key_of_target(world, name)}" for name in (east, west)
    }

    # The clusters act on it; what they report comes back as one status: 2 + 2 replicas.
    await world.eventually(
        lambda: has_replicas_in_status(world, namespace, 4), "four replicas reported"
    )
    source = await hub_deployment(world, namespace)
    assert source["status"]["observedGeneration"] == source["metadata"]["generation"]

    # The board shows one logical object with a cell for each target.
    await world.settle()
    record = await board_record(world)
    assert [(cell.target, cell.state) for cell in record.cells] == [
        (east, SyncState.IN_SYNC),
        (west, SyncState.IN_SYNC),
    ]

    # The desired state changes once, and changes everywhere.
    await world.hub.patch(DEPLOYMENTS, namespace, "web", {"spec": {"replicas": 3}})
    await world.eventually(
        lambda: has_replicas_in_status(world, namespace, 6), "six replicas reported"
    )

    # Nothing more to say, nothing more is written.
    await world.settle()
    before = world.copies_written()
    await world.settle()
    assert world.copies_written() == before

    # Somebody deletes a copy: it comes back. Somebody changes one: the hub wins.
    await world.clusters[east].delete(DEPLOYMENTS, namespace, "web")
    await world.on(east, DEPLOYMENTS, namespace, "web")
    await world.clusters[west].patch(DEPLOYMENTS, namespace, "web", {"spec": {"replicas": 9}})
    await world.eventually(lambda: wants_replicas(world, namespace, west, 3), "drift is reverted")

    # The user deletes it in the hub. It waits there until both copies are really gone.
    await world.hub.delete(DEPLOYMENTS, namespace, "web")
    await world.eventually(lambda: is_gone_everywhere(world, namespace), "gone everywhere")


def key_of_target(world: World, name: str) -> str:
    session = world.engine.session
    assert session is not None
    return target_key(session.identity.cluster, name)


async def hub_deployment(world: World, namespace: str) -> Json:
    found = await world.hub.get(DEPLOYMENTS, namespace, "web")
    assert found is not None
    return found


async def has_replicas_in_status(world: World, namespace: str, count: int) -> bool:
    status = (await hub_deployment(world, namespace)).get("status") or {}
    return bool(status.get("replicas") == count)


async def wants_replicas(world: World, namespace: str, cluster: str, count: int) -> bool:
    copy = await world.clusters[cluster].get(DEPLOYMENTS, namespace, "web")
    return copy is not None and copy["spec"]["replicas"] == count


async def is_gone_everywhere(world: World, namespace: str) -> bool:
    copies = [await side.get(DEPLOYMENTS, namespace, "web") for side in world.clusters.values()]
    return not any(copies) and await world.hub.get(DEPLOYMENTS, namespace, "web") is None


async def board_record(world: World) -> ObjectRecord:
    changes = await world.engine.changes(NOTHING_SEEN)
    records = [record for record in changes.upserted if isinstance(record, ObjectRecord)]
    return next(record for record in records if record.name == "web")
