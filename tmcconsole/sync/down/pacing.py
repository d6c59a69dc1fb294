"""When a change is written: at once, once per interval, or when the object has been quiet."""

from __future__ import annotations

from tmcconsole.config.settings import BATCHED, DELAYED, IMMEDIATE, SyncSettings
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.down.plan import Create, Step, Update
from tmcconsole.sync.down.reconcile_context import ReconcileContext
from tmcconsole.sync.names.markers import POLICY


def policy_of(source: Json, settings: SyncSettings) -> str:
    """Return immediate, batched or delayed: the object's own valid setting, else the configured
    one.
    """
    word = annotations_of(source).get(POLICY, "")
    return word if word in (IMMEDIATE, BATCHED, DELAYED) else settings.policy


def wait_s(
    policy: str, settings: SyncSettings, now: float, written_at: float, changed_at: float
) -> float:
    """Return the seconds until a change may be written, 0.0 or less for now.

    ``written_at``: the last write of a change, 0 without one; ``changed_at``: when the newest
    change was first seen. Times are monotonic seconds.
    """
    if policy == BATCHED and written_at:
        return written_at + settings.batch_interval_s - now
    if policy == DELAYED:
        return changed_at + settings.delay_s - now
    return 0.0


def pace(context: ReconcileContext, step: Step) -> float | None:
    """Return the seconds that a change has to wait, None if it may be written.

    Deletions and reverts do not wait.
    """
    source = context.facts.source
    is_change = isinstance(step, Create) or (isinstance(step, Update) and not step.drift)
    if source is None or not is_change:
        return None
    entry, now = context.entry, context.shared.runtime.now()
    if entry.newest[0] != context.facts.source_digest:
        entry.newest = (context.facts.source_digest, now)
    policy = policy_of(source, context.shared.settings)
    wait = wait_s(policy, context.shared.settings, now, entry.paced_at, entry.newest[1])
    if wait > 0:
        reason = "Batched" if policy == BATCHED else "Delayed"
        context.stand(SyncState.PENDING, reason, f"{POLICY} is {policy}: it waits to be written")
        return wait
    entry.paced_at = now
    return None
