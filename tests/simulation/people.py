"""Seeded people, who write to the hub, operate targets, and interfere with the clusters."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio

from tests.simulation.swarm import TARGETS
from tests.simulation.world import World
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, PLACEMENTS, SYNC_TARGETS
from tmcconsole.contract.commands import (
    AnyCommand,
    CordonTarget,
    DrainTarget,
    PauseTarget,
    ResumeTarget,
    Resync,
    UncordonTarget,
)
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey

SPACES: Final = ("alpha", "beta", "gamma")
NAMES: Final = ("one", "two", "three", "four")
STRATEGIES: Final = ("OneToAny", "OneToMany", "Spread")
BURSTS: Final = (1, 1, 1, 2, 4)  # of things done at one moment
MEDDLER: Final = "meddler"
LEAVE_ANYWAY: Final = "syncer.kcp.io/leave-anyway"
FOREIGN_FINALIZER: Final = "example.com/hold"


@dataclass(slots=True)
class People:
    """Everybody except the engine. Their actions are immediate and bypass all network faults."""

    world: World
    rng: random.Random

    async def live(self) -> None:
        """Act as often as the seed says, spread over the run's duration."""
        swarm = self.world.swarm
        pauses = [self.rng.expovariate(1.0) for _ in range(swarm.actions)]
        scale = swarm.duration_s / sum(pauses)
        for pause in pauses:
            await anyio.sleep(pause * scale)
            for _ in range(self.rng.choice(BURSTS)):
                await self.act()

    async def begin(self) -> None:
        """Create the first desired states."""
        for space in SPACES[:2]:
            await self._space(space)
            await self._placement(space)
            for name in NAMES[:2]:
                await self._configmap(space, name)
            await self._deployment(space, NAMES[2])

    async def act(self) -> None:
        """Do one thing; do not repeat it if an API server refuses."""
        names = list(_ACTS)
        chosen = self.rng.choices(names, [weight for weight, _ in _ACTS.values()])[0]
        self.world.trace.commit(f"PEOPLE {chosen}")
        try:
            await _ACTS[chosen][1](self)
        except KubeError as error:
            self.world.trace.commit(f"PEOPLE were refused: {error.reason}")

    # Desired states in the hub

    async def write_configmap(self) -> None:
        await self._configmap(self._any_space(), self._any_name())

    async def write_deployment(self) -> None:
        await self._deployment(self._any_space(), self._any_name())

    async def write_label(self) -> None:
        kind = self._any_kind()
        labels = {"colour": self.rng.choice(("blue", "green"))}
        key = ObjectKey(self._any_space(), self._any_name())
        await self._patch(self.world.hub, kind, key, {"metadata": {"labels": labels}})

    async def delete_object(self) -> None:
        await self._delete(self.world.hub, self._any_kind(), self._any_space(), self._any_name())

    async def delete_and_recreate(self) -> None:
        space, name = self._any_space(), self._any_name()
        await self._delete(self.world.hub, CONFIGMAPS, space, name)
        await anyio.sleep(self.rng.choice((0.0, 0.1, 2.0)))
        await self._configmap(space, name)

    async def write_and_think_better(self) -> None:
        """Create an object and delete it while it is still being copied."""
        space, name = self._any_space(), self._any_name()
        await self._configmap(space, name)
        await anyio.sleep(self.rng.uniform(0.0, 0.5))
        await self._delete(self.world.hub, CONFIGMAPS, space, name)

    async def write_space(self) -> None:
        await self._space(self._any_space())

    async def unlabel_space(self) -> None:
        patch = {"metadata": {"labels": {"app": None}}}
        await self._patch(self.world.hub, NAMESPACES, ObjectKey("", self._any_space()), patch)

    async def delete_space(self) -> None:
        await self._delete(self.world.hub, NAMESPACES, "", self._any_space())

    async def write_placement(self) -> None:
        await self._placement(self._any_space())

    async def delete_placement(self) -> None:
        await self._delete(self.world.hub, PLACEMENTS, "", self._any_space())

    # Operators

    async def operate(self) -> None:
        name = self.rng.choice(TARGETS)
        commands: tuple[AnyCommand, ...] = (
            CordonTarget(target=name),
            UncordonTarget(target=name),
            DrainTarget(target=name, confirm=name),
            PauseTarget(target=name, why="a look around"),
            ResumeTarget(target=name),
            Resync(target=name, relist=self.rng.random() < 0.5),
        )
        await self.order(self.rng.choice(commands))

    async def empty_by_force(self) -> None:
        """Drain a target regardless of losses; undo it later."""
        name = self.rng.choice(TARGETS)
        note = {LEAVE_ANYWAY: self.rng.choice(("ann", None))}
        marks: Json = {"metadata": {"annotations": note}}
        await self._patch(self.world.hub, SYNC_TARGETS, ObjectKey("", name), marks)

    async def let_go(self) -> None:
        """Allow what should leave a namespace to go, or withdraw that."""
        note = {LEAVE_ANYWAY: self.rng.choice(("*", None, None))}
        marks: Json = {"metadata": {"annotations": note}}
        await self._patch(self.world.hub, NAMESPACES, ObjectKey("", self._any_space()), marks)

    async def refuse_creates(self) -> None:
        """Make a cluster refuse new objects for a while, as if full."""
        name = self.rng.choice(TARGETS)
        faults = self.world.sims[name].faults
        faults.switch("quota")
        self.world.group.start_soon(self._make_room, name, self.rng.uniform(5, 60))

    async def _make_room(self, name: str, after_s: float) -> None:
        await anyio.sleep(after_s)
        self.world.sims[name].faults.switch("quota", on=False)

    async def order(self, command: AnyCommand) -> bool:
        """Send a command to the living engine; return whether it was accepted."""
        engine, life = self.world.engine, self.world.life
        if engine is None or life is None or life.is_over:
            return False
        accepted = False
        with anyio.move_on_after(30):
            reply = await engine.request(command)
            accepted = type(reply).__name__ == "Accepted"
            self.world.trace.commit(f"PEOPLE {type(command).__name__}: {reply}")
        return accepted

    # Meddling on the clusters

    async def make_foreign(self) -> None:
        """Create somebody else's object where a copy may have to go."""
        hand, space = self._any_cluster(), self._place_of(self._any_space())
        tree = {"metadata": {"name": space, "labels": {"team": "other"}}}
        await _apply(hand, NAMESPACES, tree, manager=MEDDLER)
        name = self._any_name()
        if await _get(hand, CONFIGMAPS, ObjectKey(space, name)) is None:
            tree = {"metadata": {"name": name, "namespace": space}, "data": {"owner": "other"}}
            await _apply(hand, CONFIGMAPS, tree, manager=MEDDLER)

    async def usurp(self) -> None:
        """Delete a copy and immediately create somebody else's object in its place."""
        hand, name, home = self._any_cluster(), self._any_name(), self._any_space()
        space = self._place_of(home)
        await self._delete(hand, CONFIGMAPS, space, name)
        tree = {"metadata": {"name": name, "namespace": space}, "data": {"owner": "other"}}
        await _apply(hand, CONFIGMAPS, tree, manager=MEDDLER)
        if self.rng.random() < 0.5:
            await self._delete(self.world.hub, CONFIGMAPS, home, name)

    async def delete_foreign(self) -> None:
        hand = self._any_cluster()
        for space in SPACES:
            for name in NAMES:
                key = ObjectKey(self._place_of(space), name)
                found = await _get(hand, CONFIGMAPS, key)
                if found is not None and (found.decode().get("data") or {}).get("owner"):
                    await hand.delete(CONFIGMAPS, key, uid=found.uid)
                    return

    async def drift(self) -> None:
        hand, space = self._any_cluster(), self._place_of(self._any_space())
        if self.rng.random() < 0.5:
            key = ObjectKey(space, self._any_name())
            await self._patch(hand, CONFIGMAPS, key, {"data": {"colour": "drifted"}})
        else:
            key = ObjectKey(space, self._any_name())
            await self._patch(hand, DEPLOYMENTS, key, {"spec": {"replicas": 7}})

    async def delete_copy(self) -> None:
        space = self._place_of(self._any_space())
        await self._delete(self._any_cluster(), self._any_kind(), space, self._any_name())

    async def hold_copy(self) -> None:
        """Put a finalizer on a copy, so that it cannot go."""
        hand, key = self._any_cluster(), ObjectKey(self._place_of(self._any_space()), "one")
        found = await _get(hand, CONFIGMAPS, key)
        if found is not None:
            patch = {"metadata": {"finalizers": [FOREIGN_FINALIZER]}}
            await self._patch(hand, CONFIGMAPS, key, patch)

    async def let_copies_go(self) -> None:
        """Take the finalizers off again, everywhere."""
        for name in TARGETS:
            for tree in self.world.sims[name].store.trees("configmaps"):
                if FOREIGN_FINALIZER in (tree["metadata"].get("finalizers") or ()):
                    key = ObjectKey(tree["metadata"]["namespace"], tree["metadata"]["name"])
                    patch: Json = {"metadata": {"finalizers": None}}
                    await self._patch(self.world.hands[name], CONFIGMAPS, key, patch)

    async def delete_space_below(self) -> None:
        await self._delete(self._any_cluster(), NAMESPACES, "", self._place_of(self._any_space()))

    # What they have in common

    def _any_space(self) -> str:
        return self.rng.choice(SPACES)

    def _any_name(self) -> str:
        return self.rng.choice(NAMES)

    def _any_kind(self) -> Kind:
        return self.rng.choice((CONFIGMAPS, CONFIGMAPS, DEPLOYMENTS))

    def _any_cluster(self) -> Client:
        return self.world.hands[self.rng.choice(TARGETS)]

    def _place_of(self, space: str) -> str:
        """Return a namespace on a cluster where copies of a hub namespace may be."""
        if self.world.swarm.sync.namespaces == "prefix":
            return f"{self.world.swarm.sync.namespace_prefix}{space}"
        if self.world.swarm.sync.namespaces == "kcp":
            made = [one.key.namespace for one in self._copies() if one.parent.key[0] == space]
            return self.rng.choice(sorted(set(made))) if made else space
        return space

    def _copies(self) -> list[Any]:
        watchdog = self.world.watchdog
        return [one for name in TARGETS for one in watchdog.made[name].values() if one.parent]

    async def _space(self, name: str) -> None:
        await _apply(
            self.world.hub, NAMESPACES, {"metadata": {"name": name, "labels": {"app": name}}}
        )

    async def _placement(self, name: str) -> None:
        spec = {
            "namespaceSelector": {"matchLabels": {"app": name}},
            "locationSelectors": [{}],
            "strategy": self.rng.choice(STRATEGIES),
        }
        await _apply(self.world.hub, PLACEMENTS, {"metadata": {"name": name}, "spec": spec})

    async def _configmap(self, space: str, name: str) -> None:
        data = {"colour": f"{self.rng.randrange(1000)}"}
        tree = {"metadata": {"name": name, "namespace": space}, "data": data}
        await _apply(self.world.hub, CONFIGMAPS, tree)

    async def _deployment(self, space: str, name: str) -> None:
        labels = {"app": name}
        image = f"registry.example/web:{self.rng.randrange(3)}"
        spec = {
            "replicas": self.rng.randrange(5),
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        }
        tree = {"metadata": {"name": name, "namespace": space}, "spec": spec}
        await _apply(self.world.hub, DEPLOYMENTS, tree)

    async def _patch(self, hand: Client, kind: Kind, key: ObjectKey, patch: Json) -> None:
        await hand.merge_patch(kind, key, patch, manager=MEDDLER)

    async def _delete(self, hand: Client, kind: Kind, space: str, name: str) -> None:
        key = ObjectKey(space, name)
        found = await hand.get(kind, key)
        await hand.delete(kind, key, uid=found.uid)


