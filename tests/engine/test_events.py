"""A cluster's events about synced objects are shown in the hub, if that is configured."""

from __future__ import annotations

import pytest

from tests.engine.asking import tell
from tests.world.world import DEPLOYMENTS, World, make_deployment
from tmcconsole.kube.objects import Json, Kind

EVENTS = Kind("", "v1", "events", "Event")


def hub_events(world: World) -> list[Json]:
    assert world.hub.sim is not None
    return [stored.tree() for stored in world.hub.sim.store.items("events")]


async def happen(world: World, name: str) -> None:
    """Record an event about an object on the cluster, as a controller there does."""
    event: Json = {
        "metadata": {"name": f"{name}.17", "namespace": "shop"},
        "involvedObject": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": name,
        },
        "reason": "Crumbled",
        "message": "a cookie crumbled",
        "type": "Warning",
        "count": 3,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:01:00Z",
        "source": {"component": "baker"},
    }
    await world.clusters["east"].apply(EVENTS, event, manager="baker")


@pytest.mark.parametrize("wanted", [True, False])
def test_an_event_about_a_synced_object_is_told_in_the_hub_where_it_is_wanted(
    wanted: bool,
) -> None:
    async def story(world: World) -> None:
        await world.hub.apply(DEPLOYMENTS, make_deployment("web"))
        await world.on("east", DEPLOYMENTS, "shop", "web")
        await world.engine.runtime.sleep(30)
        await happen(world, "web")
        await happen(world, "theirs")
        await world.engine.runtime.sleep(5)

        source = await world.hub.get(DEPLOYMENTS, "shop", "web")
        assert source is not None
        found = [one for one in hub_events(world) if one["reason"] == "Crumbled"]
        assert len(found) == wanted
        for one in found:
            assert one["involvedObject"]["uid"] == source["metadata"]["uid"]
            assert (one["message"], one["count"]) == ("east: a cookie crumbled", 3)

    tell(story, "east", events=wanted)
