"""Forgetting a cluster that is gone for good: only on an operator's command, and audited.

Hub objects are released from it; nothing is sent to the cluster. An interrupted run is completed by
repeating the command: each object is checked again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import anyio

from tmcconsole.contract.commands import (
    AnyReply,
    ForgetPlan,
    ForgetTarget,
    KindCount,
    PlanForget,
    Refused,
)
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.errors import Conflict, Forbidden, KubeError, NotFound
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Json, Kind, ObjectKey
from tmcconsole.placement.api import SYNC_TARGETS, SyncTarget, read_sync_target
from tmcconsole.sync.assignment.forget_marks import plan_forget
from tmcconsole.sync.deletion.delete_gate import close_audit
from tmcconsole.sync.names.identity import target_key
from tmcconsole.sync.names.times import rfc3339

AT_MOST_S: Final = 45.0  # for one command, less than the caller waits; then it must be repeated
SETTLE_S: Final = 2.0  # another replica may restore a label from its cache: another pass removes it
_NEEDED: Final = frozenset({"list", "patch"})


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One command, or the question what it would do."""

    session: HubSession
    supervisors: Mapping[str, Supervisor]
    target: str  # a SyncTarget's name, or the key of one that is gone

    async def plan(self) -> AnyReply:
        """Return what would be released."""
        found = await self._sync_target()
        counts = await self._walk(self._key(found), write=False)
        return self._reply(found, counts, self._refusal(found))

    async def carry_out(self, command: ForgetTarget) -> AnyReply:
        """Release everything; return what was released."""
        found = await self._sync_target()
        refusal = self._refusal(found)
        if command.confirm != command.target:
            refusal = f"the name typed is {command.confirm!r}, not {command.target!r}"
        if refusal:
            return Refused(reason=SafeText(refusal), fix=SafeText(_fix(refusal)))
        context, key = self.session.context, self._key(found)
        uid = found.identity.uid if found else ""
        ticket = await context.audit.before(
            "ForgetTarget", actor=command.actor, target=self.target, subject="", uid=uid, detail=key
        )
        outcome = "failed"
        try:
            if found is not None:
                await self._empty(found)
            counts = await self._walk(key, write=True)
            outcome = f"released {counts.total()}"
        finally:
            await close_audit(context.audit, ticket, outcome)
        wall, told = context.runtime.wall(), f"{outcome} objects of key {key}"
        context.history.record(
            "action",
            "ForgetTarget",
            at=wall,
            target=self.target,
            actor=command.actor,
            message=told,
        )
        return self._reply(found, counts, "")

    def _reply(self, found: SyncTarget | None, counts: Counter[str], refusal: str) -> ForgetPlan:
        kinds = tuple(KindCount(SafeText(kind), counts[kind]) for kind in sorted(counts))
        return ForgetPlan(
            target=SafeText(self.target),
            target_key=self._key(found),
            kinds=kinds,
            refusal=SafeText(refusal),
        )

    def _key(self, found: SyncTarget | None) -> str:
        if found is not None:
            return found.key
        is_name = self.target in self.supervisors or len(self.target) < 36
        cluster = self.session.identity.cluster
        return target_key(cluster, self.target) if is_name else self.target

    async def _sync_target(self) -> SyncTarget | None:
        """Read the SyncTarget from the hub, by name or by key."""
        cluster = self.session.identity.cluster
        async with aclosing(self.session.client.list_pages(SYNC_TARGETS)) as pages:
            async for page in pages:
                for cached in page.items:
                    read = read_sync_target(cached.decode(), cluster)
                    if self.target in (read.name, read.key):
                        return read
        return None

    def _refusal(self, found: SyncTarget | None) -> str:
        """Return why it must not be forgotten, "" if it may."""
        if found is None:
            return ""
        supervisor = self.supervisors.get(found.name)
        if supervisor is not None and supervisor.standing.is_connected:
            return f"{found.name} responds: drain it instead, which also removes its copies"
        if supervisor is None and found.ready:
            return f"{found.name} is ready, served by another engine"
        return ""

    async def _empty(self, found: SyncTarget) -> None:
        """Make sure that nothing is placed there again while its SyncTarget exists."""
        wall = self.session.context.runtime.wall()
        spec = {"unschedulable": True, "evictAfter": rfc3339(wall)}
        await self.session.shared.hub.writer.merge_patch(
            SYNC_TARGETS,
            ObjectKey("", found.name),
            {"spec": spec},
            into=self.session.sources.targets,
            uid=found.identity.uid,
        )

    async def _walk(self, key: str, *, write: bool) -> Counter[str]:
        """Check every object of every kind; namespaces first, since objects follow them."""
        done: set[tuple[str, ObjectKey]] = set()
        with anyio.move_on_after(AT_MOST_S):
            while True:
                before = len(done)
                is_clean = await self._pass(key, done, write=write)
                if not write or (is_clean and len(done) == before):
                    break
                await self.session.context.runtime.sleep(SETTLE_S)
        return Counter(kind for kind, _ in done)

    async def _pass(self, key: str, done: set[tuple[str, ObjectKey]], *, write: bool) -> bool:
        """Check everything once; return whether nothing was found."""
        is_clean = True
        for kind in self._kinds():
            async with aclosing(self._marked(kind, key)) as marked:
                async for cached, patch in marked:
                    is_clean = False
                    if not write or await self._release(kind, cached, patch):
                        done.add((kind.id, cached.key))
        return is_clean

    def _kinds(self) -> list[Kind]:
        kinds = [kind for kind in self.session.discovery.preferred() if kind.verbs >= _NEEDED]
        return sorted(kinds, key=lambda kind: (kind.id != NAMESPACES.id, kind.id))

    async def _marked(
        self, kind: Kind, key: str
    ) -> AsyncGenerator[tuple[CachedObject, Json], None]:
        try:
            async with aclosing(self.session.client.list_pages(kind)) as pages:
                async for page in pages:
                    for cached in page.items:
                        if key.encode() not in cached.raw:
                            continue
                        patch = plan_forget(cached.decode(), key)
                        if patch is not None:
                            yield cached, patch
        except (Forbidden, NotFound):
            return  # we may not read it: then it has none of our finalizers

    async def _release(self, kind: Kind, cached: CachedObject, patch: Json) -> bool:
        hub = self.session.shared.hub
        watched = hub.kinds.get(kind.id)
        informer = watched.informer if watched else None
        informer = hub.namespaces if kind.id == NAMESPACES.id else informer
        try:
            released = await hub.writer.merge_patch(kind, cached.key, patch, into=informer)
        except (Conflict, NotFound):
            return False  # it changed meanwhile, or its kind is away: the next order looks again
        return released is not None


async def forget(
    session: HubSession, supervisors: Mapping[str, Supervisor], command: PlanForget | ForgetTarget
) -> AnyReply:
    """Answer the question, or carry out the command. Raises ``KubeError``."""
    forgetting = Forgetting(session, supervisors, command.target)
    if isinstance(command, PlanForget):
        return await forgetting.plan()
    reply = await forgetting.carry_out(command)
    if isinstance(reply, ForgetPlan) and session.leases is not None:
        try:
            await session.leases.cancel(reply.target_key)
        except KubeError as error:
            session.leases.note(error)
    return reply


def _fix(refusal: str) -> str:
    if refusal.startswith("the name typed"):
        return "type the target's name to confirm"
    return "forget only clusters that no longer respond, or whose SyncTarget is gone"
