"""Incidents of workloads: pods that do not start or stay, and targets that are left."""

from __future__ import annotations

from tests.incidents.script import Look, Story, incident
from tests.incidents.world import World
from tests.world.world import DEPLOYMENTS, NAMESPACES, SYNC_TARGETS
from tmcconsole.kube.objects import Kind

QUOTAS = Kind("", "v1", "resourcequotas", "ResourceQuota")
NODES = Kind("", "v1", "nodes", "Node", namespaced=False)


@incident(on_real=True)
async def pods_crash(world: World) -> Story:
    """The container of a Deployment exits with an error again and again, on every cluster."""
    await world.given(web=1)
    await world.deploy("broken", 2, image="registry.example/crash:1")
    world.mark("made")
    for cluster in world.clusters.values():
        await world.has(cluster, DEPLOYMENTS, "broken")
    yield Look(
        "crashing",
        since="made",
        about="broken",
        in_history=False,
        cause=r"CrashLoopBackOff",
        remedy=r"logs|image|exit",
    )


@incident()
async def an_image_cannot_be_pulled(world: World) -> Story:
    """The image of a Deployment does not exist."""
    await world.given()
    await world.deploy("lost", 1, image="registry.example/missing:1")
    world.mark("made")
    yield Look(
        "missing",
        since="made",
        about="lost",
        in_history=False,
        cause=r"ImagePullBackOff|ErrImagePull",
        remedy=r"image",
    )


@incident(on_real=True)
async def a_quota_leaves_pods_unstarted(world: World) -> Story:
    """A cluster accepts the Deployment, but its quota allows none of the pods."""
    east = world.first
    await world.given()
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await east.apply(QUOTAS, world.inside(quota))
    await world.until(lambda: world.is_counted(east, QUOTAS, "none"), "the quota is in force")
    await world.deploy("web", 2)
    world.mark("made")
    await world.are_ready(world.second, "web", 2)
    yield Look(
        "no pods",
        since="made",
        about="web",
        in_history=False,
        cause=r"exceeded quota",
        remedy=r"quota.*(raise|room)|[Rr]aise",
    )


@incident()
async def no_node_has_room(world: World) -> Story:
    """All nodes of a cluster are closed, and pods wait for one."""
    east = world.first
    await world.given()
    async for page in east.user.list_pages(NODES):
        for node in page.items:
            await east.patch(NODES, "", node.key.name, {"spec": {"unschedulable": True}})
    await world.deploy("web", 2)
    world.mark("made")
    await world.are_ready(world.second, "web", 2)
    yield Look(
        "no room", since="made", about="web", in_history=False,
        cause=r"nodes are available|Unschedulable", remedy=r"node|room",
    )  # fmt: skip


@incident()
async def a_drain_with_a_place_to_go(world: World) -> Story:
    """What runs on one cluster moves to the other before it leaves."""
    home = await world.given_at_one_place(web=2)
    away = next(one for one in world.clusters.values() if one is not home)
    await world.drain(home)
    await world.are_ready(away, "web", 2)
    await world.until(lambda: world.is_gone(home, DEPLOYMENTS, "web"), "the copy has left")
    world.moved_to(away)
    yield Look("moved", ended="drained", about=home.name)


@incident(on_real=True)
async def a_drain_with_nowhere_to_go(world: World) -> Story:
    """The other cluster refuses the copies: the running ones stay, and the program says why."""
    home = await world.given_at_one_place(web=2)
    away = next(one for one in world.clusters.values() if one is not home)
    world.refuse_creations(away)
    await world.drain(home)
    if not await world.stays_ready(home, "web", 2, for_s=20.0):
        world.broken.append("the last ready copy left, and what replaces it is not there")
    world.unwanted, world.leaving = set(), {home.name}
    yield Look(
        "stays", since="drained", about="web", cause=r"exceeded quota",
        remedy=r"[Rr]aise|quota|--force|stays",
    )  # fmt: skip


@incident()
async def the_namespace_of_a_copy_is_deleted(world: World) -> Story:
    """Somebody deletes the namespace on a cluster: it is made again with all that was in it."""
    east = world.first
    await world.given(web=2)
    await east.delete(NAMESPACES, "", world.space)
    world.mark("deleted")
    await world.until(lambda: world.is_gone(east, DEPLOYMENTS, "web"), "it is gone")
    await world.are_ready(east, "web", 2)
    yield Look("made again")


@incident()
async def a_target_is_cordoned(world: World) -> Story:
    """Nothing new goes to the target; what is there stays."""
    east = world.first
    await world.given(web=2)
    await world.hub.patch(SYNC_TARGETS, "", east.name, {"spec": {"unschedulable": True}})
    world.mark("cordoned")
    yield Look("cordoned")
