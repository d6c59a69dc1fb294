"""The history has what happened to objects and what the engine decided: begin, end and why."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tests.engine.test_old_errors import go_on, refuse_writes_on
from tests.engine.test_troubles import lines_about
from tests.faults.definitions import WHOLE, WIDGETS, define, make_widget
from tests.faults.stage import SPACE, Stage, open_shop
from tests.simulation.loop import virtual_wall
from tests.world.world import CONFIGMAPS, PLACEMENTS, SYNC_TARGETS, make_configmap
from tmcconsole.contract.durations import lasting
from tmcconsole.contract.records import HistoryRecord, TargetState
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.runtime import Request, Response
from tmcconsole.sync.names.times import rfc3339

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "code": 401, "reason": "Unauthorized"}
ANSWER_401 = Response(401, {"content-type": "application/json"}, orjson.dumps(UNAUTHORIZED))


def lines_of(world: Stage, *events: str) -> list[HistoryRecord]:
    return [one for one in world.engine.history.records() if one.event in events]


async def start_again(world: Stage) -> None:
    """Start a new process that continues the history of the last one."""
    await world.stop()
    go_on(world)
    await anyio.sleep(40)


async def test_a_name_that_is_taken_is_one_line_from_then_till_it_is_free() -> None:
    async with open_shop(("east", "west")) as world:
        east = world.clusters["east"]
        await east.apply(CONFIGMAPS, make_configmap("other", SPACE, owner="somebody"))
        taken = virtual_wall()
        await world.hub.apply(CONFIGMAPS, make_configmap("other"))
        await anyio.sleep(60)
        await start_again(world)

        (line,) = lines_of(world, "Collision")
        assert (line.target, line.subject) == ("east", "configmaps/shop/other")
        assert (line.count, line.recovered_at) == (1, 0.0)
        assert taken <= line.at <= taken + 2
        standing = world.standing("east", name="other")
        assert standing.since == pytest.approx(line.at)
        await east.delete(CONFIGMAPS, SPACE, "other")
        freed = virtual_wall()
        await world.until(lambda: "syncer.kcp.io/origin" in str(
            world.copy("east", CONFIGMAPS, "other")), "ours is there", within_s=700)  # fmt: skip
        await anyio.sleep(5)
        (line,) = lines_of(world, "Collision")
        assert freed <= line.recovered_at <= virtual_wall()


async def test_a_failure_began_with_its_first_try_over_edits_and_a_restart() -> None:
    async with open_shop(("east",)) as world:
        world.meddle = refuse_writes_on("east")
        began = virtual_wall()
        await world.paint("green")
        await anyio.sleep(30)
        await world.paint("red")
        await anyio.sleep(5)
        since = world.standing("east").since
        await start_again(world)

        assert began <= since <= began + 2
        assert world.standing("east").since == pytest.approx(since)


async def test_what_is_wanted_and_cannot_be_is_a_line_until_it_comes() -> None:
    kinds = ("configmaps", "widgets.example.com")
    async with open_shop(("east", "west"), kinds_allow=kinds) as world:
        await world.hub.apply(CRDS, define(size=WHOLE))
        await world.clusters["west"].apply(CRDS, define(size=WHOLE))
        wanted = virtual_wall()
        await world.hub.apply(WIDGETS, make_widget())
        await anyio.sleep(60)
        await start_again(world)

        (line,) = lines_of(world, "KindNotServed")
        assert (line.target, line.subject) == ("east", "widgets.example.com/shop/one")
        assert (line.count, line.recovered_at) == (1, 0.0)
        assert wanted <= line.at <= wanted + 15
        assert world.standing("east", WIDGETS, "one").since == pytest.approx(line.at)
        await world.clusters["east"].apply(CRDS, define(size=WHOLE))
        came = virtual_wall()
        await world.until(lambda: world.names_on("east", WIDGETS) == ["one"], "there", 120)
        await anyio.sleep(5)
        (line,) = lines_of(world, "KindNotServed")
        assert came <= line.recovered_at <= virtual_wall()


async def test_what_is_wanted_no_more_ends_its_line() -> None:
    kinds = ("configmaps", "widgets.example.com")
    async with open_shop(("east",), kinds_allow=kinds) as world:
        await world.hub.apply(CRDS, define(size=WHOLE))
        await world.hub.apply(WIDGETS, make_widget())
        await world.until(lambda: lines_of(world, "KindNotServed"), "told", 60)
        await world.stop()
        await world.hub.delete(WIDGETS, SPACE, "one")
        go_on(world)
        await anyio.sleep(60)

        (line,) = lines_of(world, "KindNotServed")
        assert line.recovered_at > line.at


async def test_a_loss_of_contact_that_objects_meet_first_is_the_line_of_the_target() -> None:
    async with open_shop(("east",)) as world:
        await anyio.sleep(20)
        began = virtual_wall()

        def refuse_writes(name: str, request: Request) -> Response | None:
            is_it = name == "east" and request.method == "PATCH"
            return ANSWER_401 if is_it else None

        world.meddle = refuse_writes
        await world.paint("green")
        await world.until(lambda: lines_about(world, "east", began), "an object met it")
        await anyio.sleep(5)
        world.meddle = lambda name, _request: ANSWER_401 if name == "east" else None
        standing = world.engine.supervisors["east"].standing
        await world.until(lambda: standing.state is TargetState.UNAUTHORIZED, "so did the target")
        await anyio.sleep(100)
        (line,) = lines_about(world, "east", began)
        world.meddle = lambda _name, _request: None
        await anyio.sleep(100)

        (over,) = lines_about(world, "east", began)
        assert (line.recovered_at, over.id) == (0.0, line.id)
        assert line.at <= began + 5
        assert over.recovered_at > began + 100
        assert world.data_on("east") == {"colour": "green"}


async def drain(world: Stage, name: str) -> None:
    spec = {"unschedulable": True, "evictAfter": rfc3339(virtual_wall())}
    await world.hub.patch(SYNC_TARGETS, "", name, {"spec": spec})


async def place_on_one(world: Stage) -> tuple[str, str]:
    """Get ``settings`` onto one of two clusters; return the one that has it, then the other."""
    await world.hub.patch(PLACEMENTS, "", SPACE, {"spec": {"strategy": "OneToAny"}})

    def home() -> str:
        there = [name for name in world.clusters if world.names_on(name)]
        return there[0] if len(there) == 1 else ""

    await world.until(home, "on one cluster", within_s=60)
    return home(), next(name for name in world.clusters if name != home())


async def test_a_drain_that_is_over_says_what_left_and_how_long_it_took() -> None:
    async with open_shop(("east", "west")) as world:
        home, away = await place_on_one(world)
        await anyio.sleep(20)
        began = virtual_wall()
        await drain(world, home)
        await world.until(lambda: lines_of(world, "DrainFinished"), "told", within_s=120)
        assert (world.names_on(home), world.names_on(away)) == ([], ["settings"])
        await start_again(world)

        (line,) = lines_of(world, "DrainFinished")
        assert line.target == home
        assert f"after {lasting(line.at - int(began))};" in line.message
        assert "configmaps/shop/settings" in line.message
        assert lines_of(world, "DrainCancelled") == []


async def test_a_drain_that_is_called_off_says_what_had_not_left() -> None:
    async with open_shop(("east", "west")) as world:
        home, away = await place_on_one(world)
        world.sims[away].faults.switch("quota")
        world.meddle = refuse_writes_on(away)
        await drain(world, home)
        await anyio.sleep(30)
        back = {"spec": {"unschedulable": None, "evictAfter": None}}
        await world.hub.patch(SYNC_TARGETS, "", home, back)
        await anyio.sleep(10)

        (line,) = lines_of(world, "DrainCancelled")
        assert line.target == home
        assert line.message == "1 copy had not left; none was seen to leave"
        assert lines_of(world, "DrainFinished") == []


async def test_a_placement_that_moves_says_from_where_to_where_and_why() -> None:
    async with open_shop(("east", "west")) as world:
        home, away = await place_on_one(world)
        await drain(world, home)
        await world.until(lambda: lines_of(world, "PlacementMoved"), "told", within_s=60)
        await start_again(world)

        (line,) = lines_of(world, "PlacementMoved")
        assert line.subject == "placements/shop"
        assert line.message == (
            f"from {home} to {away}: {home} is being drained; "
            f"{away} highest rank of 1 in location default"
        )
