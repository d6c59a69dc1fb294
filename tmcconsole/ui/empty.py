"""Why a table is empty: loading, no rows, not allowed, or out of reach. Never just blank."""

from __future__ import annotations

from tmcconsole.ui.session import Session
from tmcconsole.ui.style.ink import BLANK, Runs, ink
from tmcconsole.ui.view import View

_HINTS = {
    "target": "create a SyncTarget in the hub, or run: tmc-console init",
    "object": "a Placement selects namespaces; their objects appear here",
    "queue": "queues appear with the first synced kind",
    "entry": "errors, recoveries and actions will be listed here",
    "problem": "nothing needs attention",
    "key": "no keys are waiting, and none has failed for good",
    "dead letter": "nothing was refused, and nothing has failed too often",
    "field": "no one has changed a field of its copies since the engine started",
    "node": "health appears with the first target",
}
_ANSWERS = (
    "problem",
    "key",
    "dead letter",
    "field",
)  # lists that are complete even without the hub
_DENIED = ("forbidden", "unauthorized", "denied", "credentials", "expired")


def empty_lines(session: Session, view: View) -> tuple[Runs, ...]:
    """Return the headline and the hint for a table without rows."""
    headline, tone, hint = _reason(session, view)
    return (ink(headline, tone), BLANK, ink(hint, "dim"))


def _reason(session: Session, view: View) -> tuple[str, str, str]:
    noun = view.listing.noun
    if session.lost:
        return "Out of reach: the engine is gone", "failed", session.lost
    if session.link is None:
        return "Starting engine…", "pending", "the first rows come with its first snapshot"
    if not session.mirror.loaded:
        return "Loading: waiting for the engine's first snapshot", "pending", "nothing is known yet"
    if view.total:
        return _hidden(view)
    engine = session.mirror.engine
    if engine is not None and not engine.hub_connected and noun not in _ANSWERS:
        why = engine.hub_reason or "no answer yet"
        if any(word in why.lower() for word in _DENIED):
            return "Denied: the hub does not allow listing", "failed", why
        if not engine.hub_since:
            return "Loading: connecting to the hub", "pending", why
        return "Out of reach: the hub does not respond", "failed", why
    return f"No {view.listing.many}", "dim", _HINTS.get(noun, "")


def _hidden(view: View) -> tuple[str, str, str]:
    if view.filter.terms:
        return (
            f"No match among {view.total:,}", "dim",
            f"filter: {view.filter.source}   Esc clears it",
        )  # fmt: skip
    return f"No problem among {view.total:,}", "synced", "! shows all rows"
