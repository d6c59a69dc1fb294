"""Orders on a target: pause, cordon, drain, let it delete. Written in the hub's SyncTarget."""

from __future__ import annotations

from typing import Final, assert_never

from tmcconsole.contract.commands import (
    Accepted,
    AllowDeletes,
    CordonTarget,
    DrainTarget,
    PauseTarget,
    ResumeTarget,
    UncordonTarget,
)
from tmcconsole.contract.records import Pause
from tmcconsole.contract.text import SafeText
from tmcconsole.engine.commands.audited_order import Rejected, carry_out
from tmcconsole.engine.commands.drain import plan_drain
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.engine.targets.supervisor import Supervisor
from tmcconsole.kube.objects import CachedObject, Json, ObjectKey
from tmcconsole.placement.api import SYNC_TARGETS, pause_text
from tmcconsole.sync.names.markers import ALLOW_DELETES, LEAVE_ANYWAY, PAUSE
from tmcconsole.sync.names.times import rfc3339

ALLOW_S: Final = 600.0  # how long an operator's command allows deletions

TargetOrder = (
    PauseTarget | ResumeTarget | CordonTarget | UncordonTarget | DrainTarget | AllowDeletes
)


async def order(session: HubSession, supervisor: Supervisor, command: TargetOrder) -> Accepted:
    """Write an order where every replica sees it. Raises ``Rejected``, ``KubeError``."""
    if isinstance(command, DrainTarget):
        _require_confirmed(session, supervisor, command)
    patch, done = _patch_for(command, session.context.runtime.wall())
    await _write(session, supervisor, command, patch)
    if isinstance(command, AllowDeletes | ResumeTarget) and supervisor.target is not None:
        supervisor.target.look_again()
    return Accepted(message=SafeText(f"{command.target} {done}"))


def _require_confirmed(session: HubSession, supervisor: Supervisor, command: DrainTarget) -> None:
    wanted, fix = command.target, "type the target's name to confirm"
    if command.force:
        plan = plan_drain(session, supervisor)
        wanted = f"{command.target} loses {plan.stranded}"
        fix = f"type {wanted!r} to remove what no other target can take"
    if command.confirm != wanted:
        raise Rejected(f"what was typed is {command.confirm!r}, not {wanted!r}", fix)


async def _write(
    session: HubSession, supervisor: Supervisor, command: TargetOrder, patch: Json
) -> None:
    """Announce, patch the SyncTarget, observe the response, and record it in the history."""
    found = supervisor.registration.found()
    if found is None:
        raise Rejected(
            f"the hub has no SyncTarget {supervisor.name}", "run tmc-console init --install"
        )

    async def write() -> CachedObject | None:
        key, uid = ObjectKey("", supervisor.name), found.identity.uid
        return await session.shared.hub.writer.merge_patch(
            SYNC_TARGETS, key, patch, into=session.sources.targets, uid=uid
        )

    await carry_out(
        session.context,
        command,
        write,
        target=supervisor.name,
        uid=found.identity.uid,
        detail=command.confirm if isinstance(command, DrainTarget) and command.force else "",
        message=getattr(command, "why", ""),
    )


def _patch_for(command: TargetOrder, wall: float) -> tuple[Json, str]:
    """Return the SyncTarget's merge patch and how to describe it."""
    match command:
        case PauseTarget():
            pause = Pause(command.until, SafeText(command.actor), SafeText(command.why))
            return {"metadata": {"annotations": {PAUSE: pause_text(pause)}}}, "is paused"
        case ResumeTarget():
            return {"metadata": {"annotations": {PAUSE: None}}}, "is resumed"
        case CordonTarget():
            return {"spec": {"unschedulable": True}}, "is cordoned"
        case UncordonTarget():
            marks: Json = {"annotations": {LEAVE_ANYWAY: None}}
            spec: Json = {"unschedulable": False, "evictAfter": None}
            return {"spec": spec, "metadata": marks}, "is uncordoned"
        case DrainTarget():
            who = (command.actor or "an operator") if command.force else None
            marks = {"annotations": {LEAVE_ANYWAY: who}}
            spec = {"unschedulable": True, "evictAfter": rfc3339(wall)}
            done = "is being emptied" if command.force else "is draining"
            return {"spec": spec, "metadata": marks}, done
        case AllowDeletes():
            until = rfc3339(wall + ALLOW_S)
            return {"metadata": {"annotations": {ALLOW_DELETES: until}}}, "may delete again"
        case _:
            assert_never(command)
