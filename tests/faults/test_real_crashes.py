"""E1 on real API servers: the engine dies at each of its writes in turn, without lasting effect."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import orjson
import pytest

from tests.envtest.api import fresh_name
from tests.envtest.planes import Plane
from tests.simulation.wire import WRITING, Moment
from tests.world.world import (
    CONFIGMAPS,
    NAMESPACES,
    PLACEMENTS,
    Side,
    World,
    make_settings,
    place_everywhere,
)
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.engine.engine import Engine
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.placement.install import install
from tmcconsole.runtime import ByteStream, Request, Response, Runtime, Transport, TransportError
from tmcconsole.tmc.history.audit import MemoryAudit

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

PATIENCE_S = 60.0
NAME = "settings"
WRITES_MOST = 20  # of the whole story: more would mean that the engine writes in circles


@dataclass(slots=True)
class Fate:
    """When the engine dies: at a write to one namespace's objects, counted over its life."""

    space: str
    moment: Moment
    writes_left: int  # until it dies; -1 = it does not
    writes: int = 0
    uids: dict[str, set[str]] = field(default_factory=dict)  # of copies written, by cluster
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_over: bool = False

    def is_last(self, request: Request) -> bool:
        """Count a write; True if it is the one to die at."""
        dry = ("dryRun", "All") in request.query
        if request.method not in WRITING or f"/namespaces/{self.space}" not in request.path or dry:
            return False
        self.writes += 1
        self.writes_left -= self.writes_left >= 0
        return self.writes_left == 0 and not self.is_over

    def end(self) -> None:
        """Lose all memory; nothing that still runs reaches the network."""
        self.is_over, self.writes_left = True, -1
        self.scope.cancel()


class Mortal:
    """The transport of an engine that has a fate."""

    def __init__(self, cluster: str, inner: Transport, fate: Fate) -> None:
        self._cluster = cluster
        self._inner = inner
        self._fate = fate

    async def request(self, request: Request) -> Response:
        """See ``Transport``."""
        self._require_life()
        dies = self._fate.is_last(request)
        if dies and self._fate.moment == "before":
            await self._die()
        answer = await self._inner.request(request)
        self._note(request, answer)
        if dies:
            if self._fate.moment == "after":
                await self._die()
            self._fate.end()
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[ByteStream]:
        """See ``Transport``."""
        self._require_life()
        async with self._inner.stream(request) as stream:
            yield stream

    async def aclose(self) -> None:
        """See ``Transport``."""
        await self._inner.aclose()

    def _note(self, request: Request, answer: Response) -> None:
        is_one = request.path.endswith(f"/{self._fate.space}/configmaps/{NAME}")
        is_copy = is_one and self._cluster != "hub" and request.method == "PATCH"
        if is_copy and answer.status in (200, 201):
            uid = orjson.loads(answer.body)["metadata"]["uid"]
            self._fate.uids.setdefault(self._cluster, set()).add(uid)

    def _require_life(self) -> None:
        if self._fate.is_over:
            raise TransportError("the process is gone", sent=False)

    async def _die(self) -> None:
        self._fate.end()
        await anyio.sleep_forever()


@dataclass(slots=True)
class Grounds:
    """Three API servers and their users."""

    access: dict[str, ClusterAccess]
    sides: dict[str, Side]
    targets: tuple[str, ...]

    @property
    def hub(self) -> Side:
        """The hub as its users reach it."""
        return self.sides["hub"]

    async def live(self, fate: Fate) -> None:
        """Run an engine until its fate; then another one, which has none."""
        await self._one_life(fate)
        after = Fate(fate.space, fate.moment, -1, fate.writes, fate.uids)
        await self._one_life(after)

    async def _one_life(self, fate: Fate) -> None:
        async def reach(name: str) -> Transport:
            inner = await dial(self.access[name], now=time.monotonic, wall=time.time)
            return Mortal(name, inner, fate)

        runtime = Runtime(
            time.monotonic, time.time, anyio.sleep, random.Random(1), reach, lambda _name: False
        )
        settings = make_settings(self.targets, kinds_allow=("configmaps",))
        with fate.scope:
            await Engine(runtime, settings, MemoryAudit(time.time)).run()

    async def has(self, space: str, colour: str | None, *sides: str) -> None:
        """Wait until the sides have the ConfigMap in that colour, or, for None, have none."""

        async def so() -> bool:
            return {await self._colour(side, space) for side in sides} == {colour}

        world = World(self.hub, {}, None, None)  # type: ignore[arg-type]  # it is only to wait
        await world.eventually(so, f"{colour} on {sides}", PATIENCE_S)

    async def _colour(self, side: str, space: str) -> str | None:
        found = await self.sides[side].get(CONFIGMAPS, space, NAME)
        return found["data"]["colour"] if found else None


@pytest.fixture
async def grounds(real_hub: Plane, real_clusters: tuple[Plane, Plane]) -> AsyncIterator[Grounds]:
    planes = {"hub": real_hub, **{plane.name: plane for plane in real_clusters}}
    access = {name: ClusterAccess(plane.kubeconfig) for name, plane in planes.items()}
    targets = tuple(plane.name for plane in real_clusters)
    async with AsyncExitStack() as stack:
        sides = {}
        for name in planes:
            transport = await dial(access[name], now=time.monotonic, wall=time.time)
            client = Client(transport, name=name)
            stack.push_async_callback(client.aclose)
            sides[name] = Side(client)
        await install(sides["hub"].user, make_settings(targets).targets)
        yield Grounds(access, sides, targets)


async def tell(grounds: Grounds, moment: Moment, dies_at: int) -> Fate:
    """Create, change and delete a ConfigMap; return the fate of the engine meanwhile."""
    space = fresh_name("crash")
    fate = Fate(space, moment, dies_at)
    on_targets = grounds.targets
    foreign = await grounds.sides[on_targets[0]].apply(
        CONFIGMAPS, {"metadata": {"name": space, "namespace": "default"}, "data": {"a": "b"}}
    )
    world = World(grounds.hub, {}, None, None)  # type: ignore[arg-type]  # only its hub is used
    async with anyio.create_task_group() as group:
        group.start_soon(grounds.live, fate)
        await place_everywhere(world, space)
        for colour in ("blue", "red"):
            tree = {"metadata": {"name": NAME, "namespace": space}, "data": {"colour": colour}}
            await grounds.hub.apply(CONFIGMAPS, tree)
            await grounds.has(space, colour, *on_targets)
        await grounds.hub.delete(CONFIGMAPS, space, NAME)
        await grounds.has(space, None, *on_targets, "hub")
        await grounds.hub.delete(PLACEMENTS, "", space)
        for side in ("hub", *on_targets):
            await grounds.sides[side].delete(NAMESPACES, "", space)
        group.cancel_scope.cancel()
    there = await grounds.sides[on_targets[0]].get(CONFIGMAPS, "default", space)
    assert there == foreign
    return fate


@pytest.mark.parametrize("moment", ["before", "after", "soon after"])
async def test_E1_a_crash_at_any_write_loses_and_doubles_nothing(
    grounds: Grounds, moment: Moment
) -> None:
    for number in itertools.count(1):
        fate = await tell(grounds, moment, number)
        made = {name: len(uids) for name, uids in fate.uids.items()}
        assert made == dict.fromkeys(grounds.targets, 1), f"died at write {number}"
        if not fate.is_over:  # it had already done everything
            break
    assert 8 <= number <= WRITES_MOST
