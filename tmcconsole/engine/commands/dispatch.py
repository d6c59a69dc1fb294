"""Carries out operators' commands. Pause, cordon and drain are written in the hub: every replica
and console sees them, and they survive a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import yaml

from tmcconsole.contract.commands import (
    Accepted,
    AdoptDrift,
    AllowDeletes,
    AnyCommand,
    AnyReply,
    CedeField,
    CordonTarget,
    DrainTarget,
    ForgetTarget,
    ListDeadLetters,
    Order,
    PauseTarget,
    PlanDrain,
    PlanForget,
    Refused,
    ResumeTarget,
    Resync,
    RetryDeadLetters,
    RevertDrift,
    ShowCause,
    ShowCopy,
    ShowDiff,
    ShowDrift,
    ShowObject,
    ShowQueue,
    SimFault,
    Text,
    UncordonTarget,
    Why,
)
from tmcconsole.contract.text import SafeBody, SafeText
from tmcconsole.engine.commands.audited_order import Rejected
from tmcconsole.engine.commands.drain import plan_drain
from tmcconsole.engine.commands.drift import adopt, cede, revert, show_drift
from tmcconsole.engine.commands.forget import forget
from tmcconsole.engine.commands.named_object import named_object
from tmcconsole.engine.commands.queues import Post, list_dead, list_queue, retry_dead
from tmcconsole.engine.commands.show_copy import answer_of_copy
from tmcconsole.engine.commands.target_orders import order
from tmcconsole.engine.commands.why import explain, show_difference
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import ObjectKey
from tmcconsole.kube.redact import redact
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.ledger import LANE
from tmcconsole.sync.state.target import Target
from tmcconsole.tmc.history.audit import AuditUnavailable


@dataclass(frozen=True, slots=True)
class Commands:
    """Carries out commands on the engine's loop."""

    session: HubSession
    supervisors: dict[str, Supervisor]
    read_only: bool

    async def carry_out(self, command: AnyCommand) -> AnyReply:
        """Return the reply; a refusal is a reply, not an error."""
        if self.read_only and isinstance(command, Order):
            return Refused(
                reason=SafeText("this engine is read-only"),
                fix=SafeText("start it without --read-only"),
            )
        try:
            return await self._one(command)
        except Rejected as rejected:
            return Refused(reason=SafeText(rejected), fix=SafeText(rejected.fix))
        except AuditUnavailable as error:
            return Refused(
                reason=SafeText(f"the audit log cannot be written: {error}"),
                fix=SafeText("free space or fix the permissions of the state directory"),
            )
        except KubeError as error:
            return Refused(reason=SafeText(error), fix=SafeText("retry when it responds"))

    async def _one(self, command: AnyCommand) -> AnyReply:
        match command:
            case (
                PauseTarget()
                | ResumeTarget()
                | CordonTarget()
                | UncordonTarget()
                | DrainTarget()
                | AllowDeletes()
            ):
                return await order(self.session, self._supervisor(command.target), command)
            case PlanForget() | ForgetTarget():
                return await forget(self.session, self.supervisors, command)
            case Resync():
                return self._resync(command)
            case RetryDeadLetters():
                return self._retry(command)
            case ShowDrift() | AdoptDrift() | RevertDrift() | CedeField():
                return await self._own(command)
            case (
                PlanDrain()
                | ShowQueue()
                | Why()
                | ShowObject()
                | ShowCopy()
                | ShowCause()
                | ShowDiff()
                | ListDeadLetters()
            ):
                return await self._answer(command)
            case SimFault():
                raise Rejected("faults exist on simulated clusters only", "see: demo")
            case _:
                assert_never(command)

    async def _answer(
        self,
        command: PlanDrain
        | ShowQueue
        | Why
        | ShowObject
        | ShowCopy
        | ShowCause
        | ShowDiff
        | ListDeadLetters,
    ) -> AnyReply:
        match command:
            case ListDeadLetters():
                return list_dead(self._queues(command.target), self.session.context.runtime)
            case PlanDrain():
                return plan_drain(self.session, self._supervisor(command.target))
            case ShowQueue():
                return self._queue(command)
            case Why():
                named = named_object(self.session, self.supervisors, command.key)
                body = await explain(self.session, self.supervisors, named)
                return Text(title=SafeText(f"why {command.key}"), body=body)
            case ShowObject():
                return self._show(command)
            case ShowCopy() | ShowCause():
                supervisor, item = self._supervisor(command.target), self._item(command.key)
                return await answer_of_copy(self.session, supervisor, item, command)
            case ShowDiff():
                return self._diff(command)
            case _:
                assert_never(command)

    async def _own(self, command: ShowDrift | AdoptDrift | RevertDrift | CedeField) -> AnyReply:
        item = self._item(command.key)
        match command:
            case ShowDrift():
                return show_drift(self._targets(command.target), item)
            case AdoptDrift():
                return await adopt(self.session, self._connected(command.target), item, command)
            case RevertDrift():
                return await revert(self.session, self._connected(command.target), item, command)
            case CedeField():
                return await cede(self.session, self._targets(""), item, command)
            case _:
                assert_never(command)

    def _targets(self, name: str) -> list[Target]:
        """Return the target with that name, or all that have been connected."""
        if name:
            return [self._connected(name)]
        found = [self.supervisors[name].target for name in sorted(self.supervisors)]
        return [target for target in found if target is not None]

    def _connected(self, name: str) -> Target:
        target = self._supervisor(name).target
        if target is None:
            raise Rejected(f"{name} has not been connected yet")
        return target

    def _resync(self, command: Resync) -> AnyReply:
        names = [command.target] if command.target else sorted(self.supervisors)
        wanted = self._item(command.key) if command.key else None
        count = 0
        for name in names:
            target = self._supervisor(name).target
            if target is None:
                continue
            if command.relist:
                for watched in target.kinds.values():
                    watched.informer.request_relist()
            for kind, key, entry in list(target.ledger.entries()):
                if wanted is None or wanted == Item(kind, key):
                    entry.settled = entry.refused = None
                    target.queue.add(kind, key)
                    count += 1
        where = command.target or "all targets"
        return Accepted(message=SafeText(f"reconciling {count} copies on {where}"))

    def _queue(self, command: ShowQueue) -> AnyReply:
        if command.target == "hub":
            post = Post("hub", self.session.shared.hub.queue)
        else:
            target = self._connected(command.target)
            post = Post(command.target, target.queue, target.ledger)
        return list_queue(post, command.kind, self.session.context.runtime)

    def _retry(self, command: RetryDeadLetters) -> AnyReply:
        item = self._item(command.key) if command.key else None
        count = retry_dead(self._queues(command.target), item)
        if item is not None and not count:
            raise Rejected(
                f"{command.key} is no dead letter on {command.target or 'any target'}",
                "list them first; use resync for any other object",
            )
        return Accepted(message=SafeText(f"retrying {count} dead letters"))

    def _queues(self, target: str) -> list[Post]:
        """Return the queues of one target, or of the hub and all targets."""
        hub = self.session.shared.hub
        posts = [Post("hub", hub.queue), Post("hub", hub.statuses)]
        if target not in ("", "hub"):
            posts = []
        names = [] if target == "hub" else [target] if target else sorted(self.supervisors)
        found = [(name, self._supervisor(name).target) for name in names]
        return posts + [Post(name, one.queue, one.ledger) for name, one in found if one]

    def _show(self, command: ShowObject) -> AnyReply:
        item = self._item(command.key)
        session = self.session
        cached = session.shared.hub.cached(*item) or session.upsyncing.cached(*item)
        if command.target:
            target = self._supervisor(command.target).target
            cached = (
                target.copy_of(*item) or session.upsyncing.below(target.key, item)
                if target
                else None
            )
        where = command.target or "the hub"
        if cached is None:
            raise Rejected(f"{command.key} is not known on {where}")
        body = yaml.safe_dump(redact(cached.decode()), sort_keys=False, allow_unicode=True)
        title = SafeText(f"{command.key} on {where}")
        return Text(title=title, body=SafeBody(body))

    def _diff(self, command: ShowDiff) -> AnyReply:
        item, target = self._item(command.key), self._supervisor(command.target).target
        if target is None:
            raise Rejected(f"{command.target} has not been connected yet")
        if item.lane not in target.kinds:
            raise Rejected(f"{item.lane} is not synced with {command.target} at the moment")
        if self.session.shared.hub.cached(*item) is None and target.copy_of(*item) is None:
            raise Rejected(f"{command.key} is neither in the hub nor on {command.target}")
        body = show_difference(self.session, target, item)
        return Text(title=SafeText(f"{command.key} on {command.target}"), body=body)

    def _supervisor(self, name: str) -> Supervisor:
        found = self.supervisors.get(name)
        if found is None:
            known = ", ".join(sorted(self.supervisors))
            raise Rejected(f"there is no target {name!r}", f"known targets: {known}")
        return found

    def _item(self, key: str) -> Item:
        lane, _, rest = key.partition("/")
        namespace, slash, name = rest.partition("/")
        if not slash and rest and self._is_cluster_scoped(lane):
            return Item(lane, ObjectKey("", rest))
        if not slash:
            raise Rejected(f"{key!r} is not resource/namespace/name")
        return Item(lane, ObjectKey(namespace, name))

    def _is_cluster_scoped(self, lane: str) -> bool:
        up = self.session.upsyncing.kinds.get(lane.removeprefix(LANE))
        watched = up if lane.startswith(LANE) else self.session.shared.hub.kinds.get(lane)
        return watched is not None and not watched.kind.namespaced
