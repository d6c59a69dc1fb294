"""What an API server has refused is sent again when it is another wish, or time; not for an echo.

An object's event may say nothing new of the wish: another target's marks, a Placement of others.
"""

from __future__ import annotations

from typing import Final

from tmcconsole.contract.records import SyncState
from tmcconsole.kube.errors import ApiError, KubeError
from tmcconsole.sync.down.plan import Create, Step, Update
from tmcconsole.sync.down.reconcile_context import Turn
from tmcconsole.sync.queue.controller import StillRefused
from tmcconsole.sync.state.ledger import Attempt

WRITES: Final = (Create, Update)


def require_news(turn: Turn, step: Step) -> None:
    """Raise ``StillRefused`` where the step would send what the target has refused."""
    refused = turn.entry.refused
    if refused is None or not isinstance(step, WRITES):
        return
    after_s = refused.until - turn.world.runtime.now()
    if after_s <= 0 or refused.attempt != attempt_of(turn):
        turn.entry.refused = None
        return
    turn.stand(SyncState.REFUSED, refused.reason, refused.message)
    raise StillRefused(after_s)


def attempt_of(turn: Turn) -> Attempt:
    """Return what tells one attempt to write from another: the wish, and what is there."""
    copy = turn.facts.copy
    return Attempt(turn.desired.digest, copy.content_digest if copy else b"")


def remember(turn: Turn, step: Step, error: KubeError) -> None:
    """Note which attempt an API server has answered with an error."""
    if isinstance(error, ApiError) and isinstance(step, WRITES):
        turn.entry.tried = attempt_of(turn)
