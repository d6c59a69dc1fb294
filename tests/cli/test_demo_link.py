from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.daemon.fixture_link import FixtureLink, make_engine, make_target
from tmcconsole.cli.demo_link import ABOUT, DemoLink, FleetAddress
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import Accepted, PauseTarget, Refused, SimFault
from tmcconsole.contract.faults import FAULT_MENU
from tmcconsole.contract.records import HistoryRecord
from tmcconsole.daemon.follow import Follower
from tmcconsole.sim.storage import fault_injection as simulated

Line = tuple[int, float, str]


@dataclass
class Fleet:
    """A control endpoint that records its requests; it has only the cluster ``eu``."""

    orders: list[dict[str, object]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer secret":
            return web.Response(status=401, text="who are you")
        order = json.loads(await request.read())
        if order["cluster"] != "eu":
            return web.Response(status=404, text=f"no cluster {order['cluster']}")
        self.orders.append(order)
        return web.Response()


@pytest.fixture
async def fleet(anyio_backend: str) -> AsyncIterator[Fleet]:
    fleet = Fleet()
    app = web.Application()
    app.router.add_post("/faults", fleet.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fleet.url = f"http://{host}:{port}"
    yield fleet
    await runner.cleanup()


def make_link(engine: FixtureLink, *, story: list[Line] | None = None, url: str = "") -> DemoLink:
    lines = story if story is not None else []
    return DemoLink(engine, FleetAddress(url, "secret"), lambda: tuple(lines))


async def test_faults_go_to_the_fleet_and_all_else_to_the_engine(fleet: Fleet) -> None:
    engine = FixtureLink(make_engine())
    link = make_link(engine, url=fleet.url)

    reply = await link.request(SimFault(target="eu", fault="cut-watch"))
    await link.request(PauseTarget(target="eu"))

    assert isinstance(reply, Accepted)
    assert fleet.orders == [{"cluster": "eu", "fault": "cut_watches", "on": True}]
    assert engine.asked == [PauseTarget(target="eu")]


async def test_an_order_the_fleet_refuses_is_refused_with_its_reason(fleet: Fleet) -> None:
    reply = await make_link(FixtureLink(), url=fleet.url).request(
        SimFault(target="mars", fault="outage")
    )

    assert isinstance(reply, Refused)
    assert reply.reason == "no cluster mars"


async def test_a_fleet_that_is_gone_is_a_refusal_not_a_crash() -> None:
    link = make_link(FixtureLink(), url="http://127.0.0.1:9")

    reply = await link.request(SimFault(target="eu", fault="outage"))

    assert isinstance(reply, Refused)
    assert "do not respond" in reply.reason


async def test_every_front_end_gets_every_line_of_the_story_once() -> None:
    story: list[Line] = []
    engine = FixtureLink(make_engine())
    link = make_link(engine, story=story)
    early, late = Follower(), Follower()

    await early.pull(link)
    story.append((1, 5.0, "a shop opens"))
    first = await early.pull(link)
    engine.put(make_target())
    second = await early.pull(link)
    story.append((2, 6.0, "it grows"))
    third = await early.pull(link)
    await late.pull(link)

    assert [told(records) for records in (first, second, third)] == [
        ["a shop opens"],
        [],
        ["it grows"],
    ]
    assert told(tuple(late.of(HistoryRecord))) == ["a shop opens", "it grows"]


async def test_a_front_end_at_rest_is_told_nothing_twice() -> None:
    engine = FixtureLink(make_engine())
    link = make_link(engine, story=[(1, 5.0, "a shop opens")])
    changes = await link.changes(NOTHING_SEEN)
    engine.put(make_target())
    changes = await link.changes(changes.revision)

    later = await link.changes(changes.revision)

    assert later.upserted == ()


def told(records: tuple[object, ...]) -> list[str]:
    return [str(record.message) for record in records if isinstance(record, HistoryRecord)]


def test_the_menu_offers_every_fault_once() -> None:
    offered = [fault.name for group in FAULT_MENU for fault in group.faults]

    assert sorted(offered) == sorted(simulated.FAULTS)
    for group in FAULT_MENU:
        assert len({fault.key for fault in group.faults}) == len(group.faults)


def test_what_the_menu_says_of_single_kinds_the_simulator_knows() -> None:
    for name, parameters in ABOUT.items():
        assert parameters.keys() <= simulated.FAULTS[name].parameters.keys()
