"""The audit log: each action is written before it is carried out, and its outcome after.

One JSON object per line; each carries the digest of the line before, so that changing, removing or
inserting a line breaks the chain (``verify``). Values of Secrets never come here: callers pass
names, counts and digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, Protocol

import orjson

from tmcconsole.contract.text import SafeText

FIRST: Final = "0" * 64  # the digest before the first line
MAX_FIELD: Final = 2048  # characters

AuditEntry = dict[str, object]


class AuditUnavailable(Exception):
    """The record could not be made durable: the action it announces must not be carried out."""


class AuditLog(Protocol):
    """Where the engine announces destructive actions and those of operators."""

    async def before(
        self, action: str, *, actor: str, target: str, subject: str, uid: str, detail: str
    ) -> int:
        """Return the sequence number of the durable announcement of an action.

        Raises ``AuditUnavailable``; the action must then be refused.
        """
        ...

    async def after(self, seq: int, outcome: str) -> None:
        """Record the outcome of the action announced as ``seq``. Raises ``AuditUnavailable``."""
        ...

    async def recall(self, actions: frozenset[str]) -> tuple[Recalled, ...]:
        """Return the announcements of these actions, oldest first, including earlier processes'.

        Raises ``AuditUnavailable`` if the log cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """A past announcement, and the action's outcome."""

    at: float  # Unix seconds
    action: str
    target: str
    uid: str
    detail: str
    outcome: str  # "" if none was recorded: the action was interrupted


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The end of a chain: the last sequence number, and the digest of the last line."""

    seq: int = 0
    digest: str = FIRST


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """The result of ``verify``. ``problem`` is "" for an intact chain, else it names the line."""

    position: ChainEnd
    lines: int
    problem: str = ""


class MemoryAudit:
    """An audit log without files and threads, for the seeded simulation."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._end = ChainEnd()
        self.lines: list[bytes] = []

    async def before(
        self, action: str, *, actor: str, target: str, subject: str, uid: str, detail: str
    ) -> int:
        """See ``AuditLog``."""
        return self._append(announcement(action, actor, target, subject, uid, detail))

    async def after(self, seq: int, outcome: str) -> None:
        """See ``AuditLog``."""
        self._append(result(seq, outcome))

    async def recall(self, actions: frozenset[str]) -> tuple[Recalled, ...]:
        """See ``AuditLog``."""
        return recalled(self.lines, actions)

    def _append(self, entry: AuditEntry) -> int:
        line, self._end = chained(entry, self._end, self._wall())
        self.lines.append(line)
        return self._end.seq


def announcement(
    action: str, actor: str, target: str, subject: str, uid: str, detail: str
) -> AuditEntry:
    """Return the entry that announces an action."""
    return {
        "event": "before",
        "action": _cut(action),
        "actor": _cut(actor),
        "target": _cut(target),
        "subject": _cut(subject),
        "uid": _cut(uid),
        "detail": _cut(detail),
    }


def result(seq: int, outcome: str) -> AuditEntry:
    """Return the entry with the outcome of the action announced as ``seq``."""
    return {"event": "after", "of": seq, "outcome": _cut(outcome)}


def torn() -> AuditEntry:
    """Return the entry that follows a line truncated by a crash or a full disk."""
    return {"event": "torn", "detail": "the line before is incomplete: writing it was interrupted"}


def chained(entry: AuditEntry, end: ChainEnd, wall: float) -> tuple[bytes, ChainEnd]:
    """Return the entry as the line that follows ``end``, and the new end."""
    seq = end.seq + 1
    line = orjson.dumps({"seq": seq, "at": round(wall, 6), **entry, "prev": end.digest}) + b"\n"
    return line, ChainEnd(seq, digest_of(line))


def digest_of(line: bytes) -> str:
    """Return the digest of a line without its newline."""
    return blake2b(line.rstrip(b"\n"), digest_size=32).hexdigest()


def recalled(lines: Iterable[bytes], actions: frozenset[str]) -> tuple[Recalled, ...]:
    """Return the announcements of these actions in a chain's lines, with their outcomes."""
    found: dict[object, Recalled] = {}
    for line in lines:
        entry = parsed(line)
        if entry is None:
            continue
        if entry.get("event") == "after" and entry.get("of") in found:
            known = found[entry["of"]]
            found[entry["of"]] = replace(known, outcome=str(entry.get("outcome")))
        elif entry.get("event") == "before" and entry.get("action") in actions:
            found[entry["seq"]] = _recalled(entry)
    return tuple(found.values())


def _recalled(entry: AuditEntry) -> Recalled:
    at = entry.get("at")
    return Recalled(
        float(at) if isinstance(at, int | float) else 0.0,
        action=str(entry.get("action", "")),
        target=str(entry.get("target", "")),
        uid=str(entry.get("uid", "")),
        detail=str(entry.get("detail", "")),
        outcome="",
    )


def verify(lines: Iterable[bytes], start: ChainEnd | None = None) -> ChainVerdict:
    """Check a whole chain, or one that continues from ``start``, and return how far it is intact.

    An incomplete line (a crash, a full disk) is accepted if the next complete line says so, or at
    the very end.
    """
    end = start or ChainEnd()
    after_torn = False
    count = 0
    for count, line in enumerate(lines, start=1):
        entry = parsed(line)
        if entry is None:
            end, after_torn = ChainEnd(end.seq, digest_of(line)), True
            continue
        problem = _wrong(entry, end, after_torn=after_torn)
        if problem:
            return ChainVerdict(end, count, f"line {count}: {problem}")
        end, after_torn = ChainEnd(end.seq + 1, digest_of(line)), False
    return ChainVerdict(end, count)


def parsed(line: bytes) -> AuditEntry | None:
    """Return the entry in a complete line, None for an incomplete or foreign one."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_ours = isinstance(entry, dict) and isinstance(entry.get("seq"), int)
    return entry if is_ours else None


def _wrong(entry: AuditEntry, end: ChainEnd, *, after_torn: bool) -> str:
    if entry.get("seq") != end.seq + 1:
        return f"number {entry.get('seq')} where {end.seq + 1} is expected"
    if entry.get("prev") != end.digest:
        return "does not continue the line before: one of them was changed"
    if after_torn and entry.get("event") != "torn":
        return "follows an incomplete line without saying so"
    return ""


def _cut(value: str) -> str:
    shown = str(SafeText(value))
    return shown if len(shown) <= MAX_FIELD else shown[: MAX_FIELD - 1] + "…"
