"""What the API servers say at this moment, asked directly and not through the program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import anyio

from tests.incidents.servers import Server
from tests.incidents.world import World
from tests.world.world import CONFIGMAPS, DEPLOYMENTS
from tmcconsole.kube.errors import NotFound
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.names.markers import CLUSTER

ROLES = Kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
WIDGETS = Kind("example.com", "v1", "widgets", "Widget")
KINDS = (CONFIGMAPS, DEPLOYMENTS, ROLES, WIDGETS)
VERSION = "/version"
OF_THE_CLUSTER = "kube-root-ca.crt"


class Stand(StrEnum):
    """How a copy compares with the hub's object."""

    SAME = "is there as wanted"
    DIFFERS = "is there, but differs"
    MISSING = "is not there"
    FOREIGN = "is somebody else's"
    LEAVING = "is to go, and still there"


@dataclass(frozen=True, slots=True)
class Copy:
    """One desired pair of object and target, and what the target has of it."""

    key: str  # resource/namespace/name
    target: str
    stand: Stand
    is_heard: bool  # the target answers the program, for this kind too
    ready: int | None = None  # of a Deployment
    wanted: int | None = None

    @property
    def is_same(self) -> bool:
        """True if the program can know that the copy is as desired."""
        return self.is_heard and self.stand is Stand.SAME

    @property
    def is_well(self) -> bool:
        """True if there is nothing to complain about."""
        return self.is_same and self.ready == self.wanted


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of one moment."""

    at: float
    down: dict[str, str]  # servers that do not answer the program, and what it gets instead
    copies: tuple[Copy, ...]

    def on(self, target: str) -> list[Copy]:
        """Return the copies desired on a target."""
        return [one for one in self.copies if one.target == target]

    @property
    def are_leaving(self) -> bool:
        """True while copies are leaving; whether they count as placed is a matter of wording."""
        return any(one.stand is Stand.LEAVING for one in self.copies)

    @property
    def unheard(self) -> bool:
        """True if a target answers, but not for every kind."""
        return any(not one.is_heard and one.target not in self.down for one in self.copies)

    @property
    def ailing(self) -> list[Copy]:
        """Return the copies about which something must be said."""
        return [one for one in self.copies if not one.is_well]


async def read_facts(world: World) -> Facts:
    """Ask every server: through the program's proxy what it answers, and directly what it has."""
    refused = await _refused(world)
    down = {name: said[VERSION] for name, said in refused.items() if VERSION in said}
    copies = []
    async for kind, tree in _wanted(world):
        for server in world.clusters.values():
            said = refused[server.name]
            is_heard = VERSION not in said and _path(kind) not in said
            copy = await _copy(world, server, kind, tree, is_heard)
            if server.name in world.leaving and copy is not None:
                copy = replace(copy, stand=Stand.LEAVING)
            if copy is not None and server.name not in world.unwanted:
                copies.append(copy)
    return Facts(time.time(), down, tuple(copies))


async def _refused(world: World) -> dict[str, dict[str, str]]:
    """Return, by server and path, what the program gets instead of an answer."""
    found: dict[str, dict[str, str]] = {}

    async def ask(server: Server) -> None:
        found[server.name] = await server.refuses(VERSION, *(_path(kind) for kind in KINDS))

    async with anyio.create_task_group() as group:
        for server in world.servers:
            group.start_soon(ask, server)
    return found


def _path(kind: Kind) -> str:
    return f"{kind.base_path}/{kind.resource}?limit=1"


async def _wanted(world: World) -> Any:
    for kind in KINDS:
        for tree in await _all_of(world.hub, kind, world.space):
            yield kind, tree


async def _all_of(server: Server, kind: Kind, space: str) -> list[Json]:
    try:
        pages = server.user.list_pages(kind, namespace=space)
        found = [one.decode() async for page in pages for one in page.items]
    except NotFound:  # the kind is not served
        return []
    return [tree for tree in found if tree["metadata"]["name"] != OF_THE_CLUSTER]


async def _copy(
    world: World, server: Server, kind: Kind, tree: Json, is_heard: bool
) -> Copy | None:
    name = tree["metadata"]["name"]
    copy = await server.get(kind, world.space, name)
    if "deletionTimestamp" in tree["metadata"]:
        if copy is None:
            return None
        stand = Stand.LEAVING
    else:
        stand = _stand(tree, copy)
    ready = wanted = None
    if kind is DEPLOYMENTS:
        wanted = int(tree["spec"].get("replicas", 1))
        ready = int(((copy or {}).get("status") or {}).get("readyReplicas", 0))
    return Copy(f"{kind.id}/{world.space}/{name}", server.name, stand, is_heard, ready, wanted)


def _stand(tree: Json, copy: Json | None) -> Stand:
    if copy is None:
        return Stand.MISSING
    if CLUSTER not in (copy["metadata"].get("labels") or {}):
        return Stand.FOREIGN
    return Stand.SAME if _content(tree) == _content(copy) else Stand.DIFFERS


def _content(tree: Json) -> Json:
    return {part: tree[part] for part in ("spec", "data", "rules") if part in tree}


def names(copies: list[Copy]) -> Iterator[str]:
    """Yield copies as ``key on target``."""
    for one in copies:
        yield f"{one.key} on {one.target}"
