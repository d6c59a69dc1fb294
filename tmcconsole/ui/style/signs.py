"""How each state looks: a glyph, a word and a tone, always all three."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tmcconsole.contract.records import (
    Cell,
    EngineRecord,
    Health,
    HistoryRecord,
    KindState,
    SyncState,
    TargetRecord,
    TargetState,
)
from tmcconsole.ui.mirror import is_ailing
from tmcconsole.ui.style.ink import Run, Runs


@dataclass(frozen=True, slots=True)
class Sign:
    """One state's appearance. ``rank`` orders by urgency, 0 is the most urgent."""

    glyph: str
    ascii: str
    word: str
    tone: str
    rank: int


class SignsByState(dict[StrEnum, Sign]):
    """Signs by state; an unknown state is shown by its own word instead of failing."""

    def __missing__(self, state: StrEnum) -> Sign:
        """Return a sign of doubt with the state's word."""
        return Sign(glyph="◌", ascii="?", word=str(state).lower(), tone="stale", rank=4)


SYNC: Final = SignsByState({
    SyncState.FAILED: Sign("✗", "x", "failed", "failed", 0),
    SyncState.COLLISION: Sign("‡", "!", "collision", "failed", 1),
    SyncState.REFUSED: Sign("⊘", "%", "refused", "failed", 2),
    SyncState.DRIFTED: Sign("≠", "#", "drifted", "drift", 3),
    SyncState.STALE: Sign("◌", "?", "stale", "stale", 5),
    SyncState.HELD: Sign("‖", "=", "held", "paused", 6),
    SyncState.DELETING: Sign("⊖", "-", "deleting", "pending", 8),
    SyncState.PENDING: Sign("◐", "~", "pending", "pending", 9),
    SyncState.IN_SYNC: Sign("●", "+", "in sync", "synced", 10),
})  # fmt: skip

# In sync but not healthy: between the states above.
_AILING: Final = {
    Health.UNHEALTHY: Sign("✗", "x", "unhealthy", "failed", 4),
    Health.DEGRADED: Sign("▲", "!", "degraded", "drift", 7),
}

HEALTH: Final = SignsByState({
    Health.UNHEALTHY: Sign("✗", "x", "unhealthy", "failed", 0),
    Health.DEGRADED: Sign("▲", "!", "degraded", "drift", 1),
    Health.UNKNOWN: Sign("◌", "?", "unknown", "stale", 2),
    Health.HEALTHY: Sign("●", "+", "healthy", "synced", 3),
})  # fmt: skip

KIND: Final = SignsByState({
    KindState.INCOMPATIBLE: Sign("✗", "x", "incompatible", "failed", 0),
    KindState.UNAUTHORIZED: Sign("⊘", "%", "no rights", "failed", 1),
    KindState.GONE: Sign("▲", "!", "gone", "drift", 2),
    KindState.PENDING: Sign("◐", "~", "pending", "pending", 3),
    KindState.REFUSED: Sign("⊘", "%", "refused", "dim", 5),  # excluded by policy: no news
    KindState.ACCEPTED: Sign("●", "+", "accepted", "synced", 6),
})  # fmt: skip

UNPLACED: Final = Sign("▲", "!", "no target", "drift", 4)  # a Placement that chose none

# What happened to a field that somebody else changed.
_OUTCOME: Final = {
    "Fight": Sign("✗", "x", "fight", "failed", 0),
    "Asked": Sign("▲", "!", "asks you", "drift", 1),
    "Reported": Sign("≠", "#", "reported", "drift", 2),
    "Ceded": Sign("◇", "c", "ceded", "cordoned", 5),
    "Adopted": Sign("●", "+", "adopted", "synced", 6),
    "Reverted": Sign("●", "+", "reverted", "synced", 7),
    "Ended": Sign("●", "+", "ended", "synced", 8),
}

SEVERITY: Final = {
    "Critical": Sign("✗", "x", "critical", "failed", 0),
    "High": Sign("▲", "!", "high", "failed", 1),
    "Medium": Sign("▲", "!", "medium", "drift", 2),
    "Low": Sign("·", ".", "low", "dim", 3),
}
RECOVERED: Final = Sign("●", "+", "recovered", "synced", 4)

_TARGET: Final = {
    TargetState.REFUSED: Sign("⊘", "%", "refused", "failed", 0),
    TargetState.UNAUTHORIZED: Sign("⊘", "%", "no access", "failed", 1),
    TargetState.UNREACHABLE: Sign("✗", "x", "unreachable", "failed", 2),
    TargetState.STOPPED: Sign("□", "0", "stopped", "stale", 3),
    TargetState.CONNECTING: Sign("◐", "~", "connecting", "pending", 6),
}
_NOBODYS: Final = Sign("▲", "!", "no lease", "drift", 4)  # no replica is known to write there
STANDBY: Final = "standby"  # another replica writes there
_STANDBY: Final = Sign("◌", "?", STANDBY, "stale", 10)
_NOT_READY: Final = Sign("▲", "!", "not ready", "drift", 4)
BRAKED: Final = Sign("‖", "=", "deletes held", "drift", 5)
_DRAINING: Final = Sign("↷", ">", "draining", "cordoned", 7)
_DRAINED: Final = Sign("◇", "c", "drained", "cordoned", 7)
_PAUSED: Final = Sign("‖", "=", "paused", "paused", 8)
_CORDONED: Final = Sign("◇", "c", "cordoned", "cordoned", 9)
_READY: Final = Sign("●", "+", "ready", "synced", 10)


def target_sign(target: TargetRecord) -> Sign:
    """Return the one state of a target that matters most to an operator."""
    if target.state in _TARGET:
        return _TARGET[target.state]
    is_standby = target.state is TargetState.STANDBY
    choices = (
        (is_standby and not target.holder, _NOBODYS),
        (target.deletes_held > 0, BRAKED),
        (target.pause is not None, _PAUSED),
        (target.evict_after > 0, _DRAINING if target.objects else _DRAINED),
        (target.cordoned, _CORDONED),
        (not target.ready, _NOT_READY),
        (is_standby, _STANDBY),
    )
    return next((sign for holds, sign in choices if holds), _READY)


def cell_sign(cell: Cell) -> Sign:
    """Return the state of an object on a target: in sync or not, then healthy or not."""
    return _AILING[cell.health] if is_ailing(cell) else SYNC[cell.state]


def outcome_sign(outcome: str) -> Sign:
    """Return what happened to a changed field."""
    return _OUTCOME.get(
        outcome, Sign(glyph="◌", ascii="?", word=outcome.lower() or "unknown", tone="stale", rank=4)
    )


def hub_sign(engine: EngineRecord) -> Sign:
    """Return the state of the hub connection."""
    if engine.hub_connected:
        return Sign(glyph="●", ascii="+", word="hub connected", tone="synced", rank=9)
    return Sign(glyph="✗", ascii="x", word="hub unreachable", tone="failed", rank=0)


def history_sign(entry: HistoryRecord) -> Sign:
    """Return the severity of an error, or that it has recovered."""
    if entry.recovered_at > 0 or entry.category == "recovery":
        return RECOVERED
    return SEVERITY.get(entry.severity, SEVERITY["Low"])


def shown(sign: Sign, *, ascii_only: bool, word: str = "") -> Runs:
    """Return glyph and word in the sign's tone. ``word`` replaces the sign's own."""
    glyph = sign.ascii if ascii_only else sign.glyph
    return (Run(f"{glyph} {word or sign.word}", sign.tone),)
