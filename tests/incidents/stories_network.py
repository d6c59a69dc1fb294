"""Incidents on the way to an API server."""

from __future__ import annotations

from tests.incidents.script import Look, Story, incident
from tests.incidents.world import World

REFUSED = r"connection refused"
RETRY = r"retry|next (try|attempt)|again"
HUB = "hub"


@incident(on_real=True)
async def a_region_is_cut_off(world: World) -> Story:
    """Connections to one cluster are refused; then they are not."""
    east = world.first
    await world.given(web=2)
    await world.cut(east)
    yield Look("cut off", since="cut", about=east.name, cause=REFUSED, remedy=RETRY, next_try=True)
    await world.mend(east)
    yield Look("back", ended="mended")


@incident(on_real=True)
async def a_token_is_refused(world: World) -> Story:
    """A cluster answers 401 to everything; then the token is valid again."""
    east = world.first
    await world.given()
    world.reject_token(east)
    yield Look(
        "refused", since="rejected", about=east.name, cause=r"401|[Uu]nauthorized",
        remedy=r"[Rr]enew|credentials|kubeconfig", next_try=True,
    )  # fmt: skip
    await world.mend(east)
    yield Look("taken", ended="mended")


@incident(on_real=True)
async def an_api_server_hangs(world: World) -> Story:
    """Connections are taken, and no request is answered."""
    east = world.first
    await world.given()
    world.freeze(east)
    yield Look(
        "hangs", since="frozen", about=east.name, cause=r"[Tt]imeout|timed out|no answer",
        remedy=RETRY, next_try=True,
    )  # fmt: skip
    await world.mend(east)
    yield Look("goes on", ended="mended")


@incident(on_real=True)
async def the_hub_is_down(world: World) -> Story:
    """The hub refuses connections; the targets answer."""
    await world.given()
    await world.cut(world.hub)
    yield Look("down", since="cut", about=HUB, cause=REFUSED, remedy=RETRY)
    await world.mend(world.hub)
    yield Look("up", ended="mended")


@incident()
async def the_hub_and_a_target_are_down(world: World) -> Story:
    """Both refuse connections; the target stays away longer."""
    east = world.first
    await world.given()
    await world.cut(world.hub)
    await world.cut(east)
    yield Look("both down", since="cut", about=HUB, cause=REFUSED, remedy=RETRY)
    await world.mend(world.hub)
    yield Look("one down", since="cut", about=east.name, cause=REFUSED, remedy=RETRY)
    await world.mend(east)
    yield Look("up", ended="mended")


@incident()
async def the_engine_is_killed_while_a_region_is_cut_off(world: World) -> Story:
    """After ``kill -9`` the program shows the age of the trouble, not of its own process."""
    east = world.first
    await world.given()
    await world.cut(east)
    yield Look("before", since="cut", about=east.name, cause=REFUSED)
    world.kill()
    await world.start()
    yield Look("after", since="cut", about=east.name, cause=REFUSED)


@incident()
async def the_engine_is_killed_and_started(world: World) -> Story:
    """Nothing is wrong before, and nothing after."""
    await world.given(web=2)
    world.kill()
    await world.start()
    yield Look("started again")


@incident(skew_s=3600.0)
async def the_clock_is_an_hour_fast(world: World) -> Story:
    """The program's machine is an hour ahead of all clusters."""
    east = world.first
    await world.given(web=2)
    yield Look("at rest")
    await world.cut(east)
    yield Look("cut off", since="cut", about=east.name, cause=REFUSED)


@incident()
async def a_right_is_taken_back(world: World) -> Story:
    """One cluster refuses to list and to watch ConfigMaps, nothing else."""
    east = world.first
    await world.given(web=1)
    world.forbid(east, "configmaps")
    yield Look(
        "taken back", since="forbidden", about=east.name,
        cause=r"[Ff]orbidden|may not|Unauthorized", remedy=r"[Gg]rant|role|rights|allow",
    )  # fmt: skip


@incident()
async def a_webhook_is_down(world: World) -> Story:
    """A cluster asks a webhook about every write, and the webhook does not answer."""
    east = world.first
    await world.given()
    world.break_webhook(east)
    await world.paint("green")
    await world.has_colour(world.second, "green")
    await world.pass_time()
    await world.paint("red")  # a new reason to try, but no new trouble
    await world.has_colour(world.second, "red")
    yield Look(
        "down", since="webhook", about="settings",
        cause=r"failed calling webhook.*connection refused",
        remedy=r"Check the admission webhook", next_try=True,
    )  # fmt: skip
