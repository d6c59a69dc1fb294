"""Whether what waits will be checked again: a standing that nothing wakes waits for ever.

If nothing is paused and all is connected, whatever is not in sync is in a queue with its time.
"""

from __future__ import annotations

from tmcconsole.contract.records import SyncState
from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.sync.state.target import Target


def unwoken(session: HubSession) -> str:
    """Return an object that nothing will wake, or ""."""
    found = (_unwoken(target) for target in session.shared.targets.values())
    return next(filter(None, found), "")


def _unwoken(target: Target) -> str:
    due = {lane: {key for key, *_ in target.queue.items(lane)} for lane in target.queue.lanes()}
    for kind, key, entry in target.ledger.entries():
        standing = entry.standing
        if standing.state is not SyncState.IN_SYNC and key not in due.get(kind, ()):
            told = f"{standing.state} {standing.reason}"
            return f"{kind} {key} on {target.name} is {told}, and nothing wakes it"
    return ""
