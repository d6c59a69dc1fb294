"""A hub and its clusters on loopback, with a control endpoint to inject faults."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import orjson
from aiohttp import web

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Runtime, TransportError, real_runtime, spawn
from tmcconsole.sim.faces.cluster import Flavour, SimCluster
from tmcconsole.sim.faces.http_face import Served, serve
from tmcconsole.sim.faces.kubeconfig_file import write_kubeconfig, write_private
from tmcconsole.sim.storage.fault_injection import FAULTS

HUB: Final = "hub"
CONTROL_FILE: Final = "control.json"


@dataclass(frozen=True, slots=True)
class Member:
    """One cluster of a fleet, and how to reach it."""

    name: str
    url: str  # without the token, for people
    token: str
    kubeconfig: Path
    cluster: SimCluster


@dataclass(frozen=True, slots=True)
class FleetControl:
    """The control endpoint: POST /faults and GET /state, with the bearer token."""

    url: str
    token: str
    path: Path  # a JSON file with url and token


@dataclass(frozen=True, slots=True)
class Fleet:
    """A running fleet."""

    hub: Member
    clusters: tuple[Member, ...]
    control: FleetControl

    def member(self, name: str) -> Member | None:
        """Return the member of that name."""
        return next((m for m in (self.hub, *self.clusters) if m.name == name), None)


async def run_fleet(
    directory: Path,
    *,
    clusters: int,
    seed: int | None,
    started: Callable[[Fleet], Awaitable[None]],
    names: Sequence[str] = (),
) -> None:
    """Serve a hub and workload clusters until cancelled.

    Writes hub.kubeconfig, a <name>.kubeconfig for each cluster (cluster-1, cluster-2, ... if no
    names are given) and control.json into ``directory``, then awaits ``started``, which may run
    for as long as it likes: the fleet runs alongside.
    """
    runtime = real_runtime(_no_network, seed=seed)
    called = list(names) or [f"cluster-{number}" for number in range(1, clusters + 1)]
    async with AsyncExitStack() as stack:
        hub = await _open(stack, directory, runtime, HUB, "hub")
        members = [await _open(stack, directory, runtime, name, "workload") for name in called]
        control = await _open_control(stack, directory, runtime, (hub, *members))
        async with anyio.create_task_group() as group:
            for member in (hub, *members):
                spawn(group, member.cluster.run, name=f"controllers of {member.name}")
            await started(Fleet(hub, tuple(members), control))
            await anyio.sleep_forever()


async def _open(
    stack: AsyncExitStack, directory: Path, runtime: Runtime, name: str, flavour: Flavour
) -> Member:
    cluster = SimCluster(name, now=runtime.now, wall=runtime.wall, rng=runtime.rng, flavour=flavour)
    served: Served = await stack.enter_async_context(await serve(cluster))
    path = directory / f"{name}.kubeconfig"
    write_kubeconfig(path, name=name, url=served.url, token=served.token)
    return Member(name=name, url=served.url, token=served.token, kubeconfig=path, cluster=cluster)


async def _open_control(
    stack: AsyncExitStack, directory: Path, runtime: Runtime, members: Sequence[Member]
) -> FleetControl:
    door = _Door({member.name: member.cluster for member in members}, runtime.token(40))
    runner = web.ServerRunner(web.Server(door.answer, access_log=None))
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    control = FleetControl(f"http://{host}:{port}", door.token, directory / CONTROL_FILE)
    document = {"url": control.url, "token": control.token}
    write_private(control.path, orjson.dumps(document).decode())
    return control


class _Door:
    """Serves the control endpoint of a fleet."""

    def __init__(self, clusters: dict[str, SimCluster], token: str) -> None:
        self.token = token
        self._clusters = clusters

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        given = http.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return web.Response(status=401, text="the token in control.json is needed")
        if (http.method, http.path) == ("GET", "/state"):
            return web.json_response({"clusters": [_state(c) for c in self._clusters.values()]})
        if (http.method, http.path) != ("POST", "/faults"):
            return web.Response(status=404, text="there are POST /faults and GET /state")
        try:
            return web.json_response(_state(self._order(orjson.loads(await http.read()))))
        except (ValueError, KeyError, TypeError) as error:
            return web.Response(status=400, text=str(error))

    def _order(self, order: Json) -> SimCluster:
        name, fault = str(order["cluster"]), str(order["fault"])
        cluster = self._clusters.get(name)
        if cluster is None:
            raise ValueError(f"no cluster {name!r}; there are: {', '.join(self._clusters)}")
        if fault == "all":
            cluster.faults.clear()
        else:
            parameters = order.get("parameters") or {}
            cluster.faults.switch(fault, bool(order.get("on", True)), **parameters)
        return cluster


def _state(cluster: SimCluster) -> Json:
    return {
        "name": cluster.name,
        "flavour": cluster.flavour,
        "objects": cluster.store.count,
        "resource_version": cluster.store.resource_version,
        "faults": cluster.faults.active(),
        "known_faults": {name: spec.title for name, spec in FAULTS.items()},
    }


async def _no_network(name: str) -> Any:
    raise TransportError(f"a fleet dials nobody, not even {name}", sent=False)
