"""E3: a Lease that lapses for a moment causes a short pause and has no lasting effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pytest

from tests.faults.crew import Crew, open_crew
from tests.faults.fixtures import LIMIT_S, SEED
from tests.faults.freezing import FreezingLoop
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

ROUNDS: Final = 4
# With renewals two seconds apart, the fifth attempt comes just after the deadline.
BRIEFLY: Final[dict[str, Any]] = {"lease_renew_deadline_s": 9.2}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": lambda: FreezingLoop(SEED, LIMIT_S)}


@asynccontextmanager
async def lapsed(crew: Crew) -> AsyncIterator[None]:
    """Refuse renewals until the Lease of east has just lapsed, and allow them from then on."""

    def refuse(_who: str, _cluster: str, request: Request) -> Response | None:
        renews = request.method == "PATCH" and "/leases/" in request.path
        return Response(503, {}, b"{}") if renews else None

    session = crew.members["one"].engine.session
    assert session is not None
    assert session.leases is not None
    holds, key = session.leases.holds, crew.key_of("east")
    crew.refuse = refuse
    await crew.until(lambda: not holds.holds(key), "the Lease has lapsed")
    crew.refuse = lambda _who, _cluster, _request: None
    yield


async def test_a_change_made_in_the_moment_of_a_lapse_arrives() -> None:
    async with open_crew("one", clusters=("east",), **BRIEFLY) as crew:
        for number in range(ROUNDS):
            async with lapsed(crew):
                await crew.painted(f"shade-{number}")


async def test_drift_made_in_the_moment_of_a_lapse_is_reverted() -> None:
    async with open_crew("one", clusters=("east",), **BRIEFLY) as crew:
        await crew.painted("green")
        for number in range(ROUNDS):
            async with lapsed(crew):
                meddled = {"data": {"colour": f"theirs-{number}"}}
                await crew.clusters["east"].patch(CONFIGMAPS, "shop", "settings", meddled)
                await crew.until(lambda: crew.data_on("east") == {"colour": "green"}, "reverted")
            await anyio.sleep(300)  # so that it does not count as a fight


async def test_a_copy_without_a_parent_seen_in_the_moment_of_a_lapse_goes() -> None:
    async with open_crew("one", clusters=("east",), **BRIEFLY) as crew:
        for number in range(ROUNDS):
            name = f"fresh-{number}"
            await crew.hub.apply(CONFIGMAPS, make_configmap(name))
            await crew.until(lambda name=name: crew.data_on("east", name), "made")  # type: ignore[misc]
            async with lapsed(crew):
                gone = {"metadata": {"finalizers": None}}
                await crew.hub.patch(CONFIGMAPS, "shop", name, gone)
                await crew.hub.delete(CONFIGMAPS, "shop", name)
                await crew.until(lambda name=name: not crew.data_on("east", name), "gone")  # type: ignore[misc]
