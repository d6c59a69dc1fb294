"""The simulated server answers as a real one does: both get the same requests."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.differential import widgets
from tests.differential.generate import generate
from tests.differential.kinds import COLLECTIONS
from tests.differential.play import compare, play
from tests.differential.servers import (
    RealServer,
    Server,
    SimulatedServer,
    open_real,
    open_simulated,
    settle,
)
from tests.differential.trace import Json, Step, Trace
from tests.differential.traces import TRACES
from tests.envtest.api import fresh_name
from tests.envtest.commands import find_binaries
from tests.envtest.planes import Plane, running_planes

pytestmark = pytest.mark.envtest

SEEDS = range(4 * len(COLLECTIONS))  # four traces of 43 requests for each kind
FEWEST_REQUESTS = 2_000
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def lone_plane() -> Iterator[Plane]:
    """A plane without controllers: nobody but the test changes objects."""
    binaries = find_binaries()
    assert binaries is not None
    without = replace(binaries, controllers=None)
    with (
        tempfile.TemporaryDirectory(prefix="planes-") as folder,
        running_planes(without, Path(folder), [("lone", "hub")]) as (plane,),
    ):
        yield plane


@pytest.fixture
async def real(lone_plane: Plane) -> AsyncIterator[RealServer]:
    async with open_real(lone_plane) as server:
        await _install(server)
        yield server


@pytest.fixture
async def simulated() -> SimulatedServer:
    server = open_simulated()
    await _install(server)
    return server


@pytest.mark.parametrize("trace", TRACES, ids=str)
async def test_both_answer_a_fixed_trace_alike(
    trace: Trace, real: RealServer, simulated: SimulatedServer
) -> None:
    assert await _differences(trace, real, simulated) == []


async def test_both_answer_generated_requests_alike(
    real: RealServer, simulated: SimulatedServer
) -> None:
    requests, found = 0, {}
    for trace in map(generate, SEEDS):
        requests += len(trace.steps)
        differing = await _differences(trace, real, simulated)
        if differing:
            found[trace.name] = differing

    assert found == {}
    assert requests >= FEWEST_REQUESTS


async def test_a_difference_is_told(real: RealServer, simulated: SimulatedServer) -> None:
    config_map: Json = {"metadata": {"name": "one"}, "data": {"a": "1"}}
    path = "/api/v1/namespaces/{ns}/configmaps"
    here = Trace("here", (Step("POST", path, config_map),))
    there = Trace("there", (Step("POST", path, config_map | {"data": {"a": "2"}}),))
    namespace = fresh_name("differ")

    answers = await play(here, real, namespace), await play(there, simulated, namespace)

    assert compare(*answers)[1:] == [".data.a: real '1' != simulated '2'"]


async def _differences(trace: Trace, real: Server, simulated: Server) -> list[str]:
    namespace = fresh_name("same")
    return compare(await play(trace, real, namespace), await play(trace, simulated, namespace))


async def _install(server: Server) -> None:
    """Install the custom kinds, once per server."""
    for definition in (widgets.widget_definition(), widgets.gadget_definition()):
        plural = definition["spec"]["names"]["plural"]
        answer = await server.send(Step("POST", CRDS, definition))
        assert answer.code in (201, 409), answer
        name = definition["metadata"]["name"]
        await settle(server, Step("GET", f"{CRDS}/{name}", until="InitialNamesAccepted"))
        path = f"/apis/{widgets.GROUP}/v1/namespaces/default/{plural}"
        await settle(
            server, Step("GET", path, until=f"'{definition['spec']['names']['kind']}List'")
        )
