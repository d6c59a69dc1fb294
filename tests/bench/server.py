"""The API servers alone, at 10,000 objects: apply, list, watch; simulated and real."""

from __future__ import annotations

import time
from contextlib import aclosing
from functools import partial

import anyio

from tests.bench.fleet import Fleet
from tests.bench.hands import Hands, arrivals, in_parallel, open_hands
from tests.bench.table import Row
from tests.world.world import CONFIGMAPS, make_configmap
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.ingest import WatchEvent

WIDTH = 16
NAMESPACE = "server"


def measure(fleet: Fleet, quick: bool) -> list[Row]:
    """Return how many objects per second a server applies, lists and delivers to a watch."""
    return anyio.run(_measure, fleet, 1000 if quick else 10_000)


async def _measure(fleet: Fleet, count: int) -> list[Row]:
    async with open_hands(fleet) as hands:
        await hands.make_namespace(NAMESPACE)
        watched: list[float] = []
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, hands.hub, count, watched)
            await anyio.sleep(0.5)
            start = time.perf_counter()
            await _fill(hands, count)
            applied = time.perf_counter() - start
        listed = min([await _list(hands.hub) for _ in range(3)])
        streamed = min([await _stream(hands.hub, count) for _ in range(3)])
    what = f"one server, {count:,} ConfigMaps of 1 KiB"
    return [
        Row(f"{what}: apply, {WIDTH} at once", fleet.servers, f"{count / applied:.0f}/s"),
        Row(f"{what}: whole list in pages of 500", fleet.servers, f"{listed:.2f} s"),
        Row(f"{what}: watch of all there is", fleet.servers, f"{count / streamed:.0f} events/s"),
        Row(
            f"{what}: last watch event behind the last answer",
            fleet.servers,
            f"{(watched[0] - start - applied) * 1000:.0f} ms",
        ),
    ]


async def _fill(hands: Hands, count: int) -> None:
    trees = [make_configmap(f"cm-{n}", NAMESPACE, payload="x" * 1024) for n in range(count)]
    await in_parallel(WIDTH, [partial(hands.apply, hands.hub, CONFIGMAPS, tree) for tree in trees])


async def _watch(client: Client, count: int, done: list[float]) -> None:
    seen = 0
    async with aclosing(await arrivals(client, CONFIGMAPS, NAMESPACE)) as events:
        async for event in events:
            seen += event.type == "ADDED"
            if seen == count:
                done.append(time.perf_counter())
                return


async def _stream(client: Client, count: int) -> float:
    """Return the seconds until a watch without a version has delivered every object."""
    start, seen = time.perf_counter(), 0
    stream = client.watch(
        CONFIGMAPS, namespace=NAMESPACE, resource_version="", timeout_s=600, idle_s=600
    )
    async with aclosing(stream) as events:
        async for event in events:
            seen += isinstance(event, WatchEvent) and event.type == "ADDED"
            if seen == count:
                break
    return time.perf_counter() - start


async def _list(client: Client) -> float:
    start = time.perf_counter()
    async for _page in client.list_pages(CONFIGMAPS, namespace=NAMESPACE):
        pass
    return time.perf_counter() - start
