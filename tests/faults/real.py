"""The stage on real API servers: the engine goes through proxies with faults, users do not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.envtest.api import fresh_name
from tests.envtest.identity import ADMIN
from tests.envtest.planes import Plane
from tests.faultproxy.faults import Replace
from tests.faultproxy.proxy import Proxy
from tests.faultproxy.real import proxied
from tests.world.real import RealCluster, RealWorld, open_real_world
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PLACEMENTS,
    SYNC_TARGETS,
    place_everywhere,
)
from tmcconsole.contract.changes import NOTHING_SEEN
from tmcconsole.contract.commands import AllowDeletes
from tmcconsole.contract.records import SyncState, TargetRecord
from tmcconsole.kube.objects import Json, Kind, ObjectKey, conditions_of
from tmcconsole.sync.names.markers import ALLOW_DELETES
from tmcconsole.sync.state.ledger import Standing

COPY = {"colour": "blue"}
GREEN = {"colour": "green"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
ASIDE = re.compile(r"/synctargets/|/leases|accessreviews")
PATIENCE_S = 60.0  # what real servers on a busy machine may need


@dataclass(frozen=True, slots=True)
class RealStage:
    """A hub and two clusters, each behind a proxy; a namespace that is placed everywhere."""

    world: RealWorld
    proxies: dict[str, Proxy]  # by target name, and "hub"
    space: str
    names: tuple[str, str]  # of the targets

    async def apply(self, name: str, side: str = "hub", **data: str) -> Json:
        """Apply a ConfigMap as a user does."""
        tree = {"metadata": {"name": name, "namespace": self.space}, "data": data}
        applied: Json = await self._side(side).apply(CONFIGMAPS, tree)
        return applied

    async def data(self, side: str, name: str) -> Json | None:
        """Return a ConfigMap's data, None without one."""
        found = await self._side(side).get(CONFIGMAPS, self.space, name)
        return found and (found.get("data") or {})

    async def delete(self, name: str, side: str = "hub", kind: Kind = CONFIGMAPS) -> None:
        """Delete as a user does."""
        await self._side(side).delete(kind, self.space, name)

    async def has(self, data: Json | None, name: str, *sides: str) -> None:
        """Wait until the sides have a ConfigMap with that data, or, for None, have none."""

        async def so() -> bool:
            return all([await self.data(side, name) == data for side in sides])

        await self.world.eventually(so, f"{name} = {data} on {sides}", PATIENCE_S)

    async def until(self, claim: Callable[[], bool], what: str) -> None:
        """Wait until something about the engine holds."""

        async def so() -> bool:
            return claim()

        await self.world.eventually(so, what, PATIENCE_S)

    def asked(self, side: str, method: str, *, since: int = 0) -> list[str]:
        """Return the paths of requests within our namespace that reached a proxy."""
        seen = list(self.proxies[side].seen)[since:]
        inside = [one for one in seen if f"/namespaces/{self.space}/" in one.path]
        return [one.path for one in inside if one.method == method and "dryRun" not in one.path]

    def written(self, side: str, *, since: int = 0) -> list[str]:
        """Return the writes that reached a proxy, except heartbeats, reviews and dry runs."""
        seen = list(self.proxies[side].seen)[since:]
        writes = [one for one in seen if one.method in WRITES and "dryRun" not in one.path]
        return [f"{one.method} {one.path}" for one in writes if not ASIDE.search(one.path)]

    def marks(self) -> dict[str, int]:
        """Return how many requests each proxy has seen, as ``since`` for what follows."""
        return {name: len(proxy.seen) for name, proxy in self.proxies.items()}

    def writes_since(self, marks: dict[str, int]) -> list[str]:
        """Return the writes that reached any proxy since then."""
        return [one for name, since in marks.items() for one in self.written(name, since=since)]

    def standing(self, target: str, name: str, kind: Kind = CONFIGMAPS) -> Standing:
        """Return the engine's standing of an object."""
        supervisor = self.world.engine.supervisors.get(target)
        found = supervisor.target if supervisor else None
        entry = found.ledger.get(kind.id, ObjectKey(self.space, name)) if found else None
        return entry.standing if entry else Standing(SyncState.PENDING, since=-1)

    def opened(self, side: str, kind: Kind, *, since: int = 0) -> tuple[int, int]:
        """Return how many lists and how many watches of a kind reached a proxy."""
        seen = list(self.proxies[side].seen)[since:]
        start = f"{kind.base_path}/{kind.resource}?"
        of_kind = [one for one in seen if one.path.startswith(start)]
        watches = sum(one.is_stream for one in of_kind)
        return len(of_kind) - watches, watches

    async def record(self, target: str) -> TargetRecord:
        """Return the target's record on the board."""
        changes = await self.world.engine.changes(NOTHING_SEEN)
        found = [one for one in changes.upserted if isinstance(one, TargetRecord)]
        return next(one for one in found if one.name == target)

    async def complaints(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return reason and message of every condition that is not True, by target and type."""
        trees = {name: await self.world.hub.get(SYNC_TARGETS, "", name) for name in self.names}
        return {
            (name, one["type"]): (one["reason"], one["message"])
            for name, tree in trees.items()
            for one in conditions_of(tree or {})
            if one["status"] != "True"
        }

    async def sole_complaint(
        self, target: str, kind: str, reason: str, text: str = "", within_s: float = PATIENCE_S
    ) -> None:
        """Wait until one condition is not True and says why, and every other one is True.

        Without ``text`` the reason is enough.
        """

        async def told() -> bool:
            found = await self.complaints()
            said = found.get((target, kind), ("", ""))
            return len(found) == 1 and said == (reason, text or said[1])

        await self.world.eventually(told, f"{kind} alone is {reason}: {text}", within_s)

    async def no_complaint(self, within_s: float = PATIENCE_S) -> None:
        """Wait until every condition of both targets is True."""

        async def well() -> bool:
            return await self.complaints() == {}

        await self.world.eventually(well, "all conditions hold", within_s)

    def open_errors(self) -> list[str]:
        """Return the errors that have not ended, as ``status`` lists them."""
        records = self.world.engine.history.records()
        errors = [one for one in records if one.category == "error" and not one.recovered_at]
        return [f"{one.target} {one.subject}: {one.message}" for one in errors]

    def _side(self, name: str) -> Any:
        return self.world.hub if name == "hub" else self.world.clusters[name]


@asynccontextmanager
async def open_real_stage(
    hub: Plane,
    clusters: tuple[Plane, Plane],
    *kinds: str,
    kubeconfig: Path | None = None,
    hub_kubeconfig: Path | None = None,
    **sync: Any,
) -> AsyncIterator[RealStage]:
    """Run an engine through proxies; ``kubeconfig`` replaces the engine's of the first cluster, and
    ``hub_kubeconfig`` that of the hub.
    """
    async with AsyncExitStack() as stack:
        proxies: dict[str, Proxy] = {}
        sides: dict[str, RealCluster] = {}
        for plane in (hub, *clusters):
            proxy = proxies[plane.name] = await stack.enter_async_context(proxied(plane))
            through = plane.kubeconfig_for(ADMIN, url=proxy.url)
            sides[plane.name] = RealCluster(plane.name, through, plane.kubeconfig)
        first, second = (plane.name for plane in clusters)
        if kubeconfig is not None:
            sides[first] = RealCluster(first, kubeconfig, clusters[0].kubeconfig)
        if hub_kubeconfig is not None:
            sides[hub.name] = RealCluster(hub.name, hub_kubeconfig, hub.kubeconfig)
        world = await stack.enter_async_context(
            open_real_world(
                sides.pop(hub.name),
                list(sides.values()),
                kinds_allow=("configmaps", *kinds),
                **sync,
            )
        )
        stage = RealStage(world, proxies, fresh_name("faults"), (first, second))
        await place_everywhere(world, stage.space)
        yield stage
        for proxy in proxies.values():
            proxy.rules.clear()
        await _leave(stage)


async def _leave(stage: RealStage) -> None:
    """Delete everything while the engine still runs, so that no finalizer is left."""
    hub = stage.world.hub
    for name in stage.names:  # there may be more than the brake allows
        await stage.world.engine.request(AllowDeletes(target=name, actor="test"))
    for kind in (CONFIGMAPS, DEPLOYMENTS):
        for key in await _keys(stage, kind):
            await hub.delete(kind, *key)

    async def is_empty() -> bool:
        return not any([await _keys(stage, kind) for kind in (CONFIGMAPS, DEPLOYMENTS)])

    await stage.world.eventually(is_empty, "all is taken away", PATIENCE_S)
    for name in stage.names:  # the next test has the brake again
        no_word = {"metadata": {"annotations": {ALLOW_DELETES: None}}}
        await hub.patch(SYNC_TARGETS, "", name, no_word)
    await hub.delete(PLACEMENTS, "", stage.space)
    await hub.delete(NAMESPACES, "", stage.space)


async def _keys(stage: RealStage, kind: Kind) -> list[ObjectKey]:
    pages = stage.world.hub.user.list_pages(kind, namespace=stage.space)
    return [cached.key async for page in pages for cached in page.items]


@asynccontextmanager
async def open_calm_stage(
    hub: Plane, clusters: tuple[Plane, Plane], *kinds: str
) -> AsyncIterator[RealStage]:
    """Run an engine through proxies, with one ConfigMap that is in sync everywhere."""
    async with open_real_stage(hub, clusters, *kinds) as stage:
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        yield stage


def refusal(code: int, reason: str, message: str = "", **headers: str) -> Replace:
    """Return a refusal as an API server sends it."""
    body = f'"status":"Failure","code":{code},"reason":"{reason}","message":"{message or reason}"'
    text = '{"kind":"Status","apiVersion":"v1","metadata":{},' + body + "}"
    return Replace(code, text.encode(), headers=tuple(headers.items()))
