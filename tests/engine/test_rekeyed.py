"""An entry of a list whose key was edited on a cluster: ours comes back, the other one goes."""

from __future__ import annotations

import anyio
import pytest

from tests.engine.test_dependencies import SERVICES
from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import World, place_everywhere
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.sync.state.ledger import LedgerEntry

NAMED = {"name": "http", "port": 80, "protocol": "TCP"}
UNNAMED = {"port": 80, "protocol": "TCP"}


def make_service(port: Json) -> Json:
    return {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": [port]},
    }


async def ports(world: World) -> list[int]:
    found = await world.clusters["east"].get(SERVICES, "shop", "web")
    assert found is not None
    return [port["port"] for port in found["spec"]["ports"]]


def entry(world: World) -> LedgerEntry:
    session = world.engine.session
    assert session is not None
    target = next(iter(session.shared.targets.values()))
    return target.ledger.entry("services", ObjectKey("shop", "web"))


async def rekey(world: World, port: Json) -> None:
    """Edit the number of the port on the cluster, as kubectl edit does it."""
    await place_everywhere(world)
    await world.hub.apply(SERVICES, make_service(port))
    await world.on("east", SERVICES, "shop", "web")
    await world.settle()
    edited = {"spec": {"ports": [{**port, "port": 81}]}}
    await world.clusters["east"].patch(SERVICES, "shop", "web", edited)
    assert await ports(world) == [81]
    await anyio.sleep(30)


@pytest.mark.parametrize("port", [NAMED, UNNAMED], ids=["named", "unnamed"])
def test_an_edited_port_is_taken_back_and_later_changes_arrive(port: Json) -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await rekey(world, port)

            assert await ports(world) == [80]
            assert entry(world).standing.state is SyncState.IN_SYNC
            told = [one for one in world.engine.history.records() if one.event == "Reverted"]
            assert len(told) == 1
            assert "81" in told[0].message
            changed = {"spec": {"ports": [{**port, "port": 8080}]}}
            await world.hub.patch(SERVICES, "shop", "web", changed)
            await anyio.sleep(30)
            assert await ports(world) == [8080]

    in_virtual_time(story)


def test_where_the_cluster_wins_the_entry_in_the_way_is_named_and_stays() -> None:
    async def story() -> None:
        async with open_virtual_world(conflict_policy="cluster-wins") as world:
            await rekey(world, NAMED)

            assert await ports(world) == [81]
            standing = entry(world).standing
            assert standing.state is SyncState.REFUSED
            assert "81" in standing.message
            assert "user" in standing.message

    in_virtual_time(story)
