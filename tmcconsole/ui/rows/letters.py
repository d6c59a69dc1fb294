"""Keys in queues as rows: waiting, in progress, or dead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from tmcconsole.contract.commands import DeadLetter, QueueItem
from tmcconsole.ui.rows.table import Column, DrawContext, Listing
from tmcconsole.ui.style.format import age, count, countdown
from tmcconsole.ui.style.ink import Runs, ink
from tmcconsole.ui.style.signs import Sign

DEAD: Final = "dead"
_SIGNS: Final = {
    DEAD: Sign("✗", "x", "dead", "failed", 0),
    "delayed": Sign("▲", "!", "delayed", "drift", 1),
    "in-flight": Sign("◐", "~", "in-flight", "pending", 2),
    "ready": Sign("◌", ".", "ready", "text", 3),
}


@dataclass(frozen=True, slots=True)
class QueuedKey:
    """One key in a queue. Times are Unix seconds, 0 = none."""

    target: str  # or hub
    object: str  # an ObjectRecord's key
    state: str  # dead | delayed | in-flight | ready
    attempts: int
    due_at: float
    cause: str = ""
    since: float = 0.0  # the first of the consecutive failures

    @property
    def key(self) -> str:
        """Identity in the list."""
        return f"{self.target} {self.object}"


def queued_keys(
    target: str, kind: str, items: Iterable[QueueItem], letters: Iterable[DeadLetter]
) -> dict[str, QueuedKey]:
    """Return a queue's keys by row key, dead letters marked as such."""
    rows = [
        QueuedKey(
            target=target,
            object=f"{kind}/{item.key}",
            state=item.state,
            attempts=item.attempts,
            due_at=item.due_at,
            cause=item.error,
        )
        for item in items
    ]
    return {row.key: row for row in rows} | dead_keys(letters, kind)


def dead_keys(letters: Iterable[DeadLetter], kind: str = "") -> dict[str, QueuedKey]:
    """Return dead letters by row key, of one kind if one is given."""
    rows = [
        QueuedKey(
            target=letter.target,
            object=_plain_key(letter.key),
            state=DEAD,
            attempts=letter.attempts,
            due_at=letter.due_at,
            cause=letter.cause,
            since=letter.since,
        )
        for letter in letters
        if not kind or letter.key.startswith(f"{kind}/")
    ]
    return {row.key: row for row in rows}


def _plain_key(key: str) -> str:
    """Return an object's key; without a namespace, that segment may be empty."""
    return key.replace("//", "/", 1)


def key_sign(row: QueuedKey) -> Sign:
    """Return the state of a key."""
    return _SIGNS.get(row.state, Sign(glyph="◌", ascii="?", word=row.state, tone="stale", rank=2))


def next_try(row: QueuedKey, draw: DrawContext) -> str:
    """Return when it is next retried."""
    if row.state == "in-flight" or (row.state == DEAD and not row.due_at):
        return "under way"
    return countdown(row.due_at, draw.now) if row.due_at else "now"


def _tries(row: QueuedKey, _look: DrawContext) -> Runs:
    return ink(count(row.attempts), "text" if row.attempts else "dim")


_STATE, _TARGET, _OBJECT, _NAME, *_REST = (
    Column("state", "STATE", lambda r, draw: draw.state(key_sign(r)),
           lambda r: float(key_sign(r).rank), key="S", least=11, most=11),
    Column("target", "TARGET", lambda r, _l: ink(r.target, "strong"), lambda r: r.target,
           least=8, most=26, middle=True, drop=2),
    Column("object", "OBJECT", lambda r, _l: ink(r.object), lambda r: r.object, key="N",
           least=18, most=60, middle=True),
    Column("object", "OBJECT", lambda r, _l: ink(r.object.partition("/")[2]),
           lambda r: r.object, key="N", least=18, most=60, middle=True),
    Column("tries", "TRIES", _tries, lambda r: -float(r.attempts),
           number=lambda r, _n: float(r.attempts), key="E", right=True, least=5, most=7),
    Column("since", "SINCE", lambda r, draw: ink(age(r.since, draw.now), "dim"),
           lambda r: r.since or float("inf"), number=lambda r, now: now - r.since if r.since else 0,
           key="A", right=True, least=5, most=6, drop=3),
    Column("next", "NEXT TRY", lambda r, draw: ink(next_try(r, draw), "dim"),
           lambda r: r.due_at, key="L", right=True, least=8, most=9, drop=1),
    Column("cause", "CAUSE", lambda r, _l: ink(r.cause, key_sign(r).tone), None,
           least=16, most=160, grow=True),
)  # fmt: skip

LETTERS = Listing(
    kind=QueuedKey,
    noun="dead letter",
    columns=lambda _look, _width: (_STATE, _TARGET, _OBJECT, *_REST),
    problem=lambda row: row.state == DEAD,
    first=lambda row: (float(key_sign(row).rank), row.target, row.object),
    targets_of=lambda row: (row.target,),
)
# One queue: its title names target and kind.
QUEUED = replace(LETTERS, noun="key", columns=lambda _look, _width: (_STATE, _NAME, *_REST))
