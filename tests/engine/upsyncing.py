"""A pod on a cluster that is to be upsynced, and readers of what the hub has of it."""

from __future__ import annotations

import orjson

from tests.test_one_object import key_of_target
from tests.world.world import (
    World,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.records import ObjectRecord
from tmcconsole.kube.objects import Json, Kind, annotations_of
from tmcconsole.sync.names.markers import (
    CLUSTER,
    STATE,
    UPSYNC_RV,
)

PODS = Kind("", "v1", "pods", "Pod")
SERVICES = Kind("", "v1", "services", "Service")
ENDPOINTS = Kind("", "v1", "endpoints", "Endpoints")
VOLUMES = Kind("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)


def up_labels(key: str) -> dict[str, str]:
    return {CLUSTER: key, STATE + key: "Upsync"}


def make_pod(key: str, name: str = "worker", **notes: str) -> Json:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app": name, **up_labels(key)},
            "annotations": notes,
        },
        "spec": {"containers": [{"name": "main", "image": "registry.example/web:1"}]},
    }


async def pod_below(world: World, cluster: str = "east", **notes: str) -> str:
    """Make a pod on a cluster that is to be upsynced; return the target's key."""
    key = key_of_target(world, cluster)
    await world.clusters[cluster].apply(PODS, make_pod(key, **notes))
    return key


async def above(world: World, kind: Kind, name: str, namespace: str = "shop") -> Json | None:
    return await world.hub.get(kind, namespace, name)


async def until_above(world: World, kind: Kind, name: str, namespace: str = "shop") -> Json:
    async def whole() -> Json | None:
        found = await above(world, kind, name, namespace)
        return found if found and UPSYNC_RV in annotations_of(found) else None

    found: Json = await world.eventually(whole, f"{kind.id} {name} is whole in the hub", 60)
    return found


async def until_gone(world: World, kind: Kind, name: str, namespace: str = "shop") -> None:
    async def gone() -> bool:
        return await above(world, kind, name, namespace) is None

    await world.eventually(gone, f"{kind.id} {name} is gone from the hub", 60)


def hub_writes(world: World) -> int:
    session = world.engine.session
    assert session is not None
    return session.client.writes_attempted


async def record_of(world: World, key: str) -> ObjectRecord | None:
    changes = await world.engine.changes(NOTHING_SEEN)
    found = [r for r in changes.upserted if isinstance(r, ObjectRecord) and r.key == key]
    return found[0] if found else None


CALM: dict[str, object] = {
    "heartbeat_s": 3000.0,
    "heartbeat_timeout_s": 6000.0,
}  # after this every write is made by the sync


def audited(world: World) -> list[str]:
    lines = [orjson.loads(line) for line in world.audit.lines]
    return [line["action"] for line in lines if "action" in line]


def forget_all(world: World) -> None:
    """Forget what a restart forgets, and check every object."""
    session = world.engine.session
    assert session is not None
    for side in session.upsyncing.sides.values():
        side.reported.clear()
        for kind in side.here:
            for key in side.target.ledger.keys("up:" + kind):
                side.target.ledger.forget("up:" + kind, key)
                side.ask(kind, key)
