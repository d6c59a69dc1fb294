"""Errors that an earlier run left open end once their object is well or gone."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tests.faults.stage import SPACE, Stage, open_shop
from tests.faults.wires import Meddle
from tests.simulation.loop import virtual_wall
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_configmap, make_deployment
from tmcconsole.contract.records import HistoryRecord
from tmcconsole.contract.text import SafeText
from tmcconsole.runtime import Request, Response
from tmcconsole.sync.names.markers import SWITCH

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


def left_open(number: int, name: str, target: str = "east") -> HistoryRecord:
    return HistoryRecord(
        id=f"sign{number}-{number}",
        at=1.0,
        category="error",
        severity="High",
        event="ResourcePermission",
        target=SafeText(target),
        subject=SafeText(f"configmaps/shop/{name}"),
    )


async def test_an_error_about_an_object_that_is_gone_ends_with_the_next_run() -> None:
    async with open_shop(("east",)) as world:
        await world.stop()
        world.start()
        world.engine.history.load([left_open(1, "gone"), left_open(2, "settings")])

        def is_over() -> bool:
            return all(record.recovered_at for record in world.engine.history.records()
                       if record.category == "error")  # fmt: skip

        await world.until(is_over, "both errors end")
        assert world.data_on("east") == {"colour": "blue"}


def errors_of(world: Stage) -> list[HistoryRecord]:
    """Return the errors about objects; a kind that is not listed has its own line."""
    records = world.engine.history.records()
    return [one for one in records if one.category == "error" and one.event != "KindStale"]


def go_on(world: Stage) -> None:
    """Start another engine with the history that the last one left on disk."""
    before = world.engine.history
    world.start()
    left = before.records()
    world.engine.history.load(left, {one.id: before.subjects_of(one.id) for one in left})


FAILS = Response(500, {}, orjson.dumps({"kind": "Status", "apiVersion": "v1", "code": 500}))


def refuse_writes_on(cluster: str, path: str = "/configmaps/") -> Meddle:
    def refuse(name: str, request: Request) -> Response | None:
        is_it = name == cluster and request.method == "PATCH" and path in request.path
        return FAILS if is_it else None

    return refuse


def refuse_lists(name: str, request: Request) -> Response | None:
    """A target that is slow to say what it has."""
    is_list = request.method == "GET" and request.path.endswith(("/configmaps", "/deployments"))
    return FAILS if name == "east" and is_list else None


def listing_late(world: Stage, meddle: Meddle) -> Meddle:
    """Make east take ten seconds longer to list what it has."""
    listed_from = world.now() + 10

    def late(name: str, request: Request) -> Response | None:
        found = refuse_lists(name, request) if world.now() < listed_from else None
        return meddle(name, request) or found

    return late


@pytest.mark.parametrize("cluster", ["east", "hub"])
async def test_an_error_that_lasts_over_a_restart_is_one_line_that_stays_open(cluster: str) -> None:
    async with open_shop(("east",)) as world:
        world.meddle = refuse_writes_on(cluster)
        for name in ("late", "later"):
            await world.hub.apply(CONFIGMAPS, make_configmap(name))
        await world.until(lambda: errors_of(world), "an error")
        await anyio.sleep(20)
        (before,) = errors_of(world)
        await world.stop()
        world.meddle = listing_late(world, world.meddle)
        go_on(world)
        await anyio.sleep(120)

        (told,) = errors_of(world)
        assert (told.id, told.at, told.recovered_at) == (before.id, before.at, 0.0)
        assert told.count > before.count

        mended = virtual_wall()
        world.meddle = lambda _cluster, _request: None
        await world.until(lambda: errors_of(world)[0].recovered_at, "it recovers", within_s=400)
        assert len(errors_of(world)) == 1
        assert errors_of(world)[0].recovered_at > mended
        assert world.names_on("east") == ["late", "later", "settings"]


async def test_what_an_operator_holds_back_does_not_count_as_recovered() -> None:
    async with open_shop(("east",)) as world:
        world.meddle = refuse_writes_on("east")
        await world.paint("red")
        await world.until(lambda: errors_of(world), "an error")
        world.meddle = lambda _cluster, _request: None
        pause = {"metadata": {"annotations": {SWITCH: "pause"}}}
        await world.hub.patch(CONFIGMAPS, SPACE, "settings", pause)
        await world.until(lambda: world.standing("east").reason == "SyncPaused", "held")
        await anyio.sleep(60)

        assert [one.recovered_at for one in errors_of(world)] == [0.0]
        assert world.data_on("east") == {"colour": "blue"}


async def test_a_status_that_cannot_be_reported_is_open_until_one_is() -> None:
    async with open_shop(("east",)) as world:
        world.meddle = refuse_writes_on("hub", "/deployments/web/status")
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: errors_of(world), "an error")
        await world.stop()
        world.meddle = listing_late(world, world.meddle)
        go_on(world)
        await anyio.sleep(120)

        assert [one.recovered_at for one in errors_of(world)] == [0.0]
        world.meddle = lambda _cluster, _request: None
        await world.until(lambda: errors_of(world)[0].recovered_at, "it recovers", within_s=400)
        web = world.copy("hub", DEPLOYMENTS, "web")
        assert web is not None
        assert web["status"]["replicas"]
