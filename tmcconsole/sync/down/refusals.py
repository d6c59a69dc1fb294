"""What an API server rejected is sent again after a change or a delay, not for an echo.

An event may mean nothing for the desired state: labels for another target, an unrelated Placement.
"""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import ApiError, KubeError
from tmcconsole.sync.down.plan import Create, Step, Update
from tmcconsole.sync.down.reconcile_context import ReconcileContext
from tmcconsole.sync.queue.controller import StillRefused
from tmcconsole.sync.state.ledger import Attempt

WRITES: Final = (Create, Update)


def require_news(context: ReconcileContext, step: Step) -> None:
    """Raise ``StillRefused`` if the step would send what the target has rejected."""
    refused = context.entry.refused
    if refused is None or not isinstance(step, WRITES):
        return
    after_s = refused.until - context.shared.runtime.now()
    if after_s <= 0 or refused.attempt != attempt_of(context):
        context.entry.refused = None
        return
    context.stand(SyncState.REFUSED, refused.reason, refused.message)
    raise StillRefused(after_s)


def attempt_of(context: ReconcileContext) -> Attempt:
    """Return what distinguishes attempts to write: the desired state, and the current copy."""
    copy = context.facts.copy
    return Attempt(context.desired.digest, copy.content_digest if copy else b"")


def remember(context: ReconcileContext, step: Step, error: KubeError) -> None:
    """Record which attempt an API server has answered with an error."""
    if isinstance(error, ApiError) and isinstance(step, WRITES):
        context.entry.tried = attempt_of(context)
