"""The tour: a shop grows, is edited by hand, loses one cluster and is drained from another."""

from __future__ import annotations

from typing import Final

from tmcconsole.sim.scenarios import shop
from tmcconsole.sim.scenarios.shop import NAMESPACE
from tmcconsole.sim.scenarios.stage import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    SYNC_TARGETS,
    Scenario,
    Stage,
)
from tmcconsole.sim.storage.server import rfc3339

PARTITION_S: Final = 20.0
_LOOK_S: Final = 6.0  # pause in which the viewer sees what happened


async def _story(world: Stage) -> None:
    await shop.place(world)
    while True:
        await _appears(world)
        await _grows(world)
        await _is_configured(world)
        edited, lost, drained = _cast(world)
        await _is_edited(world, edited)
        await _is_cut_off(world, lost)
        await _is_drained(world, drained)
        world.say("All is well again. The tour starts over.")
        await world.pause(2 * _LOOK_S)


def _cast(world: Stage) -> tuple[str, str, str]:
    """Choose the clusters to edit, cut off and drain, all different if there are enough."""
    names = world.names
    world.rng.shuffle(names)
    return names[0], names[1 % len(names)], names[2 % len(names)]


async def _appears(world: Stage) -> None:
    world.say("A web shop is written to the hub, once. The engine takes it to every cluster.")
    await shop.fill(world)
    await world.pause(2 * _LOOK_S)


async def _grows(world: Stage) -> None:
    world.say("The shop is busy: web scales from 3 to 6 replicas.")
    await world.hub.change(DEPLOYMENTS, NAMESPACE, "web", {"spec": {"replicas": 6}})
    await world.pause(_LOOK_S)


async def _is_configured(world: Stage) -> None:
    world.say("A setting changes in the hub: the banner.")
    banner = f"Sale {world.rng.randrange(10, 60)}% off"
    await world.hub.change(CONFIG_MAPS, NAMESPACE, "shop-settings", {"data": {"banner": banner}})
    await world.pause(_LOOK_S)


async def _is_edited(world: Stage, name: str) -> None:
    hand = world.hands[name]
    patch = {"data": {"currency": "USD"}}
    if not await hand.change(CONFIG_MAPS, NAMESPACE, "shop-settings", patch):
        return  # no engine has synced it: nothing to show
    world.say(f"Somebody edits the shop's settings by hand on {name}: drift.")
    await world.pause(_LOOK_S)
    world.say(f"The hub wins: the engine puts {name} right.")
    await world.pause(_LOOK_S)


async def _is_cut_off(world: Stage, name: str) -> None:
    world.say(f"{name} is cut off. Its data is shown as old; nothing is deleted.")
    faults = world.clusters[name].faults
    faults.switch("outage", True)
    await world.pause(PARTITION_S / 2)
    world.say("Meanwhile the shop changes: cart scales to 4.")
    await world.hub.change(DEPLOYMENTS, NAMESPACE, "cart", {"spec": {"replicas": 4}})
    await world.pause(PARTITION_S / 2)
    faults.switch("outage", False)
    world.say(f"{name} is back, and catches up.")
    await world.pause(2 * _LOOK_S)


async def _is_drained(world: Stage, name: str) -> None:
    now = rfc3339(world.wall())
    leave = {"spec": {"unschedulable": True, "evictAfter": now}}
    if not await world.hub.change(SYNC_TARGETS, "", name, leave):
        return  # its SyncTarget was deleted meanwhile
    world.say(f"{name} is drained for maintenance: its work leaves.")
    await world.pause(3 * _LOOK_S)
    world.say(f"{name} is open again, and the work returns.")
    back = {"spec": {"unschedulable": None, "evictAfter": None}}
    await world.hub.change(SYNC_TARGETS, "", name, back)
    await world.pause(2 * _LOOK_S)


TOUR = Scenario(
    "tour", "A web shop appears, grows, drifts, loses a cluster, leaves another", _story
)
