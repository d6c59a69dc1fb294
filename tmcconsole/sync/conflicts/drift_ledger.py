"""What others changed on a copy, field by field; and when reverting has become a fight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tmcconsole.contract.secret_text import cut_and_hide
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.redact import redact_at
from tmcconsole.sync.conflicts.judge import Contested

FIGHT_FLIPS: Final = 6  # reverts of one field in the window; one more is a fight
FIGHT_WINDOW_S: Final = 600.0
TRUCE_CAP_S: Final = 4 * 3600.0  # a truce that did not help is followed by one twice as long
FIELDS_KEPT: Final = 32  # per object; the one seen longest ago is dropped first
VALUE_SHOWN: Final = 120  # characters of a value
_OPEN: Final = ("Asked", "Fight", "Reported")  # outcomes that mean that it still differs


@dataclass(slots=True)
class Drift:
    """One field of one copy that somebody else changed. Times are Unix seconds."""

    path: str
    pointer: str
    wanted: SafeText  # redacted
    actual: SafeText  # redacted
    manager: SafeText
    first_seen: float
    last_seen: float
    count: int = 0  # changes seen
    outcome: str = ""  # Reverted | Ceded | Asked | Reported | Fight | Adopted | Ended
    flips: tuple[float, ...] = ()  # monotonic: times it was due to be reverted, in the window
    has_fought: bool = False  # since the desired state last changed


@dataclass(frozen=True, slots=True)
class Truce:
    """After a fight: nothing is written until then, or until the desired state changes."""

    until: float = 0.0  # monotonic
    for_s: float = 0.0
    desired: bytes = b""  # content digest of the hub object


@dataclass(slots=True)
class DriftLedger:
    """The drift ledger of one object on one target: bounded, in memory, one owner."""

    fields: dict[str, Drift] = field(default_factory=dict)  # by pointer, latest seen last
    truce: Truce = Truce()
    flips: tuple[float, ...] = ()  # monotonic: of the object as a whole, if no field is known
    lost: str = ""  # UID of the last copy that others deleted and that was counted
    seen: frozenset[str] = frozenset()  # fingerprints: what was there at the last look in a truce

    def note(self, kind: str, one: Contested, outcome: str, wall: float) -> bool:
        """Record the state of a field; return whether that is news."""
        told = drift_of(kind, one)
        known = self.fields.pop(one.pointer, None)
        is_same = known is not None and (known.actual, known.wanted, known.outcome) == (
            told.actual,
            told.wanted,
            outcome,
        )
        if known is not None:
            told.first_seen, told.count = known.first_seen, known.count
            told.flips, told.has_fought = known.flips, known.has_fought
        told.first_seen = told.first_seen or wall
        told.last_seen, told.outcome = wall, outcome
        is_news = not is_same or outcome == "Reverted"
        told.count += is_news
        self.fields[one.pointer] = told
        if len(self.fields) > FIELDS_KEPT:
            del self.fields[next(iter(self.fields))]
        return is_news

    def flip(self, pointers: Iterable[str], desired: bytes, now: float) -> tuple[Drift, ...]:
        """Count fields to be reverted; return those in a fight, if any.

        If a truce for this desired state ended less than a window ago, the next flip is a fight.
        """
        is_relapse = self._is_after_truce(desired, now)
        fights = []
        for pointer in pointers:
            drift = self.fields[pointer]
            recent = tuple(at for at in drift.flips if at > now - FIGHT_WINDOW_S)
            drift.flips = (*recent, now)
            if len(drift.flips) > FIGHT_FLIPS or (recent and drift.has_fought and is_relapse):
                drift.has_fought = True
                fights.append(drift)
        return tuple(fights)

    def flip_whole(self, now: float) -> bool:
        """Count a whole object to be reverted; return whether there is a fight over it."""
        recent = tuple(at for at in self.flips if at > now - FIGHT_WINDOW_S)
        self.flips = (*recent, now)
        return len(self.flips) > FIGHT_FLIPS

    def _is_after_truce(self, desired: bytes, now: float) -> bool:
        truce = self.truce
        return truce.desired == desired and bool(truce.until) and now < truce.until + FIGHT_WINDOW_S

    def make_truce(self, desired: bytes, now: float) -> float:
        """Start a truce; return its length in seconds."""
        again = self._is_after_truce(desired, now)
        for_s = min(TRUCE_CAP_S, 2 * self.truce.for_s) if again else FIGHT_WINDOW_S
        self.truce = Truce(now + for_s, for_s, desired)
        return for_s

    def watch(self, found: frozenset[str], now: float) -> None:
        """Observe during a truce: if the other manager continues, the truce starts over."""
        if found != self.seen:
            self.seen = found
            self.truce = Truce(now + self.truce.for_s, self.truce.for_s, self.truce.desired)

    def end(self) -> None:
        """Note that the copy is in sync: nothing is left to ask about, or to fight over."""
        for drift in self.fields.values():
            if drift.outcome in _OPEN:
                drift.outcome = "Ended"

    def end_truce(self) -> None:
        """Start over: the desired state changed, or an operator decided."""
        self.truce = Truce()
        for drift in self.fields.values():
            drift.flips, drift.has_fought = (), False


def drift_of(kind: str, one: Contested) -> Drift:
    """Return a field for display."""
    difference = one.difference
    return Drift(
        path=difference.path,
        pointer=one.pointer,
        wanted=_shown(kind, difference.path, difference.wanted),
        actual=_shown(kind, difference.path, difference.actual),
        manager=SafeText(one.manager),
        first_seen=0.0,
        last_seen=0.0,
    )


def _shown(kind: str, path: str, value: Any) -> SafeText:
    if value is None:
        return SafeText("nothing")
    text = cut_and_hide(repr(redact_at(kind, path, value)), VALUE_SHOWN + 1)
    return SafeText(text if len(text) <= VALUE_SHOWN else text[: VALUE_SHOWN - 1] + "…")
