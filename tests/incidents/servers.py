"""The API servers of an incident: the program goes through proxies, users and referee do not.

Simulated and real ones look the same from here, so that one script is played on both.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import trustme

from tests.envtest.api import open_api
from tests.envtest.identity import ADMIN, write_kubeconfig
from tests.envtest.planes import Plane
from tests.faultproxy.certificates import issue
from tests.faultproxy.proxy import Proxy, open_proxy
from tests.faultproxy.real import proxied
from tests.incidents.kubelets import play_kubelets
from tests.world.world import Side
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import KubeError, NotFound
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.faces.http_face import serve

NAMES = ("east", "west")
ASK_S = 3.0  # a server that is merely slow answers within this time


@dataclass(slots=True)
class Server(Side):
    """One API server. ``user`` reaches it directly; the program goes through ``proxy``."""

    name: str = ""
    kubeconfig: Path = Path()  # the program's
    proxy: Proxy | None = None

    @property
    def door(self) -> Proxy:
        """The proxy that the program goes through."""
        assert self.proxy is not None
        return self.proxy

    async def refuses(self, first: str, *others: str) -> dict[str, str]:
        """Ask for each path through the proxy; return what came where it was not an answer.

        If the first is not answered, the others are not asked for.
        """
        access = ClusterAccess(self.kubeconfig)
        client = Client(await dial(access, now=time.monotonic, wall=time.time), name=self.name)
        found: dict[str, str] = {}
        try:
            for path in (first, *others):
                if first not in found:
                    await self._ask(client, path, found)
        finally:
            await client.aclose()
        return found

    async def _ask(self, client: Client, path: str, found: dict[str, str]) -> None:
        try:
            await client.get_json(path, timeout_s=ASK_S)
        except NotFound:
            return  # that is an answer
        except KubeError as error:
            found[path] = str(error)


@asynccontextmanager
async def simulated(folder: Path, names: Sequence[str] = NAMES) -> AsyncIterator[list[Server]]:
    """Serve a simulated hub and clusters; the hub comes first."""
    authority = trustme.CA()
    shown = issue(authority, folder)
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(group.cancel_scope.cancel)
        servers = []
        for name in ("hub", *names):
            sim = SimCluster(
                name,
                now=time.monotonic,
                wall=time.time,
                rng=random.Random(name),
                flavour="hub" if name == "hub" else "workload",
            )
            served = await stack.enter_async_context(await serve(sim))
            proxy = await stack.enter_async_context(open_proxy(served.url, trust=True, shown=shown))
            path = folder / f"{name}.kubeconfig"
            write_kubeconfig(
                path,
                name=name,
                url=proxy.url,
                authority=authority.cert_pem.bytes(),
                token=served.token,
            )
            group.start_soon(sim.run)
            servers.append(Server(Client(sim.inside(), name=name), sim, name, path, proxy))
        yield servers


@asynccontextmanager
async def real(planes: Sequence[Plane]) -> AsyncIterator[list[Server]]:
    """Put proxies before real API servers, and kubelets behind them; the hub comes first."""
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(group.cancel_scope.cancel)
        servers = []
        for plane in planes:
            proxy = await stack.enter_async_context(proxied(plane))
            access = ClusterAccess(plane.kubeconfig)
            client = Client(await dial(access, now=time.monotonic, wall=time.time), name=plane.name)
            stack.push_async_callback(client.aclose)
            path = plane.kubeconfig_for(ADMIN, url=proxy.url)
            servers.append(Server(client, None, plane.name, path, proxy))
            if plane is not planes[0]:
                api = await stack.enter_async_context(open_api(plane))
                group.start_soon(play_kubelets, api)
        yield servers
