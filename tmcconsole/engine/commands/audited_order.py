"""A person's order: announced in the audit log, carried out, and recorded in the history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tmcconsole.contract.commands import Order
from tmcconsole.engine.hub.hub_session import EngineContext
from tmcconsole.kube.objects import CachedObject
from tmcconsole.sync.deletion.delete_gate import close_audit


class Rejected(Exception):
    """The command cannot be carried out; the fix says what would help."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.fix = fix


async def carry_out(
    context: EngineContext,
    command: Order,
    write: Callable[[], Awaitable[CachedObject | None]] | None,
    *,
    target: str,
    subject: str = "",
    uid: str,
    detail: str,
    message: str,
) -> None:
    """Announce an order, write it to the hub if there is anything to write, and record it.

    Raises ``Rejected`` if its object has been deleted, ``AuditUnavailable`` and ``KubeError``.
    """
    action = type(command).__name__
    ticket = await context.audit.before(
        action, actor=command.actor, target=target, subject=subject, uid=uid, detail=detail
    )
    outcome = "failed"
    try:
        if write is not None and await write() is None:
            what = subject or f"the SyncTarget {target}"
            raise Rejected(f"{what} was deleted in the hub meanwhile")
        outcome = "accepted"
    finally:
        await close_audit(context.audit, ticket, outcome)
    context.history.record(
        "action",
        action,
        at=context.runtime.wall(),
        target=target,
        subject=subject,
        message=message,
        actor=command.actor,
    )
