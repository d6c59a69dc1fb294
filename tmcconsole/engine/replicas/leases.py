"""Keeps this replica's Leases in the hub: reads, renews, takes, hands over, gives up.

One Lease for each SyncTarget and one for the hub say who does the work; one for each replica says
that it is alive and what it could do. There is no other coordination.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from tmcconsole.backoff import Backoff
from tmcconsole.engine.connection.connect import SetupError
from tmcconsole.engine.connection.probe import Probe
from tmcconsole.engine.replicas.election import (
    ElectionState,
    ElectionStep,
    ObservedLease,
    Replica,
    better,
    decide,
    lease_name,
    rank,
    replica_name,
)
from tmcconsole.engine.replicas.fence import Holds
from tmcconsole.engine.replicas.lease_form import (
    LEASES,
    freed,
    new_lease,
    patch_of,
    renewed,
    serves_text,
    taken,
)
from tmcconsole.engine.replicas.lease_view import LeaseView
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import Conflict, Forbidden, KubeError, NotFound
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.runtime import Runtime, spawn
from tmcconsole.sync.assignment.duties import HUB
from tmcconsole.sync.names.markers import LEASE, LEASE_OF, LEASE_SERVES, LEASE_TARGET, MANAGER

log = logging.getLogger(__name__)

AT_ONCE: Final = 16  # parallel requests about Leases
RELEASE_S: Final = 2.0  # at the end of the process; who waits longer takes over by the clock
QUIET_LOOK_S: Final = 0.05
IDLE_S: Final = 30.0  # at most, between two looks while the hub refuses or garbles them
BURY_AFTER: Final = 10  # lease durations after which a dead replica's own Lease is removed

Work = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Leases:
    """Owns what is known of the Leases. ``client`` bypasses the fence."""

    client: Client
    runtime: Runtime
    me: str
    namespace: str
    holds: Holds
    titles: Mapping[str, str]  # the duties this replica competes for; for targets, their names
    is_ready: Callable[[str], bool]
    probe: Probe  # the hub's
    problem: SetupError | None = None  # the hub denies Leases: an operator has to act
    view: LeaseView = field(init=False)
    _better: dict[str, tuple[str, float]] = field(default_factory=dict)  # (who, since)
    _failed_looks: int = 0  # in a row
    _presence_at: float | None = None
    _told: tuple[frozenset[str], frozenset[str], bool] = (frozenset(), frozenset(), False)
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _looked: anyio.Event = field(default_factory=anyio.Event)
    _limiter: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(AT_ONCE))

    def __post_init__(self) -> None:
        self.view = LeaseView(self.me, self.runtime.now)

    async def run(self) -> None:
        """Keep the Leases until cancelled."""
        while True:
            await self._round()
            self._looked.set()
            if self._is_idle and not self.probe.is_up:
                await self.probe.wait_up()  # nothing to lose: the probe asks often enough
            else:
                await self.runtime.sleep(self._pause())

    async def wait_looked(self) -> None:
        """Return once it has tried to read and take Leases."""
        await self._looked.wait()

    async def wait_change(self, at_most_s: float) -> None:
        """Return when a duty was gained or lost, or after a while."""
        with anyio.move_on_after(at_most_s):
            await self._changed.wait()

    def is_ours(self, duty: str) -> bool:
        """True until our renew deadline."""
        return self.holds.holds(duty)

    def is_held(self, duty: str) -> bool:
        """True if a replica holds the duty, or may before the hub's holder notices."""
        view = self.view
        if view.known_since < 0 or self.holds.holds(duty) or view.holder_of(duty):
            return True
        seen = view.of(duty)
        since = max(view.known_since, seen.free_since() if seen else view.known_since)
        return self.runtime.now() - since < self.holds.timing.lease_s

    async def cancel(self, key: str) -> None:
        """Remove the Lease of a forgotten target. Raises ``KubeError``."""
        await self._bury(lease_name(key))

    async def release(self) -> None:
        """Give up all Leases, so that others need not wait. The work must have ended."""
        held = [duty for duty in self.titles if self.holds.renewed_at(duty) is not None]
        for duty in held:
            self.holds.resign(duty)
        with anyio.move_on_after(RELEASE_S):
            await self._all([partial(self._free, duty) for duty in held] + [self._leave])

    @property
    def _is_idle(self) -> bool:
        """True if the hub does not respond and no Lease is ours any more."""
        return self._failed_looks > 1 and not any(map(self.holds.holds, self.titles))

    # One round

    async def _round(self) -> None:
        self._enforce()
        problem, self.problem = self.problem, None
        due = [duty for duty in self.titles if self._step(duty) is ElectionStep.RENEW]
        work = [] if self._is_idle else [self._be_present, *(self._renewal(d) for d in due)]
        results = await self._all([self._look, *work])
        self._failed_looks = 0 if results[0] else self._failed_looks + 1
        if results[0]:
            await self._move()
        elif self.problem is None:
            self.problem = problem  # nothing new is known
        self._enforce()
        self._tell()

    async def _move(self) -> None:
        """After a fresh read: take the Leases that should be ours, hand over the others."""
        self._compare()
        work: list[Work] = []
        for duty in self.titles:
            step = self._step(duty)
            if step is ElectionStep.TAKE:
                work.append(partial(self._take, duty))
            elif step is ElectionStep.RENEW and self.holds.renewed_at(duty) is None:
                work.append(self._renewal(duty))
            elif step is ElectionStep.HAND_OVER:
                work.append(partial(self._hand_over, duty))
        if self.holds.holds(HUB):
            long_ago = self.runtime.now() - BURY_AFTER * self.holds.timing.lease_s
            work += [partial(self._bury, name) for name in self.view.dead_replicas(long_ago)]
        await self._all(work)

    async def _all(self, work: list[Work]) -> list[bool]:
        """Do all in parallel; return which succeeded."""
        results = [False] * len(work)

        async def one(number: int) -> None:
            async with self._limiter:
                results[number] = await self._tried(work[number])

        async with anyio.create_task_group() as group:
            for number in range(len(work)):
                spawn(group, one, number, name="lease")
        return results

    async def _tried(self, work: Work) -> bool:
        with anyio.move_on_after(self.holds.timing.renew_after_s):
            try:
                await work()
                return True
            except KubeError as error:
                self.note(error)
        return False

    def note(self, error: KubeError) -> None:
        """Record a failure; one that an operator must fix becomes the problem."""
        log.debug("a Lease could not be kept: %s", error)
        where = f"leases.coordination.k8s.io in namespace {self.namespace} of the hub"
        if isinstance(error, Forbidden):
            self.problem = SetupError(
                "LeaseForbidden",
                f"our account may not use {where}: grant get, list, create, patch and delete, or "
                f"set sync.leases = false where only one replica ever runs ({error})",
            )
        elif isinstance(error, NotFound):
            self.problem = SetupError(
                "LeasesMissing",
                f"the hub has no {where}: create the namespace, or name another one with "
                f"sync.lease_namespace ({error})",
            )

    # Looking

    async def _look(self) -> None:
        found: list[CachedObject] = []
        version = ""
        pages = self.client.list_pages(LEASES, namespace=self.namespace, label_selector=LEASE)
        async for page in pages:
            version = version or page.resource_version
            found += page.items
        self.view.take_list(found, version)

    def _enforce(self) -> None:
        """End what is no longer ours, including writes in flight."""
        for duty in self.titles:
            if self.holds.renewed_at(duty) is None:
                continue
            if not self.view.is_mine(duty):
                self.holds.lose(duty)
            elif not self.holds.holds(duty):
                self.holds.resign(duty)

    def _compare(self) -> None:
        now = self.runtime.now()
        for duty in self.titles:
            who = better(duty, self.me, self._replicas())
            if self._better.get(duty, ("", 0.0))[0] != who:
                self._better[duty] = (who, now)

    def _replicas(self) -> list[Replica]:
        return self.view.replicas(self._serves())

    def _serves(self) -> dict[str, bool]:
        return {duty: self.is_ready(duty) for duty in self.titles}

    def _step(self, duty: str) -> ElectionStep:
        who, since = self._better.get(duty, ("", 0.0))
        case = ElectionState(
            me=self.me,
            seen=self.view.of(duty),
            known_since=self.view.known_since,
            renewed_at=self.holds.renewed_at(duty),
            ranked=rank(duty, self._replicas()),
            better_since=since if who else None,
        )
        return decide(case, self.runtime.now(), self.holds.timing)

    # Writing

    def _renewal(self, duty: str) -> Work:
        return partial(self._renew, duty)

    async def _renew(self, duty: str) -> None:
        seen = self.view.of(duty)
        assert seen is not None
        again = self.holds.renewed_at(duty) is None
        wall = self.runtime.wall()
        spec = taken(self.me, seen, self.holds.timing.lease_s, wall) if again else renewed(wall)
        await self._write(duty, seen, spec)

    async def _take(self, duty: str) -> None:
        name = lease_name(duty)
        seen = self.view.of(duty)
        spec = taken(self.me, seen, self.holds.timing.lease_s, self.runtime.wall())
        if seen is not None and seen.uid:
            await self._write(duty, seen, spec)
            return
        role = HUB if duty == HUB else "target"
        notes = {LEASE_OF: duty} | ({LEASE_TARGET: self.titles[duty]} if duty != HUB else {})
        sent_at = self.runtime.now()
        if await self._create(new_lease(name, self.namespace, role=role, notes=notes, spec=spec)):
            self.holds.renewed(duty, sent_at)

    async def _write(self, duty: str, seen: ObservedLease, spec: Json) -> None:
        """Create or renew our Lease, unless somebody else has written it since."""
        sent_at = self.runtime.now()
        if await self._patch(lease_name(duty), patch_of(seen, spec)):
            self.holds.renewed(duty, sent_at)

    async def _create(self, tree: Json) -> bool:
        name: str = tree["metadata"]["name"]
        try:
            created = await self.client.create(LEASES, tree, manager=MANAGER)
        except Conflict:  # somebody was faster
            self.view.observe(await self.client.get(LEASES, self._key(name)))
            return False
        self.view.observe(created)
        return True

    async def _patch(self, name: str, patch: Json) -> bool:
        try:
            written = await self.client.merge_patch(LEASES, self._key(name), patch, manager=MANAGER)
        except Conflict:
            self.view.observe(await self.client.get(LEASES, self._key(name)))
            return False
        except NotFound:
            self.view.bury(name)
            return False
        self.view.observe(written)
        return True

    async def _hand_over(self, duty: str) -> None:
        """Stop first, then say so: two replicas never write."""
        self.holds.resign(duty)
        self._tell()
        while not self.holds.is_quiet(duty):
            await self.runtime.sleep(QUIET_LOOK_S)
        log.info("handing %s over to %s", self.titles[duty], self._better[duty][0])
        await self._free(duty)

    async def _free(self, duty: str) -> None:
        seen = self.view.of(duty)
        if seen is not None and self.view.is_mine(duty):
            await self._patch(lease_name(duty), patch_of(seen, freed(self.runtime.wall())))

    # This replica's own

    async def _be_present(self) -> None:
        name, serves, now = replica_name(self.me), self._serves(), self.runtime.now()
        seen, timing = self.view.named(name), self.holds.timing
        fresh = self._presence_at is not None and now - self._presence_at < timing.renew_after_s
        if fresh and seen is not None and seen.uid and seen.serves == serves:
            return
        notes = {LEASE_SERVES: serves_text(serves), LEASE_OF: self.me}
        spec = taken(self.me, seen, timing.lease_s, self.runtime.wall())
        if seen is not None and seen.uid:
            done = await self._patch(name, patch_of(seen, spec, notes))
        else:
            done = await self._create(
                new_lease(name, self.namespace, role="replica", notes=notes, spec=spec)
            )
        if done:
            self._presence_at = now

    async def _leave(self) -> None:
        await self._bury(replica_name(self.me))

    async def _bury(self, name: str) -> None:
        seen = self.view.named(name)
        if seen is None or not seen.uid:
            return
        version = seen.resource_version
        try:
            await self.client.delete(
                LEASES, self._key(name), uid=seen.uid, resource_version=version
            )
        except (Conflict, NotFound):
            return  # it is alive, or gone

    def _key(self, name: str) -> ObjectKey:
        return ObjectKey(self.namespace, name)

    # Telling

    def _pause(self) -> float:
        """Return seconds to the next round: soon if another's Lease is about to expire."""
        retry_s, rng = self.holds.timing.retry_s, self.runtime.rng
        if self._is_idle:
            return Backoff(2 * retry_s, IDLE_S, least=0.9).delay(self._failed_looks, rng)
        pause = retry_s * rng.uniform(0.9, 1.0)
        now = self.runtime.now()
        for duty in self.titles:
            seen = self.view.of(duty)
            if seen is not None and seen.holder != self.me and seen.is_live(now):
                pause = min(pause, max(0.05, seen.free_since() - now))
        return pause

    def _tell(self) -> None:
        held = frozenset(duty for duty in self.titles if self.holds.holds(duty))
        idle = frozenset(duty for duty in self.titles if not self.is_held(duty))
        now = (held, idle, self.problem is not None)
        if now != self._told:
            self._told = now
            changed, self._changed = self._changed, anyio.Event()
            changed.set()
