"""One change at a time: from hub write to copy, and from a cluster's status to the hub's."""

from __future__ import annotations

import time
from contextlib import aclosing

import anyio

from tests.bench.fleet import Fleet
from tests.bench.hands import Hands, arrivals, open_hands, running_engine
from tests.bench.table import Row, milliseconds
from tests.world.world import CONFIGMAPS
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.objects import Json, Kind, ObjectKey

WARM_UP = 5
INGRESSES = Kind("networking.k8s.io", "v1", "ingresses", "Ingress")


def measure(fleet: Fleet, quick: bool) -> list[Row]:
    """Return the percentiles of both directions on an idle system."""
    return anyio.run(_measure, fleet, 20 if quick else 100)


async def _measure(fleet: Fleet, count: int) -> list[Row]:
    async with open_hands(fleet) as hands, running_engine(fleet, hands):
        await hands.make_namespace("latency", labels={"app": "latency"})
        await hands.place("latency")
        down = await _down(hands, count)
        up = await _up(hands, count)
    promise = "p50 ≤ 20 ms, p99 ≤ 100 ms"
    return [
        Row(f"hub write → copy, idle, {count} changes", fleet.servers, milliseconds(down), promise),
        Row(f"status → hub, idle, {count} changes", fleet.servers, milliseconds(up), promise),
    ]


async def _down(hands: Hands, count: int) -> list[float]:
    first = next(iter(hands.clusters.values()))
    key = ObjectKey("latency", "probe")
    tree: Json = {"metadata": {"namespace": key.namespace, "name": key.name}, "data": {"n": "-1"}}
    await hands.apply(hands.hub, CONFIGMAPS, tree)
    await _until_there(first, CONFIGMAPS, key)
    samples = []
    async with aclosing(await arrivals(first, CONFIGMAPS, key.namespace)) as events:
        for number in range(count + WARM_UP):
            await anyio.sleep(0.05)
            start = time.perf_counter()
            patch = {"data": {"n": str(number)}}
            await hands.hub.merge_patch(CONFIGMAPS, key, patch, manager="bench")
            async for event in events:
                found = event.object.decode() if event.object else {}
                if (found.get("data") or {}).get("n") == str(number):
                    samples.append(time.perf_counter() - start)
                    break
    return samples[WARM_UP:]


async def _up(hands: Hands, count: int) -> list[float]:
    """Measure with an Ingress: no controller writes its status on either kind of server."""
    first = next(iter(hands.clusters.values()))
    key = ObjectKey("latency", "web")
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    metadata = {"namespace": key.namespace, "name": key.name}
    await hands.apply(
        hands.hub, INGRESSES, {"metadata": metadata, "spec": {"defaultBackend": backend}}
    )
    await _until_there(first, INGRESSES, key)
    await anyio.sleep(1)
    samples = []
    async with aclosing(await arrivals(hands.hub, INGRESSES, key.namespace)) as events:
        for number in range(count + WARM_UP):
            await anyio.sleep(0.05)
            start = time.perf_counter()
            status = {"loadBalancer": {"ingress": [{"hostname": f"n{number}.example"}]}}
            await first.merge_patch(
                INGRESSES, key, {"status": status}, manager="bench", subresource="status"
            )
            async for event in events:
                found = event.object.decode() if event.object else {}
                if (found.get("status") or {}).get("loadBalancer") == status["loadBalancer"]:
                    samples.append(time.perf_counter() - start)
                    break
    return samples[WARM_UP:]


async def _until_there(client: Client, kind: Kind, key: ObjectKey) -> None:
    with anyio.fail_after(30):
        while True:
            async for page in client.list_pages(kind, namespace=key.namespace):
                if any(item.name == key.name for item in page.items):
                    return
            await anyio.sleep(0.02)