async def _apply(hand: Client, kind: Kind, tree: Json, manager: str = "user") -> None:
    tree = {"apiVersion": kind.api_version, "kind": kind.kind, **tree}
    await hand.apply(kind, tree, manager=manager, force=True)


async def _get(hand: Client, kind: Kind, key: ObjectKey) -> CachedObject | None:
    try:
        return await hand.get(kind, key)
    except KubeError:
        return None


_ACTS: Final[dict[str, tuple[int, Callable[[People], Awaitable[None]]]]] = {
    "write a ConfigMap": (12, People.write_configmap),
    "write a Deployment": (8, People.write_deployment),
    "write a label": (5, People.write_label),
    "delete an object": (8, People.delete_object),
    "delete and recreate": (5, People.delete_and_recreate),
    "write and think better of it": (4, People.write_and_think_better),
    "write a namespace": (3, People.write_space),
    "unlabel a namespace": (2, People.unlabel_space),
    "delete a namespace": (2, People.delete_space),
    "write a Placement": (4, People.write_placement),
    "delete a Placement": (1, People.delete_placement),
    "empty by force": (1, People.empty_by_force),
    "let go": (2, People.let_go),
    "refuse creates": (3, People.refuse_creates),
    "operate": (8, People.operate),
    "make a foreign object": (4, People.make_foreign),
    "usurp a copy": (3, People.usurp),
    "delete a foreign object": (2, People.delete_foreign),
    "drift": (5, People.drift),
    "delete a copy": (4, People.delete_copy),
    "hold a copy": (1, People.hold_copy),
    "let copies go": (1, People.let_copies_go),
    "delete a namespace below": (1, People.delete_space_below),
}
