"""What must become true once trouble ends: the liveness properties L1 to L7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import anyio

from tests.simulation.marks import (
    is_wanted,
    namespace_of_locator,
    residents,
    syncer_finalizers,
    target_keys_marked,
    target_keys_wanting,
)
from tests.simulation.swarm import TARGETS
from tests.simulation.trace import Violation
from tests.simulation.wakeups import unwoken
from tests.simulation.watchdog import Made
from tests.simulation.world import World
from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.sim.storage.store import StoreKey

Json = dict[str, Any]

# Refusals and collisions are checked again after 600 s, with a tenth of jitter.
SETTLES_WITHIN_S: Final = 1500.0
LOOK_EVERY_S: Final = 5.0
# What a Placement chose. If that is a cordoned target, neither it nor others get anything new.
DECIDED: Final = "internal.workload.kcp.io/synctarget"
STILL_FOR_S: Final = 120.0
SOON_S: Final = STILL_FOR_S + 10.0  # what was refused is retried much later


@dataclass(frozen=True, slots=True)
class Calm:
    """Compares the clusters' stores with what the people asked for."""

    world: World

    async def settle(self) -> None:
        """Wait until nothing is wrong. Raises ``Violation`` if something stays wrong."""
        complaint = "nothing was looked at"
        with anyio.move_on_after(SETTLES_WITHIN_S):
            while complaint:
                before = self._cluster_writes()
                await anyio.sleep(LOOK_EVERY_S)
                complaint = self.complaint()
                if self._cluster_writes() != before:  # a pod that has just become ready is news
                    complaint = complaint or "L3: something happens on the clusters"
        if complaint:
            invariant, _, what = complaint.partition(": ")
            raise Violation(invariant, f"still after {SETTLES_WITHIN_S:.0f} s: {what}")

    async def stay_still(self) -> None:
        """L4: nothing is written any more but heartbeats and Leases, and everything stays right."""
        before = self.world.watchdog.writes.total()
        await anyio.sleep(STILL_FOR_S)
        written = self.world.watchdog.writes.total() - before
        if written:
            last = self.world.watchdog.last_write
            raise Violation("L4", f"{written} writes at rest, the last of them {last}")
        complaint = self._orders()
        if complaint:
            invariant, _, what = complaint.partition(": ")
            raise Violation(invariant, f"was right and is not any more: {what}")

    def _cluster_writes(self) -> int:
        return sum(self._store(name).writes for name in TARGETS)

    def complaint(self) -> str:
        """Return what is wrong, beginning with the invariant's id, or ""."""
        return self._orders() or self._at_rest()

    def _orders(self) -> str:
        return self._placed() or self._copies() or self._released() or self._status()

    def _store(self, name: str) -> Any:
        return self.world.sims[name].store

    # L1: everything is where it should be, and as it should be

    def _placed(self) -> str:
        """Every namespace is on the targets its Placements may choose, and no others."""
        placements = self._store("hub").trees("placements.scheduling.kcp.io")
        for space in self._store("hub").trees("namespaces"):
            label = (space["metadata"].get("labels") or {}).get("app")
            selecting = [one for one in placements if _selects(one, label)]
            found = self._wrong_choice(space, selecting)
            if found or target_keys_marked(space) != target_keys_wanting(space):
                return f"L1: namespace {space['metadata']['name']} {found or 'is still leaving'}"
        return ""

    def _wrong_choice(self, space: Json, placements: list[Json]) -> str:
        keys = target_keys_wanting(space)
        here = {name for name in TARGETS if self.world.watchdog.keys[name] in keys}
        targets = {name: self._sync_target(name) for name in TARGETS}
        draining = {name for name, one in targets.items() if one["spec"].get("evictAfter")}
        closed = {name for name, one in targets.items() if one["spec"].get("unschedulable")}
        if here & draining:
            return f"is on {sorted(here & draining)}, which drain"
        if not placements:
            return f"is on {sorted(here)} without a Placement" if here else ""
        fits = set(TARGETS) - draining - closed
        for placement in placements:
            if placement["spec"]["strategy"] == "OneToAny":
                kept = placement["metadata"].get("annotations", {}).get(DECIDED)
                stuck = kept in {self.world.watchdog.keys[name] for name in closed}
                if fits and len(here) != 1 and len(placements) == 1 and not (stuck and not here):
                    return f"is on {sorted(here)}, not on one"
            elif not fits <= here:
                return f"is not on {sorted(fits - here)}"
        return ""

    def _sync_target(self, name: str) -> Json:
        found = self._store("hub").get("synctargets.workload.kcp.io", "", name)
        return {"spec": {}, **(found or {})}

    def _copies(self) -> str:
        return self._missing() or self._superfluous() or self._left_over()

    def _missing(self) -> str:
        for kind in self.world.swarm.sync.kinds_allow:
            for tree in self._store("hub").trees(kind):
                space = self._store("hub").get("namespaces", "", tree["metadata"]["namespace"])
                found = self._wrong_object(kind, tree, space)
                if found:
                    meta = tree["metadata"]
                    return f"L1: {kind} {meta['namespace']}/{meta['name']} {found}"
        return ""

    def _wrong_object(self, kind: str, tree: Json, space: Json | None) -> str:
        if tree["metadata"].get("deletionTimestamp"):
            return "is still being deleted"
        wanting = target_keys_wanting(space)
        if space is None or not wanting <= target_keys_wanting(tree):
            return "is not bound for where its namespace is"
        staying = target_keys_wanting(tree) - wanting
        if staying and self._is_replaced(kind, tree, wanting):
            return f"stays on {len(staying)} targets although it is elsewhere"
        for name, key in self.world.watchdog.keys.items():
            found = self._wrong_copy(kind, tree, name) if key in wanting else ""
            if found:
                return f"{found} on {name}"
        return "" if staying else self._wrong_sum(kind, tree)

    def _is_replaced(self, kind: str, tree: Json, wanting: frozenset[str]) -> bool:
        """True if nothing stops the copy from leaving: all targets that should have one have it."""
        names = [name for name, key in self.world.watchdog.keys.items() if key in wanting]
        return bool(names) and all(self._copy_of(kind, tree, name) for name in names)

    def _wrong_copy(self, kind: str, tree: Json, name: str) -> str:
        copy = self._copy_of(kind, tree, name)
        if copy is None:
            return "" if self._is_collision(kind, tree, name) else "is missing"
        if copy["metadata"].get("deletionTimestamp"):
            return "is on its way out"
        if kind == "configmaps":
            return "" if tree["data"].items() <= copy["data"].items() else "differs"
        return "" if copy["spec"]["template"] == tree["spec"]["template"] else "differs"

    def _wrong_sum(self, kind: str, tree: Json) -> str:
        """Each target has the desired replicas, or all together where replicas are divided."""
        if kind != "deployments.apps":
            return ""
        copies = [self._copy_of(kind, tree, name) for name in TARGETS]
        replicas = [copy["spec"]["replicas"] for copy in copies if copy]
        if len(replicas) < len(target_keys_wanting(tree)):
            return ""  # replicas lost to a collision are not made up for elsewhere
        desired = tree["spec"]["replicas"]
        if not self._is_divided(tree) and replicas != [desired] * len(replicas):
            return f"has {replicas} replicas, not {desired} each"
        if self._is_divided(tree) and sum(replicas) != desired:
            return f"has {replicas} replicas, not {desired} in sum"
        return ""

    def _is_divided(self, tree: Json) -> bool:
        space = self._store("hub").get("namespaces", "", tree["metadata"]["namespace"])
        label = (space["metadata"].get("labels") or {}).get("app") if space else None
        placements = self._store("hub").trees("placements.scheduling.kcp.io")
        return any(
            _selects(one, label) and one["spec"]["strategy"] == "Spread" for one in placements
        )

    def _copy_of(self, kind: str, tree: Json, name: str) -> Json | None:
        uid = tree["metadata"]["uid"]
        for made in self.world.watchdog.made[name].values():
            if made.kind == kind and made.parent is not None and made.parent.uid == uid:
                found: Json | None = self._store(name).get(kind, *made.key)
                return found
        return None

    def _is_collision(self, kind: str, tree: Json, name: str) -> bool:
        """True if somebody else's object or namespace has the name."""
        place = self.world.place_on(name, tree["metadata"]["namespace"])
        store, made = self._store(name), self.world.watchdog.made[name]
        space = store.find("namespaces", StoreKey("", place))
        foreign_space = space is not None and space.uid not in made
        if foreign_space and self.world.swarm.sync.namespaces != "auto":
            return True
        found = store.find(kind, StoreKey(place, tree["metadata"]["name"]))
        return found is not None and found.uid not in made

    def _superfluous(self) -> str:
        for name in TARGETS:
            for made in self.world.watchdog.made[name].values():
                if made.parent is not None and not self._has_reason(made, name):
                    return f"L1: {made.kind} {made.key} on {name} has no reason to be there"
        return ""

    def _left_over(self) -> str:
        """Namespaces that we made go once they are empty and the hub does not place them there."""
        for name, key in self.world.watchdog.keys.items():
            store = self._store(name)
            for made in self.world.watchdog.made[name].values():
                if made.kind != "namespaces":
                    continue
                space = store.get("namespaces", "", made.key.name)
                source = self._store("hub").get("namespaces", "", namespace_of_locator(space))
                if key not in target_keys_marked(source) and not residents(store, made.key.name):
                    return f"L1: namespace {made.key.name} is left over on {name}"
        return ""

    def _has_reason(self, made: Made, name: str) -> bool:
        assert made.parent is not None
        source = self._store("hub").get(made.kind, *made.parent.key)
        return is_wanted(source, made.parent.uid, self.world.watchdog.keys[name])

    # L2, L3, L5

    def _released(self) -> str:
        """L2: our finalizers are on objects that should have copies, and on no others."""
        for kind in self.world.swarm.sync.kinds_allow:
            for tree in self._store("hub").trees(kind):
                held, wanting = syncer_finalizers(tree), target_keys_wanting(tree)
                if held - wanting:
                    meta = tree["metadata"]
                    return f"L2: {kind} {meta['namespace']}/{meta['name']} is held for nothing"
        return ""

    def _status(self) -> str:
        """L1: the hub's status is what the clusters report."""
        for tree in self._store("hub").trees("deployments.apps"):
            copies = [self._copy_of("deployments.apps", tree, name) for name in TARGETS]
            reports = [copy.get("status") or {} for copy in copies if copy]
            status = tree.get("status") or {}
            if not reports:
                continue
            ready = sum(report.get("readyReplicas", 0) for report in reports)
            generation = tree["metadata"].get("generation")
            if status.get("readyReplicas", 0) != ready:
                return f"L1: {_name(tree)} says {status.get('readyReplicas', 0)} ready of {ready}"
            space = self._store("hub").get("namespaces", "", tree["metadata"]["namespace"])
            collides = len(reports) < len(target_keys_wanting(tree))
            if target_keys_wanting(tree) - target_keys_wanting(space):
                continue  # a copy that stays is not updated: it may not have the present state
            if status.get("observedGeneration") != generation and not collides:
                return f"L1: {_name(tree)} has not observed generation {generation}"
        return ""

    def _at_rest(self) -> str:
        """L3, L5, L7: nothing is in progress, all is watched and ready, and all waits will end."""
        engine = self.world.engine
        session = engine.session if engine else None
        if session is None or len(session.shared.targets) < len(TARGETS):
            return "L3: the engine is not connected"
        asked = +self.world.watchdog.under_way
        if asked:
            return f"L3: {next(iter(asked))} waits for an answer"
        hub, targets = session.shared.hub, session.shared.targets.values()
        queues = [
            hub.queue,
            hub.statuses,
            session.shared.stays.queue,
            *(target.queue for target in targets),
        ]
        if not all(queue.is_idle for queue in queues):
            return f"L3: a queue is not empty: {queues}"
        soon = session.context.runtime.now() + SOON_S
        for queue in queues:
            for lane in queue.lanes():
                items = queue.items(lane)
                waiting = [key for key, _, attempts, at in items if attempts and at < soon]
                if waiting:
                    return f"L3: {lane} {waiting[0]} waits to be tried again"
        lost = [one for one in self.world.informers() if one.state.phase is not Phase.WATCHING]
        if lost:
            return f"L3: {lost[0]} does not watch"
        for name in TARGETS:
            conditions = (self._sync_target(name).get("status") or {}).get("conditions") or []
            failing = [one["type"] for one in conditions if one["status"] != "True"]
            if failing or not conditions:
                return f"L5: target {name} is not {failing or 'reported'}"
        asleep = unwoken(session)
        return f"L7: {asleep}" if asleep else ""


def _selects(placement: Json, label: str | None) -> bool:
    return label is not None and placement["spec"]["namespaceSelector"]["matchLabels"] == {
        "app": label
    }


def _name(tree: Json) -> str:
    return f"{tree['metadata']['namespace']}/{tree['metadata']['name']}"
