"""The world of one incident: API servers, the program in a terminal, and a user's actions."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from tests.envtest.api import fresh_name
from tests.faultproxy.faults import Blackhole
from tests.faults.real import WRITES, refusal
from tests.incidents.servers import Server
from tests.incidents.terminal import SMALL, Terminal
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    make_configmap,
)
from tmcconsole.cli import main
from tmcconsole.config.settings import ClusterAccess, Settings, SyncSettings, TargetSettings
from tmcconsole.config.write import to_toml, write_private
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.objects import Json, Kind, condition_of
from tmcconsole.placement.install import install
from tmcconsole.sync.names.markers import PAUSE

KINDS = ("configmaps", "deployments.apps", "roles.rbac.authorization.k8s.io", "widgets.example.com")
PATIENCE_S = 45.0  # for what API servers and their controllers do, on a busy machine
PAST_S = 9.0  # how long before the incident the past lies, so that times can be told apart
SHORT_PAST_S = 3.0  # on real servers, since simulated ones already show that times are told apart


PRINTING = threading.Lock()  # the whole process shares one standard output


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str = ""


@dataclass(slots=True)
class World:
    """One incident's world. Facts come from ``hub`` and ``clusters``, never from the program."""

    hub: Server
    clusters: dict[str, Server]
    folder: Path
    space: str = field(default_factory=lambda: fresh_name("shop"))
    terminal: Terminal | None = None
    skew_s: float = 0.0  # of the program's clock
    sync: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)  # what was done, and when
    broken: list[str] = field(default_factory=list)  # things that happened and must never happen
    leaving: set[str] = field(default_factory=set)  # targets that all copies must leave
    unwanted: set[str] = field(default_factory=set)  # targets where nothing is desired

    @property
    def names(self) -> list[str]:
        """The targets, in order."""
        return sorted(self.clusters)

    @property
    def is_simulated(self) -> bool:
        """True if there is no real API server."""
        return self.hub.sim is not None

    @property
    def first(self) -> Server:
        """The target that things happen to."""
        return self.clusters[self.names[0]]

    @property
    def second(self) -> Server:
        """The target that they do not happen to."""
        return self.clusters[self.names[1]]

    @property
    def servers(self) -> list[Server]:
        """All, the hub first."""
        return [self.hub, *self.clusters.values()]

    @property
    def config(self) -> Path:
        """The program's config file."""
        return self.folder / "tmc-console.toml"

    # The program

    def settings(self) -> Settings:
        """Return the program's settings."""
        sync = replace(
            SyncSettings(), kinds_allow=KINDS, heartbeat_s=1.0, heartbeat_timeout_s=5.0,
            lease_duration_s=8.0, lease_renew_deadline_s=6.0, lease_retry_s=1.0,
            **self.sync,
        )  # fmt: skip
        targets = tuple(
            TargetSettings(name, ClusterAccess(self.clusters[name].kubeconfig))
            for name in self.names
        )
        return Settings(ClusterAccess(self.hub.kubeconfig), targets, self.folder / "state", sync)

    async def start(self) -> None:
        """Start the program on a small terminal, and wait until it shows the targets."""
        write_private(self.config, to_toml(self.settings(), beside=self.folder))
        self.terminal = Terminal(self.folder, ("--config", str(self.config)), SMALL, self.skew_s)
        await self.terminal.wait_for(self._shows_targets, "the targets")

    def _shows_targets(self, screen: str) -> bool:
        return all(name in screen for name in self.names)

    def kill(self) -> None:
        """End the program as ``kill -9`` does."""
        if self.terminal is not None:
            self.terminal.kill()
            self.terminal = None

    @property
    def screen(self) -> Terminal:
        """The running program's terminal."""
        assert self.terminal is not None
        return self.terminal

    async def ask(self, *words: str) -> Said:
        """Run a command of the program, as if in another terminal."""
        return await anyio.to_thread.run_sync(self._run, words)

    def _run(self, words: Sequence[str]) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with PRINTING, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*words, "--config", str(self.config)])
        return Said(code, out.getvalue(), err.getvalue())

    # Given

    async def place(self, labels: Json | None = None, **spec: Any) -> None:
        """Make the namespace and a Placement that sends it to every target."""
        await self.hub.apply(
            NAMESPACES, {"metadata": {"name": self.space, "labels": {"app": self.space}}}
        )
        wanted = {
            "namespaceSelector": {"matchLabels": {"app": self.space}},
            "locationSelectors": [{}],
            "strategy": "OneToMany",
        }
        await self.hub.apply(PLACEMENTS, {"metadata": {"name": self.space}, "spec": wanted | spec})

    async def given(self, *maps: str, web: int = 0) -> None:
        """Have ConfigMaps and a Deployment, with that many pods, in sync everywhere for a while."""
        await self.place()
        await self.fill(*maps, web=web)
        await self.pass_time()

    async def pass_time(self) -> None:
        """Let what was done become the past."""
        await anyio.sleep(PAST_S if self.is_simulated else SHORT_PAST_S)

    async def fill(self, *maps: str, web: int = 0) -> None:
        """Write objects in the hub and wait until all targets have them."""
        for name in maps or ("settings",):
            await self.hub.apply(CONFIGMAPS, make_configmap(name, self.space))
        if web:
            await self.deploy("web", web)
        for cluster in self.clusters.values():
            for name in maps or ("settings",):
                await self.has(cluster, CONFIGMAPS, name)
            if web:
                await self.are_ready(cluster, "web", web)

    async def deploy(self, name: str, replicas: int, image: str = "registry.example/web:1") -> None:
        """Apply a Deployment in the hub."""
        labels = {"app": name}
        pod = {"containers": [{"name": "main", "image": image}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        tree = {"metadata": {"name": name, "namespace": self.space}, "spec": spec}
        await self.hub.apply(DEPLOYMENTS, tree)

    # When

    def mark(self, what: str) -> None:
        """Remember the present moment under a name."""
        self.marks[what] = time.time()

    async def cut(self, server: Server, what: str = "cut") -> None:
        """Refuse new connections to a server and reset open ones."""
        await server.door.listener.refuse()
        server.door.listener.reset_connections()
        self.mark(what)

    async def mend(self, server: Server, what: str = "mended") -> None:
        """End all network faults."""
        server.door.rules.clear()
        await server.door.listener.serve()
        self.mark(what)

    def freeze(self, server: Server) -> None:
        """Let requests to a server hang, as if it were frozen."""
        server.door.rules.on(Blackhole())
        self.mark("frozen")

    def reject_token(self, server: Server) -> None:
        """Let a server answer 401 to everything."""
        server.door.rules.on(refusal(401, "Unauthorized"))
        server.door.listener.reset_connections()
        self.mark("rejected")

    def forbid(self, server: Server, resource: str) -> None:
        """Let a server refuse every request for a kind as forbidden."""
        said = f'{resource} is forbidden: User \\"engine\\" cannot list resource'
        server.door.rules.on(refusal(403, "Forbidden", said), path=f"/{resource}[?/]")
        server.door.rules.on(refusal(403, "Forbidden", said), path=f"/{resource}$")
        server.door.listener.reset_connections()
        self.mark("forbidden")

    def break_webhook(self, server: Server) -> None:
        """Let every write within the namespace fail as if a webhook were down."""
        url = "https://127.0.0.1:9/check?timeout=10s"
        said = (
            'Internal error occurred: failed calling webhook \\"check.example\\": failed to call '
            f'webhook: Post \\"{url}\\": dial tcp 127.0.0.1:9: connect: connection refused'
        )
        answer = refusal(500, "InternalError", said)
        server.door.rules.on(answer, methods=WRITES, path=f"/namespaces/{self.space}/")
        self.mark("webhook")

    def refuse_creations(self, server: Server) -> None:
        """Let a server refuse every write within the namespace for lack of room."""
        said = (
            'deployments.apps \\"web\\" is forbidden: exceeded quota: none, requested: '
            "count/deployments.apps=1, used: count/deployments.apps=0, "
            "limited: count/deployments.apps=0"
        )
        answer = refusal(403, "Forbidden", said)
        server.door.rules.on(answer, methods=WRITES, path=f"/namespaces/{self.space}/deployments")
        self.mark("full")

    async def paint(self, colour: str) -> None:
        """Change the ConfigMap ``settings`` in the hub."""
        change = {"data": {"colour": colour}}
        await self.hub.patch(CONFIGMAPS, self.space, "settings", change)

    async def pause(self, server: Server) -> None:
        """Pause a target as the console does."""
        said = json.dumps({"until": 0, "by": "kim", "why": "maintenance"})
        note = {"metadata": {"annotations": {PAUSE: said}}}
        await self.hub.patch(SYNC_TARGETS, "", server.name, note)

    async def drain(self, server: Server) -> None:
        """Drain a target as the console does."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        spec = {"unschedulable": True, "evictAfter": now}
        await self.hub.patch(SYNC_TARGETS, "", server.name, {"spec": spec})
        self.mark("drained")

    async def define(self, server: Server, definition: Json) -> None:
        """Apply a CustomResourceDefinition and wait until its kind is served."""
        await server.apply(CRDS, definition)
        name = definition["metadata"]["name"]

        async def established() -> bool:
            found = condition_of(await server.get(CRDS, "", name) or {}, "Established")
            return bool(found) and (found or {})["status"] == "True"

        await self.until(established, f"{name} on {server.name}")

    async def given_at_one_place(self, web: int) -> Server:
        """Have a Deployment in sync on the one target chosen for it; return that target."""
        await self.place(strategy="OneToAny")
        await self.deploy("web", web)

        async def home() -> Server | None:
            for server in self.clusters.values():
                if await self.ready(server, "web", web):
                    return server
            return None

        found: Server = await self.until(home, "the Deployment runs somewhere")
        self.moved_to(found)
        await self.pass_time()
        return found

    def moved_to(self, server: Server) -> None:
        """Note that the namespace's objects are now desired on that target only."""
        self.unwanted = {name for name in self.clusters if name != server.name}

    def inside(self, tree: Json) -> Json:
        """Return the object, put into the namespace."""
        return {**tree, "metadata": {**tree["metadata"], "namespace": self.space}}

    # Facts, for scripts

    async def has_colour(self, server: Server, colour: str) -> None:
        """Wait until a server's copy of ``settings`` has that colour."""

        async def so() -> bool:
            return await self._colour(server) == colour

        await self.until(so, f"{colour} on {server.name}")

    async def comes_back(self, server: Server, colour: str, within_s: float) -> bool:
        """Return whether a copy of ``settings`` gets that colour within the given seconds."""
        with anyio.move_on_after(within_s):
            while await self._colour(server) != colour:  # noqa: ASYNC110 - a remote server
                await anyio.sleep(0.05)
            return True
        return False

    async def _colour(self, server: Server) -> str:
        found = await server.get(CONFIGMAPS, self.space, "settings") or {}
        return str((found.get("data") or {}).get("colour"))

    async def is_gone(self, server: Server, kind: Kind, name: str) -> bool:
        """Return whether a server has no such object."""
        return await server.get(kind, self.space, name) is None

    async def is_counted(self, server: Server, kind: Kind, name: str) -> bool:
        """Return whether its controller has counted a quota."""
        found = await server.get(kind, self.space, name) or {}
        return bool((found.get("status") or {}).get("hard"))

    async def has(self, server: Server, kind: Kind, name: str) -> Json:
        """Wait until a server has an object; return it."""

        async def there() -> Json | None:
            return await server.get(kind, self.space, name)

        found: Json = await self.until(there, f"{kind.id} {name} on {server.name}")
        return found

    async def are_ready(self, server: Server, name: str, pods: int) -> None:
        """Wait until a Deployment has that many ready pods."""
        await self.until(lambda: self.ready(server, name, pods), f"{pods} of {name} ready")

    async def stays_ready(self, server: Server, name: str, pods: int, for_s: float) -> bool:
        """Return whether a Deployment has its ready pods at every moment of the given time."""
        with anyio.move_on_after(for_s):
            while await self.ready(server, name, pods):  # noqa: ASYNC110 - a remote server
                await anyio.sleep(0.1)
            return False
        return True

    async def ready(self, server: Server, name: str, pods: int) -> bool:
        """Return whether a Deployment has that many ready pods."""
        found = await server.get(DEPLOYMENTS, self.space, name)
        return bool(found) and (found or {}).get("status", {}).get("readyReplicas", 0) == pods

    async def until(self, claim: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Wait until a claim about API servers holds; return what it returned."""
        last: Any = None
        with anyio.move_on_after(PATIENCE_S):
            while not (last := await claim()):  # noqa: ASYNC110 - a remote server
                await anyio.sleep(0.05)
        assert last, f"not within {PATIENCE_S} s: {what}"
        return last


@contextlib.asynccontextmanager
async def open_world(servers: list[Server], folder: Path) -> AsyncIterator[World]:
    """Install the APIs in the hub and yield a world whose program has not started."""
    hub, *clusters = servers
    world = World(hub, {one.name: one for one in clusters}, folder)
    await install(hub.user, world.settings().targets)
    try:
        yield world
    finally:
        world.kill()
