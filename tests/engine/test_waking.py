"""What waits for a cluster goes on as soon as it responds, not at the next periodic check."""

from __future__ import annotations

import anyio

from tests.engine.asking import target_record
from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.simulation.wire import Hand
from tests.world.world import CONFIGMAPS, make_configmap, place_everywhere
from tmcconsole.contract.records import TargetState
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.names.markers import EXCLUDE_TARGETS

SOON_S = 3.0  # the periodic check comes after 30 s


def test_what_was_to_leave_a_silent_cluster_is_let_go_when_it_responds_with_nothing_there() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.on("east", CONFIGMAPS, "shop", "settings")
            await world.settle()
            sim = world.clusters["east"].sim
            assert sim is not None
            sim.faults.switch("outage")
            await anyio.sleep(60)
            leave = {"metadata": {"annotations": {EXCLUDE_TARGETS: "east"}}}
            await world.hub.patch(CONFIGMAPS, "shop", "settings", leave)
            hand, key = Client(Hand(sim), name="east"), ObjectKey("shop", "settings")
            await hand.delete(CONFIGMAPS, key, uid=(await hand.get(CONFIGMAPS, key)).uid)
            await anyio.sleep(5)
            sim.faults.switch("outage", on=False)

            async def responds() -> bool:
                return (await target_record(world, "east")).state is TargetState.SYNCING

            await world.eventually(responds, "east responds", within_s=30)
            await anyio.sleep(SOON_S)

            found = await world.hub.get(CONFIGMAPS, "shop", "settings")
            assert found is not None
            assert "finalizers" not in found["metadata"]

    in_virtual_time(story)
