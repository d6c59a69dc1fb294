"""What users do to objects in the tests of ownership, and what they are told."""

from __future__ import annotations

import orjson

from tests.faults.stage import Stage
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.kube.objects import Json, Kind

SYNCER = "syncer.kcp.io"


async def annotate(
    world: Stage, name: str = "settings", kind: Kind = CONFIGMAPS, **notes: str
) -> None:
    """Write our annotations on a hub object, as a user does."""
    keys = {f"{SYNCER}/{name.replace('_', '-')}": text for name, text in notes.items()}
    await world.hub.patch(kind, "shop", name, {"metadata": {"annotations": keys}})
    await world.settle()


async def edit(world: Stage, name: str = "settings", **data: str) -> None:
    """Change a ConfigMap on the cluster, as somebody does there."""
    tree = make_configmap(name, **data)
    await world.clusters["east"].apply(CONFIGMAPS, tree, manager="stranger")


def told(world: Stage, name: str = "settings", kind: Kind = CONFIGMAPS) -> tuple[SyncState, str]:
    standing = world.standing("east", kind, name)
    return standing.state, str(standing.reason)


async def drift_events(world: Stage) -> list[str]:
    records = await world.records(HistoryRecord)
    return [record.event for record in records if record.category == "drift"]


def audited(world: Stage, action: str) -> list[Json]:
    lines = [orjson.loads(line) for line in world.audit.lines]
    return [line for line in lines if line.get("action") == action]
