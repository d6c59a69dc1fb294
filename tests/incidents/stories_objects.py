"""Incidents of objects that cannot exist, are disputed, or are no longer wanted."""

from __future__ import annotations

import anyio

from tests.incidents.facts import ROLES, WIDGETS
from tests.incidents.script import Look, Story, incident
from tests.incidents.world import World
from tests.manifests import make_definition, make_widget
from tests.world.world import CONFIGMAPS, NAMESPACES, make_configmap
from tmcconsole.kube.cache.crd_informer import CRDS


@incident(on_real=True)
async def a_definition_is_missing_on_one_target(world: World) -> Story:
    """The hub and one cluster serve Widgets; the other does not."""
    east = world.first
    for server in (world.hub, world.second):
        await world.define(server, make_definition())
    await world.given()
    await world.hub.apply(WIDGETS, world.inside(make_widget()))
    world.mark("made")
    await world.has(world.second, WIDGETS, "one")
    yield Look(
        "missing", since="made", about="widgets", cause=r"not served|no matches for kind|not serve",
        remedy=r"[Ii]nstall|sync.crds|[Aa]pply|definition",
    )  # fmt: skip
    await world.define(east, make_definition())
    world.mark("defined")
    await world.has(east, WIDGETS, "one")
    yield Look("there", ended="defined")


@incident(on_real=True)
async def a_kind_is_forbidden(world: World) -> Story:
    """A Role is placed, but the profile allows none."""
    await world.given()
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    await world.hub.apply(ROLES, world.inside({"metadata": {"name": "reader"}, "rules": [rule]}))
    world.mark("made")
    yield Look(
        "forbidden", since="made", about="reader", cause=r"baseline|profile|grants rights",
        remedy=r"sync\.kinds_named|sync\.profile|kinds_named",
    )  # fmt: skip


@incident(on_real=True)
async def an_object_is_invalid_on_a_target(world: World) -> Story:
    """A copy was made immutable on its cluster; then the hub's object changes."""
    east = world.first
    await world.given()
    await east.patch(CONFIGMAPS, world.space, "settings", {"immutable": True})
    await world.pass_time()
    await world.paint("green")
    world.mark("painted")
    await world.has_colour(world.second, "green")
    yield Look(
        "refused", since="painted", about="settings", cause=r"field is immutable",
        remedy=r"immutable|[Dd]elete|[Cc]hange|news",
    )  # fmt: skip


@incident(on_real=True)
async def our_name_is_taken(world: World) -> Story:
    """A cluster has somebody else's object under the name."""
    east = world.first
    await world.given("other")
    await east.apply(CONFIGMAPS, make_configmap("settings", world.space, owner="somebody"))
    await world.hub.apply(CONFIGMAPS, make_configmap("settings", world.space))
    world.mark("made")
    await world.has(world.second, CONFIGMAPS, "settings")
    yield Look(
        "taken", since="made", about="settings",
        cause=r"[Cc]ollision|not ours|foreign|somebody else|exists",
        remedy=r"takeover|[Rr]ename|[Dd]elete|remove",
    )  # fmt: skip


@incident()
async def a_copy_is_edited_by_hand(world: World) -> Story:
    """The hub wins, and the edit is remembered."""
    east = world.first
    await world.given()
    tree = make_configmap("settings", world.space, colour="red")
    await east.apply(CONFIGMAPS, tree, manager="kubectl-edit")
    world.mark("edited")
    await world.has_colour(east, "blue")
    yield Look("taken back", ended="edited", about="settings")


@incident()
async def a_copy_is_deleted_by_hand(world: World) -> Story:
    """It is made again."""
    east = world.first
    await world.given()
    await east.delete(CONFIGMAPS, world.space, "settings")
    world.mark("deleted")
    await world.has(east, CONFIGMAPS, "settings")
    yield Look("made again")


@incident()
async def two_writers_fight_over_a_field(world: World) -> Story:
    """Somebody repeats a change that the hub reverts, until the engine leaves it."""
    east = world.first
    await world.given()
    for _ in range(40):
        tree = make_configmap("settings", world.space, colour="red")
        world.mark("left")
        await east.apply(CONFIGMAPS, tree, manager="fighter")
        if not await world.comes_back(east, "blue", within_s=2.0):
            break
    yield Look(
        "fight", since="left", about="settings", cause=r"[Ff]ight.*fighter|fighter",
        remedy=r"cede|give up|conflict",
    )  # fmt: skip


@incident(on_real=True)
async def a_namespace_of_32_is_deleted(world: World) -> Story:
    """The brake holds more than ten deletions at once; an operator must confirm them."""
    await world.given(*(f"map-{number:02}" for number in range(32)))
    await world.pass_time()
    await world.hub.delete(NAMESPACES, "", world.space)
    world.mark("deleted")
    await anyio.sleep(2.0)
    yield Look(
        "held", since="deleted", about="map-",
        cause=r"brake|held|too many|more than", remedy=r"[Aa]llow",
    )  # fmt: skip


@incident()
async def a_target_is_paused(world: World) -> Story:
    """A target is paused; then there is something to write."""
    east = world.first
    await world.given()
    await world.pause(east)
    await world.pass_time()
    await world.paint("green")
    world.mark("painted")
    await world.has_colour(world.second, "green")
    yield Look(
        "paused", since="painted", about="settings", in_history=False, on_purpose=True,
        cause=r"maintenance", remedy=r"resume|p pause",
    )  # fmt: skip


@incident()
async def a_definition_is_taken_away(world: World) -> Story:
    """A cluster stops serving Widgets; the copy went with them."""
    east = world.first
    for server in world.servers:
        await world.define(server, make_definition())
    await world.given()
    await world.hub.apply(WIDGETS, world.inside(make_widget()))
    await world.has(east, WIDGETS, "one")
    await world.pass_time()
    await east.delete(CRDS, "", "widgets.example.com")
    world.mark("taken")
    yield Look(
        "gone", since="taken", about="widgets", cause=r"not served|no matches for kind|not serve",
        remedy=r"[Ii]nstall|sync.crds|[Aa]pply|definition",
    )  # fmt: skip
