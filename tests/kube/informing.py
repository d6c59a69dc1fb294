"""An informer that runs against a scripted collection, and its notifications."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import async_solipsism
import orjson

from tests.kube.scripted import CONFIG_MAPS, ScriptedTransport, key, make_runtime, make_tree
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.ingest import to_cached
from tmcconsole.kube.objects import CachedObject, Kind, ObjectKey
from tmcconsole.runtime import Response


class VirtualLoop(async_solipsism.EventLoop):  # type: ignore[misc]  # the package has no types
    """Virtual time in whole microseconds: a deadline between two ticks is met at the later one."""

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        tick = math.ceil(when * 1e6) + 1
        handle: asyncio.TimerHandle = super().call_at(tick / 1e6, callback, *args, context=context)
        return handle


VIRTUAL_TIME: tuple[str, dict[str, Any]] = ("asyncio", {"loop_factory": VirtualLoop})


@dataclass
class Watched:
    """A running informer and its notifications."""

    informer: Informer
    client: Client
    transport: ScriptedTransport
    told: list[str]
    phases: list[str]
    shrank: list[bool]  # whether the list had shrunk, at each change told

    @property
    def phase(self) -> Phase:
        return self.informer.state.phase

    def names(self) -> list[str]:
        return [cached.name for cached in self.informer.objects()]

    def data(self, name: str) -> dict[str, str]:
        cached = self.informer.get(key(name))
        assert cached is not None
        data: dict[str, str] = cached.decode()["data"]
        return data


@asynccontextmanager
async def running(
    lists: Iterable[Response | Exception],
    watches: Iterable[Response | tuple[object, ...] | Exception],
    **runtime: Any,
) -> AsyncIterator[Watched]:
    transport = ScriptedTransport(deque(lists), deque(watches))
    told: list[str] = []
    phases: list[str] = []
    shrank: list[bool] = []

    def on_change(
        _kind: Kind, at: ObjectKey, old: CachedObject | None, new: CachedObject | None
    ) -> None:
        verb = "added" if old is None else "deleted" if new is None else "changed"
        told.append(f"{verb} {at.name}")
        shrank.append(bool(informer.shrinks))

    client = Client(transport, name="test")
    informer = Informer(
        client,
        CONFIG_MAPS,
        make_runtime(**runtime),
        on_change=on_change,
        on_state=lambda _kind, state: phases.append(f"{state.phase} {state.reason}".strip()),
    )
    async with anyio.create_task_group() as group:
        group.start_soon(informer.run)
        yield Watched(informer, client, transport, told, phases, shrank)
        group.cancel_scope.cancel()


def make_cached(name: str, version: int, *, uid: str = "", **data: str) -> CachedObject:
    return to_cached(orjson.dumps(make_tree(name, version, uid=uid, **data)), CONFIG_MAPS)
