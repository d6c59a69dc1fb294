"""Whether servers answer, which are silent, and what an outage must not do; in virtual time."""

from __future__ import annotations

import anyio
import pytest

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.simulation.loop import virtual_runtime
from tests.world.world import (
    CONFIGMAPS,
    SYNC_TARGETS,
    World,
    make_configmap,
    place_everywhere,
)
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.connection.probe import MAX_PROBE_S, PROBE_S, Probe
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import condition_of
from tmcconsole.runtime import Request, Response, TransportError

OK = Response(200, {"content-type": "application/json"}, b'{"gitVersion": "v1.36.0"}')
DOWN = TransportError("refused", sent=False)


class Server:
    """A transport whose server answers /version or stays silent."""

    def __init__(self) -> None:
        self.answer: Response | TransportError = OK
        self.asked_at: list[float] = []

    async def request(self, request: Request) -> Response:
        self.asked_at.append(anyio.current_time())
        if isinstance(self.answer, TransportError):
            raise self.answer
        return self.answer

    def stream(self, request: Request):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


async def no_dial(name: str):  # type: ignore[no-untyped-def]
    raise DOWN


def make_reach(server: Server) -> Probe:
    client = Client(server, name="east")
    return Probe(client, virtual_runtime(no_dial, seed=1), lambda: None)


def test_one_lost_answer_is_no_outage_and_two_are() -> None:
    async def story() -> list[bool]:
        server = Server()
        reach = make_reach(server)
        server.answer = DOWN
        ups = []
        for _ in range(2):
            await reach.probe()
            ups.append(reach.is_up)
        return ups

    assert in_virtual_time(story) == [True, False]


def test_an_expired_token_is_certain_at_once() -> None:
    async def story() -> tuple[bool, str]:
        server = Server()
        reach = make_reach(server)
        server.answer = Response(401, {"content-type": "application/json"}, b"{}")
        await reach.probe()
        return reach.is_up, reach.reason

    up, reason = in_virtual_time(story)

    assert not up
    assert reason


def test_a_busy_or_forbidding_server_is_alive() -> None:
    async def story() -> list[bool]:
        server = Server()
        reach = make_reach(server)
        ups = []
        for code in (429, 403, 429, 403):
            server.answer = Response(code, {"content-type": "application/json"}, b"{}")
            await reach.probe()
            ups.append(reach.is_up)
        return ups

    assert in_virtual_time(story) == [True] * 4


def test_those_who_wait_are_woken_by_the_first_answer_and_recovery_is_told_once() -> None:
    async def story() -> dict[str, float]:
        server, events = Server(), list[tuple[str, float]]()
        reach = make_reach(server)

        async def recovered() -> None:
            events.append(("recovered", anyio.current_time()))

        async def waiter() -> None:
            await reach.wait_up()
            events.append(("woken", anyio.current_time()))

        async with anyio.create_task_group() as group:
            server.answer = DOWN
            group.start_soon(reach.run, recovered)
            await anyio.sleep(60)
            group.start_soon(waiter)
            await anyio.sleep(60)
            assert events == []
            server.answer = OK
            back = anyio.current_time()
            await anyio.sleep(60)
            group.cancel_scope.cancel()
        assert len(events) == 2
        return {name: at - back for name, at in events}

    took = in_virtual_time(story)

    assert sorted(took) == ["recovered", "woken"]
    assert max(took.values()) <= MAX_PROBE_S + PROBE_S


def test_a_server_that_is_down_is_asked_seldom() -> None:
    async def story() -> int:
        server = Server()
        reach = make_reach(server)

        async def recovered() -> None:
            raise AssertionError("it never came back")

        async with anyio.create_task_group() as group:
            server.answer = DOWN
            group.start_soon(reach.run, recovered)
            await anyio.sleep(600)
            group.cancel_scope.cancel()
        return len(server.asked_at)

    assert in_virtual_time(story) <= 600 / MAX_PROBE_S + 5


# The whole engine


async def ready(world: World, name: str) -> tuple[str, str]:
    tree = await world.hub.get(SYNC_TARGETS, "", name)
    assert tree is not None
    found = condition_of(tree, "Ready") or {}
    return str(found.get("status")), str(found.get("reason"))


def test_a_sync_target_nobody_serves_is_called_silent_after_the_timeout() -> None:
    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await world.hub.apply(SYNC_TARGETS, {"metadata": {"name": "orphan"}})
            await anyio.sleep(50)
            assert (await ready(world, "orphan"))[0] != "False"

            await anyio.sleep(30)
            assert await ready(world, "orphan") == ("False", "HeartbeatLost")
            assert await ready(world, "east") == ("True", "OK")

    in_virtual_time(story)


@pytest.mark.parametrize("seed", range(6))
def test_an_outage_of_the_hub_silences_no_target(seed: int) -> None:
    """H2: when all targets seem down at once, it is we who cannot hear."""

    async def story() -> None:
        async with open_virtual_world(("east", "west")) as world:
            await anyio.sleep(30)
            sim = world.hub.sim
            assert sim is not None
            sim.faults.switch("outage")
            await anyio.sleep(600)
            sim.faults.clear()
            await anyio.sleep(60)

            lost = [r for r in world.engine.history.records() if r.event == "HeartbeatLost"]
            assert lost == []
            assert await ready(world, "east") == ("True", "OK")

    in_virtual_time(story, seed=seed)


def test_what_was_deleted_in_the_hub_while_a_target_was_away_is_deleted_when_it_returns() -> None:
    """C1: the hub object waits for the target; nothing is forgotten."""

    async def story() -> None:
        async with open_virtual_world(("east",)) as world:
            await place_everywhere(world)
            await world.hub.apply(CONFIGMAPS, make_configmap())
            await world.on("east", CONFIGMAPS, "shop", "settings")
            sim = world.clusters["east"].sim
            assert sim is not None
            sim.faults.switch("outage")
            await anyio.sleep(60)
            await world.hub.delete(CONFIGMAPS, "shop", "settings")
            await anyio.sleep(600)
            source = await world.hub.get(CONFIGMAPS, "shop", "settings")
            assert source is not None
            assert source["metadata"]["deletionTimestamp"]

            sim.faults.clear()
            await world.eventually(lambda: is_gone(world), "gone on both sides", within_s=60)

    in_virtual_time(story)


async def is_gone(world: World) -> bool:
    here = await world.clusters["east"].get(CONFIGMAPS, "shop", "settings")
    return here is None and await world.hub.get(CONFIGMAPS, "shop", "settings") is None


def test_the_version_is_what_the_server_said() -> None:
    async def story() -> SafeText:
        reach = make_reach(Server())
        await reach.probe()
        return reach.version

    assert in_virtual_time(story) == "v1.36.0"
