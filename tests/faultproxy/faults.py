"""What can go wrong between us and an API server, as plain values, and their sum for a request.

Faults that are on at the same time add up to the longest delay, the lowest bandwidth and the worst
outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never

HTML = b"<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Latency:
    """Requests wait this long before they go on; a stream's content arrives this much later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bodies of answers arrive slowly."""

    bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset; the server never sees the request."""


@dataclass(frozen=True, slots=True)
class LostReply:
    """The server carries out the request; then the connection is reset without an answer."""


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Requests and streams hang: nothing arrives on either side, no connection is closed."""


@dataclass(frozen=True, slots=True)
class OneWay:
    """Requests arrive at the server, answers never arrive here; no connection is closed."""


@dataclass(frozen=True, slots=True)
class SlowHeaders:
    """The head of an answer arrives byte by byte."""

    seconds_per_byte: float


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Every n-th byte of answers' bodies is 0xFF, which no UTF-8 text contains."""

    every: int = 64


@dataclass(frozen=True, slots=True)
class Sliced:
    """Bodies of answers arrive in pieces of this size, which split lines and UTF-8."""

    size: int = 1


@dataclass(frozen=True, slots=True)
class CutBody:
    """The body of an answer breaks off, with a reset or (``clean``) as if it were complete."""

    after_bytes: int
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Another answer is given; ``forward`` lets the server carry out the request first."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The whole body of an answer is passed through a function; not for watches."""

    edit: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class EditEvents:
    """Each line of a watch is passed through a function, and what it returns is sent instead."""

    edit: Callable[[bytes], bytes]  # from one whole line to any number of them


@dataclass(frozen=True, slots=True)
class FrozenReplica:
    """Reads show the state of the moment this was switched on; watches bring nothing new.

    Writes pass. As in an API server whose watch cache is stuck, reads that ask for the newest
    state (resourceVersion unset) are answered truly, unless ``quorum_reads_too``.
    """

    quorum_reads_too: bool = False


Fault = (
    Latency
    | Bandwidth
    | Reset
    | LostReply
    | Blackhole
    | OneWay
    | SlowHeaders
    | Corrupt
    | Sliced
    | CutBody
    | Replace
    | Rewrite
    | EditEvents
    | FrozenReplica
)


def html_answer(status: int = 200) -> Replace:
    """Return the answer of a captive portal."""
    return Replace(status, HTML, "text/html; charset=utf-8")


class Outcome(IntEnum):
    """What becomes of a request; of several faults, the highest outcome wins."""

    FORWARD = 0
    WITHHOLD = 1  # forward, and never answer
    LOSE = 2  # forward, then reset
    RESET = 3
    HANG = 4


@dataclass(slots=True)
class Plan:
    """The sum of the faults that affect one request."""

    delay_s: float = 0.0
    bytes_per_s: float | None = None
    outcome: Outcome = Outcome.FORWARD
    head_s_per_byte: float = 0.0
    corrupt_every: int = 0  # 0: never
    slice_size: int = 0  # 0: unchanged
    cut: CutBody | None = None
    replace: Replace | None = None
    edits: tuple[Callable[[bytes], bytes], ...] = ()
    event_edits: tuple[Callable[[bytes], bytes], ...] = ()
    frozen: FrozenReplica | None = None


def plan(faults: Iterable[Fault]) -> Plan:
    """Add faults up."""
    total = Plan()
    for fault in faults:
        _add_outcome(total, fault)
        _add_shape(total, fault)
    return total


def _add_outcome(total: Plan, fault: Fault) -> None:
    outcomes = {
        OneWay: Outcome.WITHHOLD,
        LostReply: Outcome.LOSE,
        Reset: Outcome.RESET,
        Blackhole: Outcome.HANG,
    }
    total.outcome = max(total.outcome, outcomes.get(type(fault), Outcome.FORWARD))


def _add_shape(total: Plan, fault: Fault) -> None:
    match fault:
        case Latency(seconds):
            total.delay_s = max(total.delay_s, seconds)
        case Bandwidth(rate):
            total.bytes_per_s = min(total.bytes_per_s or rate, rate)
        case SlowHeaders(seconds):
            total.head_s_per_byte = max(total.head_s_per_byte, seconds)
        case Corrupt(every):
            total.corrupt_every = every
        case Sliced(size):
            total.slice_size = size
        case CutBody():
            total.cut = fault
        case Replace():
            total.replace = fault
        case Rewrite(edit):
            total.edits += (edit,)
        case EditEvents(edit):
            total.event_edits += (edit,)
        case FrozenReplica():
            total.frozen = fault
        case Reset() | LostReply() | Blackhole() | OneWay():
            pass  # an outcome, not a shape
        case _:
            assert_never(fault)
