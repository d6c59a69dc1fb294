"""B8, B11: what an API server refused is retried only with another desired state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.faults.stage import Stage, open_shop
from tests.faults.test_b_writing import attempts
from tests.world.world import CONFIGMAPS, PLACEMENTS, make_configmap
from tmcconsole.contract.commands import (
    Accepted,
    DeadLetters,
    ListDeadLetters,
    Resync,
    RetryDeadLetters,
)
from tmcconsole.contract.records import HistoryRecord, SyncState
from tmcconsole.kube.objects import finalizers_of
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

TOO_LARGE = (
    b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":413,'
    b'"reason":"RequestEntityTooLarge","message":"limit is 3145728"}'
)


@asynccontextmanager
async def open_refusing() -> AsyncIterator[Stage]:
    """Open a shop where east has refused a ConfigMap called ``large`` once."""
    async with open_shop(("east", "west")) as world:

        def refuse(cluster: str, request: Request) -> Response | None:
            is_it = cluster == "east" and request.path.endswith("/configmaps/large")
            return Response(413, {}, TOO_LARGE) if is_it else None

        world.meddle = refuse
        await world.hub.apply(CONFIGMAPS, make_configmap("large"))
        await world.until(lambda: "large" in world.names_on("west"), "west")
        await world.settle()
        assert attempts(world, "east", "large") == 1
        yield world


def standing(world: Stage) -> tuple[SyncState, str]:
    found = world.standing("east", name="large")
    return found.state, found.reason


async def test_B11_what_happens_around_a_refused_object_sends_nothing_again() -> None:
    async with open_refusing() as world:
        tree = await world.hub.get(CONFIGMAPS, "shop", "large")
        assert tree is not None
        held = [*finalizers_of(tree), "backup.example/hold"]
        await world.hub.patch(CONFIGMAPS, "shop", "large", {"metadata": {"finalizers": held}})
        await anyio.sleep(5)
        one = {"spec": {"strategy": "OneToAny"}}
        await world.hub.patch(PLACEMENTS, "", "shop", one)
        await anyio.sleep(5)
        await world.hub.patch(PLACEMENTS, "", "shop", {"spec": {"strategy": "OneToMany"}})
        await anyio.sleep(60)

        assert attempts(world, "east", "large") == 1
        assert standing(world) == (SyncState.REFUSED, "TooLarge")
        letters = await world.engine.request(ListDeadLetters())
        assert isinstance(letters, DeadLetters)
        assert [(one.target, one.attempts) for one in letters.items] == [("east", 1)]
        records = await world.records(HistoryRecord)
        errors = [one for one in records if one.category == "error" and one.target == "east"]
        assert [one.recovered_at for one in errors] == [0.0]


async def test_B11_a_refused_object_is_sent_again_when_changed_and_rarely_without() -> None:
    async with open_refusing() as world:
        await anyio.sleep(670)
        assert attempts(world, "east", "large") == 2
        await anyio.sleep(670)
        assert attempts(world, "east", "large") == 3
        world.meddle = lambda _cluster, _request: None
        await world.hub.apply(CONFIGMAPS, make_configmap("large", colour="small"))

        await world.until(lambda: "large" in world.names_on("east"), "another desired state", 5)
        assert standing(world) == (SyncState.IN_SYNC, "")


@pytest.mark.parametrize(
    "order", [RetryDeadLetters(), Resync(target="east")], ids=["retry", "resync"]
)
async def test_B11_an_operator_who_asks_for_it_has_a_refused_object_sent_again(
    order: RetryDeadLetters | Resync,
) -> None:
    async with open_refusing() as world:
        assert isinstance(await world.engine.request(order), Accepted)
        await world.settle()
        assert attempts(world, "east", "large") == 2
        assert standing(world) == (SyncState.REFUSED, "TooLarge")
